"""How a person likes to work: keys, look, language and time. And help with the keys."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from reviewqueue.actions import people
from reviewqueue.desk.access import SignedIn, signed_in
from reviewqueue.desk.keymap import ACTIONS, SINGLE, TABLE, clashes
from reviewqueue.models.user import Preferences

# What can be chosen, with its words; the names are those of Preferences.
CHOICES = {
    "single_keys": {"on": _("On"), "focus": _("Only while the focus is in the page's main part"), "off": _("Off")},
    "theme": {"auto": _("As the system has it"), "light": _("Light"), "dark": _("Dark")},
    "density": {"compact": _("Compact"), "default": _("Default"), "comfortable": _("Comfortable")},
    "announce": {"full": _("In full"), "short": _("Short"), "off": _("Off")},
}

# Names of time zones that people live in; the others are old names and technical ones.
REGIONS = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "UTC"}

CHANGEABLE = [action for action in ACTIONS if action.changeable]


@cache
def time_zones() -> list[str]:
    return sorted(zone for zone in available_timezones() if zone.split("/")[0] in REGIONS)


class Key(forms.CharField):
    """A key as it is written on a badge; small letters and spaces around it do no harm, nothing means the table's."""

    def __init__(self, slug: str) -> None:
        super().__init__(required=False, max_length=20)
        self.slug = slug

    def clean(self, value: Any) -> str:
        given = super().clean(value).upper().replace("SHIFT+", "Shift+") or TABLE[self.slug].key
        if not SINGLE.fullmatch(given):
            raise forms.ValidationError(_("Type a letter from A to Z, Shift+ and a letter, or one of . / ?"))
        return given


class PreferencesForm(forms.Form):
    """A part of the preferences or all of them: what a form does not send stays as it is."""

    theme = forms.ChoiceField(required=False, choices=CHOICES["theme"].items)
    density = forms.ChoiceField(required=False, choices=CHOICES["density"].items)
    announce = forms.ChoiceField(required=False, choices=CHOICES["announce"].items)
    single_keys = forms.ChoiceField(required=False, choices=CHOICES["single_keys"].items)
    language = forms.ChoiceField(required=False, choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(required=False, choices=lambda: [(zone, zone) for zone in time_zones()])

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.remaps = any(_field(action.slug) in data for action in CHANGEABLE)
        if self.remaps:
            self.fields |= {_field(action.slug): Key(action.slug) for action in CHANGEABLE}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.remaps and not self.errors:
            for slug in sorted(clashes(self._keys(cleaned))):
                key = self._keys(cleaned)[slug]
                if _field(slug) in cleaned:
                    self.add_error(_field(slug), _("%s is used twice, or starts a sequence.") % key)
        return cleaned

    def _keys(self, cleaned: dict[str, Any]) -> dict[str, str]:
        return {slug: cleaned.get(_field(slug), action.key) for slug, action in TABLE.items()}

    @property
    def changes(self) -> dict[str, Any]:
        """What is to be stored: of the keys only those that differ from the table."""
        simple = ("theme", "density", "announce", "single_keys", "language", "time_zone")
        changes = {name: self.cleaned_data[name] for name in simple if name in self.data}
        if self.remaps:
            keys = self._keys(self.cleaned_data)
            changes["keys"] = {slug: key for slug, key in keys.items() if key != TABLE[slug].key}
        return changes


def _field(slug: str) -> str:
    return f"key-{slug}"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def preferences(request: SignedIn) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    people.prefer(by=request.user, **form.changes)
    with translation.override(form.changes.get("language") or translation.get_language()):
        messages.success(request, str(_("Your settings are saved.")))
    return HttpResponseRedirect(_back(request))


def _back(request: HttpRequest) -> str:
    """To the page whose footer sent the form, where that is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("settings")


def _page(request: SignedIn, form: PreferencesForm | None = None) -> HttpResponse:
    """The settings as they are, or as they were sent, with what is wrong."""
    stored = Preferences.of(request.user.preferences)
    sent = form.data if form else {}
    chosen = {name: sent.get(name, getattr(stored, name)) for name in (*CHOICES, "language", "time_zone")}
    context = {
        "form": form,
        "chosen": chosen,
        "choices": CHOICES,
        "time_zones": time_zones(),
        "keys": [
            {
                "name": _field(action.slug),
                "words": action.words,
                "default": action.key,
                "key": sent.get(_field(action.slug), stored.keys.get(action.slug, action.key)),
                "errors": form.errors.get(_field(action.slug), []) if form else [],
            }
            for action in CHANGEABLE
        ],
    }
    return render(request, "desk/settings.html", context, status=422 if form else 200)


@require_safe
@signed_in
def keyboard(request: SignedIn) -> HttpResponse:
    """Help with the keys: a page, and what script shows as a dialog."""
    return render(request, "desk/keyboard.html")
