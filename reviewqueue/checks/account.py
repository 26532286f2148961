"""Bank accounts, payment cards and national identity numbers that the customer did not name. Each has check digits,
and a number of another kind seldom fits them and the way they are written."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.us import ssn

from reviewqueue.checks.finding import About, Span, packed

_IBAN = re.compile(r"[A-Z](?<!\w\w)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")

# Each pattern begins with what it looks for and only then looks back: that is how a search skips the rest quickly.

# By the first digits and the length of each brand, written in one piece or in its groups.
_CARD = re.compile(
    r"[2-6](?<![\w#+.-]\d)(?:"
    r"(?:(?<=4)\d{3}|(?<=5)[1-5]\d\d|(?<=2)[2-7]\d\d|(?<=6)(?:011|5\d\d|4[4-9]\d)|(?<=3)5[2-8]\d)"
    r"([ -]?)\d{4}\1\d{4}\1\d{4}"
    r"|(?<=3)[47]\d\d([ -]?)\d{6}\2\d{5}|(?<=3)(?:0[0-5]|[68]\d)\d([ -]?)\d{6}\3\d{4}"
    r")(?![\w-])"
)


class Kind(NamedTuple):
    """A national number: how it is written, and whether its check digits are right."""

    written: re.Pattern[str]
    is_valid: Callable[[str], bool]


_NATIONAL = (
    Kind(re.compile(r"\d(?<![\w-]\d)\d{2}-\d{2}-\d{4}(?![\w-])"), ssn.is_valid),
    Kind(re.compile(r"\d(?<![\w-]\d)\d{7}-?[A-HJ-NP-TV-Z](?![\w-])"), dni.is_valid),
    Kind(re.compile(r"[XYZ](?<![\w-]\w)-?\d{7}-?[A-HJ-NP-TV-Z](?![\w-])"), nie.is_valid),
    Kind(re.compile(r"[12](?<!\w\d) ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}(?!\w)"), nir.is_valid),
    Kind(re.compile(r"[A-Z](?<!\w\w)[A-Z]{5}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?!\w)"), codicefiscale.is_valid),
    Kind(re.compile(r"\d(?<![\w.]\d)\d{2}\.\d{3}\.\d{3}-\d{2}(?![\w-])"), cpf.is_valid),
)

# Candidates of one kind that are looked at.
_MOST = 200


def bank_account(text: str, about: About) -> Iterator[Span]:
    yield from _strangers(text, about, _IBAN, iban.is_valid)


def card(text: str, about: About) -> Iterator[Span]:
    yield from _strangers(text, about, _CARD, lambda written: bool(luhn.is_valid(packed(written))))


def national_id(text: str, about: About) -> Iterator[Span]:
    spans = {span for kind in _NATIONAL for span in _strangers(text, about, *kind)}
    yield from sorted(spans)


def _strangers(text: str, about: About, written: re.Pattern[str], is_valid: Callable[[str], bool]) -> Iterator[Span]:
    for match in islice(written.finditer(text), _MOST):
        if is_valid(match.group()):
            number = packed(match.group())
            if number not in about.numbers and number not in about.packed:
                yield match.span()
