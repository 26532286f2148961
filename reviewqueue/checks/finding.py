"""What a check says about a text, and what it may know besides."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import regex

Level = Literal["error", "warning"]

# Where in a text: start and end in characters (code points).
Span = tuple[int, int]

# A text with more findings of one check than this is a mistake as a whole, and each is stored.
MOST = 20

_SEPARATORS = regex.compile(r"[\W_]+")


@dataclass(frozen=True)
class Finding:
    """`start` and `end` index the characters (code points) of the text it was found in; both 0 where the text as a
    whole is meant. It is stored, so it holds no words."""

    check: str
    level: Level
    start: int
    end: int


@dataclass(frozen=True)
class About:
    """What is known of a draft. `theirs` is what the customer and the people who answer wrote, and the customer's
    name and address: what is in it is nobody else's. `known` are hosts, addresses and numbers of the house."""

    language: str = "und"
    theirs: str = ""
    promise_words: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    by_person: bool = False

    @cached_property
    def folded(self) -> str:
        return self.theirs.casefold()

    @cached_property
    def packed(self) -> str:
        """Letters and digits alone: numbers are grouped in many ways."""
        return packed(self.theirs)

    @cached_property
    def hosts(self) -> frozenset[str]:
        return frozenset(entry.casefold().strip(". ") for entry in self.known)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(packed(entry) for entry in self.known)


class Check(NamedTuple):
    """One check of a reply. `says` is what its findings mean, a sentence about the text."""

    slug: str
    level: Level
    says: str
    find: Callable[[str, About], Iterator[Span]]


def packed(text: str) -> str:
    return _SEPARATORS.sub("", text).casefold()


def lower(text: str) -> str:
    """In lower case and as long as it was: places stay places."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(one.lower() if len(one.lower()) == 1 else one for one in text)
    return low


def gettext_noop(sentence: str) -> str:
    """Marks a sentence for those who translate; the desk shows it in its reader's language."""
    return sentence
