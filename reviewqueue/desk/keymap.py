"""The one table of keys. Badges, the handler (static/keys.js), help, docs/keyboard.md and tests are drawn from it.

A key means the same wherever it works: `A` always says that the AI was right, `X` always selects. So no key is there
twice, on whatever screen. Left free on purpose: Space, Backspace, Tab, Enter as a decision, and anything with Alt.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reviewqueue.models import User
from reviewqueue.models.user import Preferences

Words = str | Promise

# Where a key works, in the order in which help lists it.
SCREENS: dict[str, Words] = {
    "everywhere": _("Everywhere"),
    "reply": _("Desk, with a reply"),
    "label": _("Desk, with a label"),
    "queue": _("Queue"),
    "go": _("Go to"),
}

# What a person may put in the place of a key: letters, alone or shifted, and the signs that are easy to reach.
SINGLE = re.compile(r"(Shift\+)?[A-Z]|[./?]")

# The n-th of a numbered list.
DIGITS = "1-9"


class Action(NamedTuple):
    """What one key does. `screens` are the slugs of those where it works."""

    slug: str
    words: Words
    key: str
    screens: tuple[str, ...]

    @property
    def changeable(self) -> bool:
        """A person may put another key in its place: what is pressed with Ctrl or after G stays."""
        return bool(SINGLE.fullmatch(self.key))


DESK = ("reply", "label")

ACTIONS = (
    Action("help", _("Help with the keys"), "?", ("everywhere",)),
    Action("palette", _("Find an action or a page, also while typing"), "Ctrl+K", ("everywhere",)),
    Action("undo", _("Undo your last decision"), "Z", DESK),
    Action("hold", _("Hold your last decision longer"), "H", DESK),
    Action("search", _("Go to the search or filter"), "/", ("queue",)),
    Action("leave", _("Close what is open; out of a field to the heading, the text stays"), "Esc", ("everywhere",)),
    Action("approve", _("Approve: the AI was right"), "A", DESK),
    Action("approve-anyway", _("Approve despite a warning"), "Shift+A", DESK),
    Action("edit", _("Edit the draft"), "E", ("reply",)),
    Action("send", _("While typing: approve your edit, save your note"), "Ctrl+Enter", DESK),
    Action("reject", _("Reject, then the reason"), "R", (*DESK, "queue")),
    Action("skip", _("Skip"), "S", DESK),
    Action("escalate", _("Escalate to a lead"), "F", (*DESK, "queue")),
    Action("choose", _("Choose from the numbered list"), DIGITS, (*DESK, "queue")),
    Action("sarcasm", _("Sarcasm or irony"), "Q", ("label",)),
    Action("slang", _("Slang"), "W", ("label",)),
    Action("dialect", _("Dialect or variety"), "D", ("label",)),
    Action("mixed-language", _("Mixed language"), "L", ("label",)),
    Action("both-moods", _("Both moods"), "B", ("label",)),
    Action("unclear", _("Unclear without context"), "U", ("label",)),
    Action("mark", _("Mark the selected words as the reason"), "T", ("label",)),
    Action("next-message", _("Next message"), "N", DESK),
    Action("previous-message", _("Previous message"), "P", DESK),
    Action("view", _("Change the view"), "V", (*DESK, "queue")),
    Action("context", _("Show or hide the context"), "I", DESK),
    Action("note", _("Write a note for colleagues"), "C", DESK),
    Action("next", _("Next row, also with the arrow key"), "J", ("queue",)),
    Action("previous", _("Previous row, also with the arrow key"), "K", ("queue",)),
    Action("open", _("Open the row, also with Enter"), "O", ("queue",)),
    Action("select", _("Select the row"), "X", ("queue",)),
    Action("select-range", _("Select all rows up to this one"), "Shift+X", ("queue",)),
    Action("mine", _("Assign to me"), "M", ("queue",)),
    Action("refresh", _("Show new rows"), ".", ("queue",)),
    Action("go-desk", _("Desk"), "G D", ("go",)),
    Action("go-queue", _("Queue"), "G Q", ("go",)),
    Action("go-decisions", _("My decisions"), "G H", ("go",)),
    Action("go-board", _("Board"), "G B", ("go",)),
    Action("go-settings", _("Settings"), "G S", ("go",)),
)

TABLE = {action.slug: action for action in ACTIONS}

# The first key of each sequence; nothing else may be put on it.
PREFIXES = frozenset(action.key.split()[0] for action in ACTIONS if " " in action.key)


class Keymap:
    """The table as one person has it. `active` is false where single keys are switched off."""

    def __init__(self, changed: Mapping[str, str], *, active: bool = True) -> None:
        self.active = active
        self.keys = {slug: action.key for slug, action in TABLE.items()}
        changes = {slug: key for slug, key in changed.items() if slug in TABLE and TABLE[slug].changeable}
        self.keys |= changes
        # What was stored may clash with a table that is newer than it: then the table's key counts.
        while bad := clashes(self.keys) & changes.keys():
            self.keys |= {slug: TABLE[slug].key for slug in bad}
            changes = {slug: key for slug, key in changes.items() if slug not in bad}

    def key(self, slug: str, number: int | None = None) -> str:
        """The key of an action; of the n-th choice its digit, none from the tenth on."""
        if number is None:
            return self.keys[slug]
        return str(number) if number <= 9 else ""

    def spoken(self, key: str) -> str:
        """As `aria-keyshortcuts` writes it, which knows no sequences. Empty where the key is switched off."""
        if " " in key or not (self.active or key.startswith("Ctrl")):
            return ""
        if key.startswith("Ctrl+"):
            return f"{key.replace('Ctrl', 'Control')} {key.replace('Ctrl', 'Meta')}"
        return key.replace("Esc", "Escape")

    def sections(self) -> list[tuple[str, Words, list[tuple[Action, str]]]]:
        """For help: each screen with its actions and their keys."""
        return [
            (screen, words, [(action, self.keys[action.slug]) for action in ACTIONS if screen in action.screens])
            for screen, words in SCREENS.items()
        ]


def clashes(keys: Mapping[str, str]) -> set[str]:
    """The actions that share a key with another one, or sit on the first key of a sequence."""
    count = Counter(keys.values())
    return {slug for slug, key in keys.items() if count[key] > 1 or key in PREFIXES}


@lru_cache(maxsize=2)
def _unchanged(active: bool) -> Keymap:
    return Keymap({}, active=active)


def keymap_of(user: object) -> Keymap:
    """The keys of whoever is there; the table's for somebody who is not signed in."""
    if not isinstance(user, User):
        return _unchanged(True)
    wishes = Preferences.of(user.preferences)
    active = wishes.single_keys != "off"
    return Keymap(wishes.keys, active=active) if wishes.keys else _unchanged(active)
