"""Characters that nobody sees, but that turn words around, part them, or carry words of their own.

Marks of direction, soft hyphens and word joiners are left alone: they belong to good writing and change no word.
"""

from collections.abc import Iterator

from reviewqueue.characters import MARKS, hidden
from reviewqueue.checks.finding import About, Span

_HARMLESS = frozenset(MARKS + "\N{SOFT HYPHEN}\N{WORD JOINER}")


def concealed(text: str, about: About) -> Iterator[Span]:
    if text.isascii() and _plain(text):
        return
    for run in hidden(text):
        if not _HARMLESS.issuperset(text[run.start : run.end]):
            yield run.start, run.end


def _plain(text: str) -> bool:
    """The usual case, known at once."""
    return text.replace("\n", "").replace("\t", "").isprintable()
