"""An unfilled template field, such as {{Order Number}}, must never reach a customer."""

import re
from collections.abc import Iterator
from itertools import islice

from reviewqueue.checks.finding import Finding

# Bounded, so that a text of opening braces costs no more than its length.
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,120}\}\}")


# A text with more of them than this is a mistake as a whole, and each finding is stored.
MOST = 50


def placeholder(text: str) -> Iterator[Finding]:
    for match in islice(_PLACEHOLDER.finditer(text), MOST):
        says = f"The placeholder {match.group()} is not filled in."
        yield Finding("placeholder", "error", says, match.start(), match.end())
