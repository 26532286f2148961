"""Opaque places in a list: bots hand them back and read nothing into them."""

import base64
import binascii
import re

from reviewqueue.lifecycle import Refused

PLACE = re.compile(r"([a-z]+):(\d{1,18})")


def encode(what: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{what}:{place}".encode()).decode().rstrip("=")


def decode(what: str, cursor: str | None) -> int:
    """The place in the list `what`; 0, its beginning, for None. Refused: invalid."""
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    place = PLACE.fullmatch(text)
    if place is None or place[1] != what:
        raise Refused("invalid", "after must be a `next` of an earlier answer.", pointer="/after")
    return int(place[2])
