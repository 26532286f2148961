"""What a check says about a text."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`start` and `end` index the characters (code points) of the text it was found in."""

    check: str
    level: Literal["error", "warning"]
    says: str
    start: int
    end: int
