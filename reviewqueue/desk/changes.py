"""How a word diff is read: neighbouring changes run together, and are counted."""

from typing import NamedTuple

Part = tuple[str, str]


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
    if old and new and old[-1] == new[-1] == " ":
        return [*_change(old[:-1], new[:-1]), Run("equal", " ")]
    return [Run(op, text) for op, text in (("delete", old), ("insert", new)) if text]


def counted(parts: list[Part]) -> tuple[int, int, int]:
    """(changes, words deleted, words inserted); a deletion beside an insertion is one change."""
    count = gone = new = 0
    before = "equal"
    for run in runs(parts):
        gone += len(run.text.split()) if run.op == "delete" else 0
        new += len(run.text.split()) if run.op == "insert" else 0
        count += run.op != "equal" and before == "equal"
        before = run.op
    return count, gone, new
