"""Words that this queue promises nothing with: its own list, such as "guarantee" or "refund within"."""

from collections.abc import Iterator
from itertools import islice

from reviewqueue.checks.finding import MOST, About, Span, lower


def promise(text: str, about: About) -> Iterator[Span]:
    if not about.promise_words:
        return
    low = lower(text)
    spans = {span for word in about.promise_words for span in islice(_found(low, lower(word.strip())), MOST)}
    yield from sorted(spans)


def _found(low: str, word: str) -> Iterator[Span]:
    """Whole words only, but for scripts that put no space between them."""
    start = low.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        if not (_joined(low, start) or _joined(low, end)):
            yield start, end
        start = low.find(word, end)


def _joined(text: str, at: int) -> bool:
    """The characters on both sides of a place belong to one word."""
    return 0 < at < len(text) and _spaced(text[at - 1]) and _spaced(text[at])


def _spaced(character: str) -> bool:
    """A letter or digit of a script that is written with spaces (Thai to Myanmar and East Asia are not)."""
    code = ord(character)
    return character.isalnum() and not (
        0x0E00 <= code <= 0x109F or 0x1780 <= code <= 0x17FF or 0x2E80 <= code <= 0xD7FF
    )
