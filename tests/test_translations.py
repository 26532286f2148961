"""The pages speak six languages: nothing is missing in any, and what is compiled is what was written."""

import gettext
import re
import shutil
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.utils.translation import gettext as translated
from django.utils.translation import override

LOCALE = Path(settings.LOCALE_PATHS[0])
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
# What is filled in, %(name)s or {n}, and what a script or a template would read as markup.
FILLED = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}|<[^>]*>")


def catalog(language: str, folder: Path = LOCALE) -> Catalog:
    with (folder / language / "LC_MESSAGES/django.po").open(encoding="utf-8") as file:
        return read_po(file, locale=language, abort_invalid=True)


def entries(language: str) -> list[Message]:
    return [message for message in catalog(language) if message.id]


def as_tuple(words: object) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (str(words),)


@pytest.mark.skipif(
    not shutil.which("xgettext"), reason="xgettext (Debian: gettext) collects the words; it is not installed"
)
def test_every_word_of_the_pages_is_in_every_catalogue_and_no_other(tmp_path, monkeypatch, settings):
    """Where this is red: make words, then translate what is new. It collects in a copy: it writes where it reads."""
    for folder in ("config", "reviewqueue", "templates"):
        shutil.copytree(settings.BASE_DIR / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    collected = tmp_path / LOCALE.relative_to(settings.BASE_DIR)
    settings.LOCALE_PATHS = [str(collected)]
    call_command("makemessages", locale=OTHERS, no_location=True, no_wrap=True, no_obsolete=True, stdout=StringIO())
    for language in OTHERS:
        now = {as_tuple(message.id) for message in catalog(language, collected) if message.id}
        assert {as_tuple(message.id) for message in entries(language)} == now


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_is_translated(language):
    for message in entries(language):
        said = as_tuple(message.string)
        assert all(said), f"not translated: {message.id!r}"
        assert not message.fuzzy, f"nobody looked at: {message.id!r}"
        assert not message.pluralizable or len(said) == catalog(language).num_plurals


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_the_same_and_nothing_else(language):
    for message in entries(language):
        asked = [set(FILLED.findall(words)) for words in as_tuple(message.id)]
        for said in as_tuple(message.string):
            # A plural form for one thing may leave the number out.
            least = set.intersection(*asked) - ({"%(n)s"} if message.pluralizable else set())
            assert least <= set(FILLED.findall(said)) <= set.union(*asked), f"{message.id!r}: {said!r}"
            assert [said[:1].isspace(), said[-1:].isspace()] == [edge.isspace() for edge in _ends(message)]


def _ends(message: Message) -> tuple[str, str]:
    first = as_tuple(message.id)[0]
    return first[:1], first[-1:]


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_was_written(language):
    with (LOCALE / language / "LC_MESSAGES/django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in entries(language):
        if message.pluralizable:
            one, many = message.id
            plural = catalog(language).plural_expr
            form = gettext.c2py(plural)(5)
            assert compiled.ngettext(one, many, 5) == message.string[form]
        else:
            assert compiled.gettext(str(message.id)) == message.string


@pytest.mark.parametrize("language", OTHERS)
def test_the_pages_use_them(language):
    with override(language):
        assert translated("Approve") != "Approve"
