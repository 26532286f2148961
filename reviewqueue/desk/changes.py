"""How a word diff is read: neighbouring changes run together, and are counted."""

import re
from typing import NamedTuple

Part = tuple[str, str]

# After each line end.
LINES = re.compile(r"(?<=\n)")


class Run(NamedTuple):
    """One stretch of text; `op` is equal, delete or insert."""

    op: str
    text: str


def runs(parts: list[Part]) -> list[Run]:
    """Changes with one space or less between them become one deletion followed by one insertion.

    Joining all but the inserts still gives the old text, all but the deletes the new one.
    """
    found: list[Run] = []
    old = new = ""
    for at, (op, text) in enumerate(parts):
        if op == "delete":
            old += text
        elif op == "insert":
            new += text
        elif text == " " and (old or new) and at + 1 < len(parts):
            old, new = old + text, new + text
        else:
            found += _change(old, new)
            found.append(Run("equal", text))
            old = new = ""
    return found + _change(old, new)


def _change(old: str, new: str) -> list[Run]:
    """A deletion and an insertion, without what both begin and end with."""
    spaces = min(len(text) - len(text.rstrip(" ")) for text in (old, new))
    parts = ("delete", old[: len(old) - spaces]), ("insert", new[: len(new) - spaces]), ("equal", " " * spaces)
    return [Run(op, text) for op, text in parts if text]


def counted(parts: list[Part]) -> tuple[int, int, int]:
    """(changes, words deleted, words inserted); a deletion beside an insertion is one change."""
    changed = pairs(parts)
    return len(changed), sum(len(old.split()) for old, _ in changed), sum(len(new.split()) for _, new in changed)


def pairs(parts: list[Part]) -> list[tuple[str, str]]:
    """Each change as (what was there, what is there now), one of which may be empty."""
    found: list[tuple[str, str]] = []
    before = "equal"
    for run in runs(parts):
        if run.op == "insert" and before == "delete":
            found[-1] = (found[-1][0], run.text)
        elif run.op != "equal":
            found.append((run.text, "") if run.op == "delete" else ("", run.text))
        before = run.op
    return found


def lines(shown: list[Run]) -> list[list[Run]]:
    """The runs of each line; a run that goes over several lines is parted. A line keeps its line end."""
    found: list[list[Run]] = [[]]
    for run in shown:
        for piece in filter(None, LINES.split(run.text)):
            found[-1].append(Run(run.op, piece))
            if piece.endswith("\n"):
                found.append([])
    return found if found[-1] or len(found) == 1 else found[:-1]
