"""The one table of keys: no key twice, none dead, and badges, help, document and handler say the same."""

import io
import json
import re

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.template import engines

from reviewqueue.actions.decide import CAUSES
from reviewqueue.desk.keymap import ACTIONS, DIGITS, SCREENS, TABLE, Keymap, clashes
from tests.factories import make_agent, make_draft

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.slug)
# What the handler does by itself, without anything on the page.
BUILT_IN = {"leave"}
# Where each action of the table is put on a page: by its slug, or by a word that stands for several.
BY_WORD = {"slug": set(CAUSES), "place.action": {slug for slug in TABLE if slug.startswith("go-")}}


def offered() -> set[str]:
    """The slugs of all actions that some template puts on a button, link, field or list."""
    found: set[str] = set()
    for path in TEMPLATES:
        for tag in re.findall(r"{% (?:key|walks) (.*?) %}", path.read_text()):
            for word in tag.split():
                found |= {word.strip('"')} if word.startswith('"') else BY_WORD.get(word, set())
    return found


def test_a_key_means_one_thing():
    keys = [action.key for action in ACTIONS]
    assert len(set(keys)) == len(keys)
    assert clashes(Keymap({}).keys) == set()


@each_action
def test_an_action_works_somewhere_and_leaves_alone_what_is_not_ours(action):
    assert action.screens
    assert set(action.screens) <= SCREENS.keys()
    assert not re.search(r"Alt|Option|Meta|Tab|Space|Backspace|^Enter|F\d", action.key)
    modified = action.key.startswith(("Ctrl", "Shift"))
    assert not modified or action.key in {"Ctrl+K", "Ctrl+Enter", "Shift+A", "Shift+X"}


@each_action
def test_no_key_is_dead(action):
    """Langfuse showed badges for keys that nothing listened to: what is in the table is on some page, and only that."""
    assert action.slug in offered() | BUILT_IN


def test_no_page_offers_what_is_not_in_the_table():
    assert offered() <= TABLE.keys()


@each_action
def test_a_badge_is_drawn_from_the_table(action):
    number = 3 if action.key == DIGITS else None
    html = engines["django"].from_string("<a {% key slug number %}>").render({"slug": action.slug, "number": number})
    shown = "3" if number else action.key
    assert f'data-key="{shown}"' in html
    spoken = {"Ctrl+K": "Control+K Meta+K", "Ctrl+Enter": "Control+Enter Meta+Enter", "Esc": "Escape"}.get(shown, shown)
    assert (f'aria-keyshortcuts="{spoken}"' in html) is (" " not in shown)


def test_no_digit_from_the_tenth_choice_on():
    assert Keymap({}).key("choose", 9) == "9"
    assert engines["django"].from_string('<a {% key "choose" 10 %}>').render({}) == "<a >"


def test_an_unknown_action_is_a_mistake_that_shows():
    with pytest.raises(KeyError):
        engines["django"].from_string('{% key "aprove" %}').render({})


def test_with_single_keys_off_only_what_is_pressed_with_ctrl_is_announced():
    keymap = Keymap({}, active=False)
    assert [keymap.spoken(key) for key in ("A", "Shift+A", "?", "Esc")] == ["", "", "", ""]
    assert keymap.spoken("Ctrl+K") == "Control+K Meta+K"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"approve": "Y"}, {"approve": "Y"}),
        ({"approve": "E", "edit": "A"}, {"approve": "E", "edit": "A"}),
        ({"approve": "Y", "gone": "Shift+Z"}, {"approve": "Y"}),
        ({"approve": "R"}, {}),
        ({"approve": "Y", "edit": "Y", "skip": "Shift+Z"}, {"skip": "Shift+Z"}),
        ({"approve": "E", "edit": "R"}, {}),
        ({"approve": "G"}, {}),
        ({"palette": "Y", "choose": "Y", "go-desk": "Y", "leave": "Y"}, {}),
    ],
)
def test_what_was_stored_counts_as_far_as_it_clashes_with_nothing(changed, expected):
    keys = Keymap(changed).keys
    assert {slug: key for slug, key in keys.items() if key != TABLE[slug].key} == expected
    assert clashes(keys) == set()


def test_the_document_is_drawn_from_the_table(tmp_path, settings):
    call_command("keyboard", "--check", stdout=io.StringIO())
    page = (settings.BASE_DIR / "docs" / "keyboard.md").read_text()
    for action in ACTIONS:
        assert f"| `{action.key}` | {action.words} |" in page
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="stale"):
        call_command("keyboard", "--check")
    call_command("keyboard", stdout=io.StringIO())
    assert (tmp_path / "docs" / "keyboard.md").read_text() == page


# --- On the pages --------------------------------------------------------------------------------------------

PAGES = {
    "/desk": {"reply"},
    "/desk?edit=1": {"reply"},
    "/desk?reject=1": {"reply"},
    "/queue": {"queue"},
    "/decisions": set(),
    "/settings": set(),
    "/keys": set(),
}


def keys_of(page) -> set[str]:
    """All keys that do something on a page."""
    walked = [json.loads(element.attributes["data-walk"]) for element in page.all_with("data-walk")]
    return {element.attributes["data-key"] for element in page.all_with("data-key")} | {
        key for keys in walked for key in keys
    }


def known(screens: set[str]) -> set[str]:
    keys = {action.key for action in ACTIONS if {*screens, "everywhere", "go"} & set(action.screens)}
    return keys | set("123456789") if DIGITS in keys else keys


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_the_keys_of_its_screen_and_no_others(browse, path):
    amina = browse(make_agent("amina"))
    make_draft()
    amina.claim()
    found = keys_of(amina.open(path))
    assert found <= known(PAGES[path])
    assert {"?", "Ctrl+K", "G D", "G Q", "G H", "G S"} <= found


def test_a_label_has_the_keys_of_its_screen_and_no_others(browse):
    amina = browse(make_agent("amina"))
    make_draft(kind="sentiment", text="fine", label="positive")
    found = keys_of(amina.claim())
    assert found <= known({"label"})
    assert set("ARSQWDLBU123") <= found


def test_help_lists_every_action_of_every_screen(browse):
    page = browse(make_agent("amina")).open("/keys")
    for screen, words in SCREENS.items():
        (section,) = [one for one in page.root.all("section") if one.all("h2") and one.all("h2")[0].words == words]
        shown = [(row.one("th").words, row.one("span").words) for row in section.all("tr")]
        assert shown == [(action.words, action.key) for action in ACTIONS if screen in action.screens]
