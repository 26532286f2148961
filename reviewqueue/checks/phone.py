"""A telephone number that is neither the customer's nor the house's. Only numbers with a country code are judged: a
row of digits without one is an order more often than a telephone."""

import re
from collections.abc import Iterator
from itertools import islice

import phonenumbers
from phonenumbers import PhoneNumberType

from reviewqueue.checks.finding import About, Span, packed

_NUMBER = re.compile(r"\+(?<![\w+]\+)[1-9][\d \u00a0().\u2010-\u2013/-]{5,24}\d(?!\w)")

# Those of a house, never of a person.
_OF_A_HOUSE = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)

# Each is looked up in tables, so there is an end to how many are.
_MOST = 100


def phone(text: str, about: About) -> Iterator[Span]:
    for match in islice(_NUMBER.finditer(text), _MOST):
        try:
            number = phonenumbers.parse(match.group(), None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.number_type(number) in _OF_A_HOUSE or not phonenumbers.is_valid_number(number):
            continue
        if packed(match.group()) not in about.numbers and str(number.national_number) not in about.packed:
            yield match.span()
