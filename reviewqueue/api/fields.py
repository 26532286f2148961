"""The kinds of text, number and time that bots may send, each with its bounds.

A `ValueError` ends a sentence that begins with the field: "/due_at must be ...".
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import AfterValidator, BeforeValidator, Field

from reviewqueue import edits

ID_BYTES = 255

# due_at is part of the order key, which has room for so long; anything outside is a mistake of somebody's clock.
YEARS = range(1970, 2200)

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\"\\]+@[^@\s,;:<>()\[\]\"\\]+")
MESSAGE_ID = re.compile(r"<[^<>\s]+>")
CHANNEL = re.compile(r"[a-z0-9_-]*")
# Everything that ends a line somewhere, and the rest of the control characters.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _text(text: str) -> str:
    """Canonical line ends, and not more bytes than the limit."""
    text = edits.canonical(text)
    if (size := len(text.encode())) > settings.API_TEXT_BYTES:
        raise ValueError(f"may have {settings.API_TEXT_BYTES} bytes of UTF-8 (API_TEXT_BYTES), this has {size}")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


def one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("must be one line without control characters")
    return text


def _id(text: str) -> str:
    if not 1 <= len(text.encode()) <= ID_BYTES:
        raise ValueError(f"must have 1 to {ID_BYTES} bytes of UTF-8")
    return one_line(text)


def _language(tag: str) -> str:
    if not LANGUAGE.fullmatch(tag):
        raise ValueError("must be a BCP 47 language tag such as en or pt-BR")
    primary, *rest = tag.split("-")
    return "-".join([primary.lower(), *rest])


def _moment(stated: Any) -> datetime:
    """RFC 3339 with a zone, as UTC: the same moment is the same content, however it was written."""
    if not isinstance(stated, str) or not RFC3339.fullmatch(stated):
        raise ValueError("must be an RFC 3339 date and time with a zone, such as 2026-11-24T09:00:00Z")
    try:
        moment = datetime.fromisoformat(stated.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no date and time that exists") from None
    if moment.year not in YEARS:
        raise ValueError(f"must lie between {YEARS.start} and {YEARS.stop}")
    return moment


def web_address(text: str) -> str:
    parts = urlsplit(one_line(text))
    if parts.scheme not in ("http", "https") or not parts.hostname or any(char.isspace() for char in text):
        raise ValueError("must be an http or https address")
    return text


def _matches(rule: re.Pattern, says: str) -> AfterValidator:
    def check(text: str) -> str:
        if not rule.fullmatch(text):
            raise ValueError(says)
        return text

    return AfterValidator(check)


def distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("must not name anything twice")
    return values


def small(members: dict[str, Any]) -> dict[str, Any]:
    """Bounded as PostgreSQL keeps it, and as it comes back: numbers without an exponent, so that 1e308 counts 309."""
    size = len(json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode())
    size += sum(len(f"{Decimal(repr(number)):f}") - len(repr(number)) for number in _floats(members))
    if size > settings.API_METADATA_BYTES:
        limit = settings.API_METADATA_BYTES
        raise ValueError(f"may have {limit} bytes of JSON (API_METADATA_BYTES), this has {size}")
    return members


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _floats(member)


Text = Annotated[str, AfterValidator(_text)]
Written = Annotated[Text, AfterValidator(_not_blank)]
Id = Annotated[str, AfterValidator(_id)]
Language = Annotated[str, Field(max_length=35), AfterValidator(_language)]
Moment = Annotated[
    datetime, BeforeValidator(_moment, json_schema_input_type=str), Field(json_schema_extra={"format": "date-time"})
]
Url = Annotated[str, Field(max_length=2048), AfterValidator(web_address)]
Name = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
Version = Annotated[str, Field(max_length=100), AfterValidator(one_line)]
Label = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(one_line)]
Key = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(one_line)]
Value = Annotated[str, Field(max_length=128), AfterValidator(one_line)]
Address = Annotated[str, Field(max_length=320), _matches(ADDRESS, "must be one e-mail address")]
MessageId = Annotated[str, Field(max_length=998), _matches(MESSAGE_ID, "must look like <id@example.org>")]
Channel = Annotated[str, Field(max_length=32), _matches(CHANNEL, "must be a word of a-z, 0-9, _ and -")]
