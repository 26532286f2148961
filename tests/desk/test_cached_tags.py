"""Words and addresses that are drawn once say what Django's own tags say."""

import pytest
from django.template import Context, Template
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils.translation import override


@pytest.mark.parametrize(
    ("template", "drawn"),
    [
        ('{% translate "Settings" %}', "Einstellungen"),
        ("{% translate word %}", "Abmelden"),
        ('{% translate "Settings" as said %}<{{ said }}>', "<Einstellungen>"),
        ('{% translate "Settings"|upper %}', "EINSTELLUNGEN"),
        ('{% translate _("Settings") %}', "Einstellungen"),
        ('{% translate "100%" %}', "100%"),
        ('{% url "draft" draft %}', "/drafts/7"),
        ('{% url "draft" draft_id=draft %}', "/drafts/7"),
        ('{% url "desk" as desk %}<{{ desk }}>', "</desk>"),
        ('{% url "nowhere" as none %}<{{ none }}>', "<>"),
    ],
)
def test_they_say_what_djangos_own_say(template, drawn):
    values = {"word": "Sign out", "draft": 7}
    with override("de"):
        for before in ("", "{% load i18n %}"):
            assert Template(before + template).render(Context(values)) == drawn


def test_the_language_is_that_of_the_moment():
    template = Template('{% translate "Settings" %}')
    said = []
    for language in ("en", "de", "en", None):
        with override(language):
            said.append(template.render(Context()))
    assert said == ["Settings", "Einstellungen", "Settings", "Settings"]


def test_an_address_begins_as_the_site_does():
    template, before = Template('{% url "draft" 7 %}'), get_script_prefix()
    try:
        for prefix in ("/", "/reviews/"):
            set_script_prefix(prefix)
            assert template.render(Context()) == reverse("draft", args=[7]) == f"{prefix}drafts/7"
    finally:
        set_script_prefix(before)
