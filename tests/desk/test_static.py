"""What no page may do, and what the style sheet promises: read from the files themselves."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STATIC = settings.BASE_DIR / "static"
CSS = (STATIC / "app.css").read_text()
SCRIPTS = sorted(STATIC.glob("*.js"))

ours = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)


@ours
def test_templates_keep_to_the_content_security_policy(path):
    html = path.read_text()
    assert not re.search(r"""\s(style|on[a-z]+)\s*=|javascript:|hx-on|<style|<script(?![^>]*\ssrc=)|<base""", html)


@ours
def test_templates_are_read_by_django(path):
    get_template(str(path.relative_to(settings.BASE_DIR / "templates")))


@ours
def test_no_word_of_ours_is_outside_of_translation(path):
    """Names of things that are the same in every language are all that may stand between tags."""
    if "api" in path.parts:
        pytest.skip("the reference of the API is English")
    html = re.sub(
        r"{%-?\s*(comment|blocktranslate).*?{%-?\s*end\1\s*%}|{#.*?#}|{%.*?%}|{{.*?}}", "", path.read_text(), flags=re.S
    )
    words = {word.strip() for word in re.findall(r">([^<]*[A-Za-z]{2}[^<]*)<", html)}
    assert words - {"reviewqueue", "· reviewqueue", "&nbsp;", "ms", "UTC", "CSV", "JSON Lines"} == set()


def test_fields_of_text_keep_their_first_line_end():
    """The line end after <textarea …> is the one that HTML drops."""
    for path in TEMPLATES:
        for field in re.findall(r"<textarea[^>]*>(.)", path.read_text(), re.S):
            assert field == "\n", path


def test_scripts_need_no_eval_and_write_no_html():
    for path in SCRIPTS:
        assert not re.search(
            r"\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|\.style\b", path.read_text()
        )


def test_the_style_sheet_knows_no_left_and_right():
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.S)
    physical = r"[\s;{](left|right|top|bottom|width|height|(margin|padding|border)-(left|right|top|bottom))\s*:"
    assert re.findall(physical, rules) == []
    assert not re.search(r"text-align:\s*(left|right)|float:\s*(left|right)|!important", rules)


def test_every_icon_that_is_used_is_there():
    there = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'{% icon "(\w+)" %}', path.read_text())}
    assert used - there == set()


def test_no_page_is_heavy():
    """Budgets of the first load, as it goes over the wire."""
    assert len(gzip.compress((STATIC / "app.css").read_bytes())) < 12_288
    assert sum(len(gzip.compress(path.read_bytes())) for path in SCRIPTS) < 20_480


# --- Colours -------------------------------------------------------------------------------------------------

TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", CSS))
SURFACES = ("bg", "s1", "s2")

# Text on every surface; text on its own tint; and what is not text (WCAG 1.4.3 and 1.4.11).
INKS = ("text", "text2", "text3", "accent", "machine", "ok", "bad", "warn", "info")
ON_TINT = [
    ("on", "accent"),
    ("on", "accent-hover"),
    ("on", "bad"),
    ("ins", "ins-bg"),
    ("del", "del-bg"),
    ("bad", "bad-bg"),
    ("warn", "warn-bg"),
    ("info", "info-bg"),
    ("machine", "machine-bg"),
    ("accent", "human-bg"),
    ("text", "sel"),
    ("text", "s3"),
    ("text2", "s3"),
    ("text3", "sel"),
]
PAIRS = [
    *((ink, surface, 4.5) for ink in INKS for surface in SURFACES),
    *((ink, tint, 4.5) for ink, tint in ON_TINT),
    *((control, surface, 3.0) for control in ("control", "focus") for surface in SURFACES),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast(theme, ink, ground, least):
    one, other = (_luminance(TOKENS[name].split(", ")[theme == "dark"]) for name in (ink, ground))
    ratio = (max(one, other) + 0.05) / (min(one, other) + 0.05)
    assert ratio >= least, f"{ink} on {ground} has {ratio:.2f}"


def _luminance(colour: str) -> float:
    """Relative luminance of a #rrggbb, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_look_of_keys_and_their_effect_have_one_source():
    """A badge is drawn from the attribute that the script listens to, so none is shown for a key that does nothing."""
    assert "content: attr(data-key)" in CSS
    assert '[data-key="${key}"]' in (STATIC / "keys.js").read_text()
    assert not any("<kbd" in Path(path).read_text() for path in TEMPLATES)
