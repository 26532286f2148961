"""The filter language of the queue list. What stands in its box stands in the address, and each term is a chip.

A query is a row of terms, `lang:ar conf:<0.6 queue:"second line"`. Two values of one name mean either of them,
different names mean all of them. A pure rule: it asks nothing and nobody.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import NamedTuple

# What can be written after each name, in the order in which a query is spelled. () takes any word, SPAN a comparison.
SPAN: tuple[str, ...] = ("<", ">")
NAMES: dict[str, tuple[str, ...]] = {
    "is": ("waiting", "claimed", "skipped", "escalated"),
    "type": ("reply", "sentiment"),
    "lang": (),
    "queue": (),
    "bot": (),
    "with": (),
    "conf": SPAN,
    "due": ("over", *SPAN),
    "risk": ("low", "normal", "high"),
    "topic": (),
    "sort": ("due",),
}

# What people write instead, and what we call it.
MEANT = {
    "kind": "type",
    "language": "lang",
    "confidence": "conf",
    "status": "is",
    "state": "is",
    "holder": "with",
    "assigned": "with",
    "order": "sort",
    "tag": "topic",
}
# Whole terms that people write instead.
MEANT_TERMS = {"is:mine": "with:me", "is:late": "due:over", "is:overdue": "due:over", "type:label": "type:sentiment"}

# Characters and terms that are read of a query: an address has a limit, too.
LONGEST, MOST = 500, 20
# Characters of a term that is told to be unknown.
SHORT = 60

_TERM = re.compile(r'(?P<name>[^\s:"]+):(?:"(?P<quoted>[^"]*)"|(?P<plain>\S*))|(?P<bare>\S+)')
_CONFIDENCE = re.compile(r"([<>])(0?\.\d{1,4}|[01](?:\.\d{1,4})?)")
_DUE = re.compile(r"([<>])0*(\d{1,4})([mhd])")

SECONDS = {"m": 60, "h": 3600, "d": 86_400}


class Term(NamedTuple):
    name: str
    value: str

    def __str__(self) -> str:
        return f'{self.name}:"{self.value}"' if re.search(r"\s", self.value) else f"{self.name}:{self.value}"


class Unknown(NamedTuple):
    """A term that is no filter, and the nearest one that is ('' where none is near)."""

    said: str
    meant: str


@dataclass(frozen=True)
class Query:
    terms: tuple[Term, ...] = ()
    unknown: tuple[Unknown, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """The one spelling of this query."""
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(term.value for term in self.terms if term.name == name)

    def plus(self, *terms: Term) -> "Query":
        return _ordered((*self.terms, *terms), self.unknown)

    def without(self, term: Term) -> "Query":
        return replace(self, terms=tuple(other for other in self.terms if other != term))

    def among(self, known: Mapping[str, Collection[str]]) -> "Query":
        """The query with the words that there are: `known` has, for some names, all that can stand after them."""
        kept, unknown = [], list(self.unknown)
        for term in self.terms:
            words = {word.casefold(): word for word in known.get(term.name, (term.value,))}
            if term.value.casefold() in words:
                kept.append(Term(term.name, words[term.value.casefold()]))
            else:
                near = get_close_matches(term.value.casefold(), words, n=1)
                unknown.append(Unknown(str(term)[:SHORT], str(Term(term.name, words[near[0]])) if near else ""))
        return _ordered(kept, unknown)


def parse(text: str) -> Query:
    """Read a query; what cannot be read is told in `unknown`, and the rest applies."""
    terms, unknown = [], []
    for match in list(_TERM.finditer(text[:LONGEST]))[:MOST]:
        name, value = (match["name"] or "").casefold(), (match["quoted"] or match["plain"] or "").strip()
        term = _term(name, value)
        if term:
            terms.append(term)
        else:
            unknown.append(Unknown(match[0][:SHORT], _nearest(name, value or match["bare"] or "")))
    return _ordered(terms, unknown)


def _ordered(terms: Iterable[Term], unknown: Iterable[Unknown]) -> Query:
    names = list(NAMES)
    once = sorted(set(terms), key=lambda term: (names.index(term.name), term.value))
    return Query(tuple(once), tuple(dict.fromkeys(unknown)))


def _term(name: str, value: str) -> Term | None:
    if name not in NAMES or not value:
        return None
    words = NAMES[name]
    if not words:
        # An unpaired quotation mark would not survive being spelled.
        return Term(name, value) if '"' not in value else None
    if value.casefold() in words and value not in SPAN:
        return Term(name, value.casefold())
    if name == "conf" and (found := _CONFIDENCE.fullmatch(value)):
        return Term(name, f"{found[1]}{float(found[2]):g}")
    if name == "due" and (found := _DUE.fullmatch(value.casefold())):
        return Term(name, "".join(found.groups()))
    return None


def _nearest(name: str, value: str) -> str:
    """The filter that was probably meant."""
    if meant := MEANT_TERMS.get(f"{name}:{value}".casefold()):
        return meant
    if not name:
        return _of_word(value)
    near = MEANT.get(name) or next(iter(get_close_matches(name, NAMES, n=1)), "")
    if not near:
        return ""
    compared = f"<{value.lstrip('<>=')}" if "<" in NAMES[near] else value
    if term := _term(near, value) or _term(near, compared):
        return str(term)
    words = [word for word in NAMES[near] if word not in SPAN]
    value = next(iter(get_close_matches(value.casefold(), words, n=1)), "")
    return f"{near}:{value}" if value else ""


def _of_word(word: str) -> str:
    """The filter one of whose words this is."""
    every = {value: name for name, values in NAMES.items() for value in values if value not in SPAN}
    near = get_close_matches(word.casefold(), every, n=1)
    return f"{every[near[0]]}:{near[0]}" if near else ""


def seconds(value: str) -> tuple[str, int]:
    """What a comparison of times says: ('<', 3600) for `<1h`; `over` is ('<', 0)."""
    found = _DUE.fullmatch(value)
    return (found[1], int(found[2]) * SECONDS[found[3]]) if found else ("<", 0)
