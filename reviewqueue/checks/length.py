"""Too little or too much to be a reply."""

from collections.abc import Iterator

import regex

from reviewqueue.checks.finding import About, Span

# Characters of a reply that somebody still reads. The longest of 2,249 replies of real support work has 1,642, the
# longest but one per cent 1,255; three times the longest is no reply any more, but a program that did not stop.
LONGEST = 5000

_SEEN = regex.compile(r"[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]")


def empty(text: str, about: About) -> Iterator[Span]:
    if not _SEEN.search(text):
        yield 0, 0


def too_long(text: str, about: About) -> Iterator[Span]:
    if len(text) > LONGEST:
        yield LONGEST, len(text)
