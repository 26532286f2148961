"""The bodies we read: JSON as RFC 8259 has it, less everything that one program reads so and the next one otherwise.

Two passes. `load` refuses what cannot be read at all. What can be read but not kept (a NUL, half an emoji, a number
beyond 64 bits, a key twice) is left in place as a marker, and `faults` finds it with its JSON pointer; so one bad
draft does not spoil its batch.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import regex
from django.conf import settings
from django.http import HttpRequest, QueryDict

from reviewqueue.lifecycle import Refused

INT64 = range(-(2**63), 2**63)
INT64_CHARS = 20

# Normalising a run of combining marks takes time in its square; written language needs a handful.
MARKS = 30

# So many bad fields are named, no more.
FAULTS = 20

POINTER_CHARS = 500

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_TOO_MANY_MARKS = regex.compile(rf"\p{{M}}{{{MARKS + 1}}}")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Marker(NamedTuple):
    """Stands in a document where a value could not be kept; `key` narrows it down to one member."""

    detail: str
    key: str | None = None


class Fault(NamedTuple):
    """`path` are the keys and indexes that lead to the value; `code` one of refusals.RULES."""

    path: tuple[str | int, ...]
    detail: str
    code: str


def body(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON object, still with markers. Refused: 400, 413, 415 or 422."""
    _check_media(request)
    document = load(_read(request))
    if not isinstance(document, dict):
        refuse_faults(document)
        raise Refused("invalid", "The body must be a JSON object.", pointer="")
    return document


def query(request: HttpRequest) -> dict[str, str]:
    """The parameters of the address, each given once. Refused: invalid.

    Not request.GET: that one decodes by the charset of the Content-Type, whatever a caller wrote there.
    """
    given = QueryDict(request.META.get("QUERY_STRING", ""), encoding="utf-8")
    for name, values in given.lists():
        if len(values) > 1:
            raise Refused("invalid", "Give each parameter once.", pointer=pointer([name]))
    parameters = given.dict()
    refuse_faults(parameters)
    return parameters


def _check_media(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        raise Refused("unsupported-media-type", "Send Content-Type: application/json (UTF-8).")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused("unsupported-media-type", "Send the body without Content-Encoding.")


def _read(request: HttpRequest) -> bytes:
    """The whole body, and never more of it than the limit allows."""
    limit = settings.API_BODY_BYTES
    too_large = Refused("body-too-large", f"A body may have {limit} bytes (API_BODY_BYTES).")
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and (len(declared) > INT64_CHARS or int(declared) > limit):
        raise too_large
    # Django takes a body without a declared length for empty; a chunked one is there all the same.
    source = request if declared else request.META["wsgi.input"]
    raw: bytes = source.read(limit + 1)
    if len(raw) > limit:
        raise too_large
    if declared.isdecimal() and len(raw) < int(declared):
        raise Refused("bad-request", "The request ended before its body was complete.")
    if not raw:
        raise Refused("bad-json", "The body is empty; a JSON object is expected.", pointer="")
    return raw


def load(raw: bytes) -> Any:
    """The document with markers in place of what cannot be kept. Refused: bad-json 400, invalid 422 (depth)."""
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise Refused("bad-json", "Send UTF-8 without a byte order mark.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as failure:
        raise Refused("bad-json", f"Byte {failure.start} is not UTF-8.") from None
    _check_depth(text)
    try:
        return json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as failure:
        where = f"line {failure.lineno}, column {failure.colno}"
        raise Refused("bad-json", f"{failure.msg} ({where}).") from None


def _check_depth(text: str) -> None:
    """Before parsing, since a parser that recurses would be the one to fall over."""
    limit = settings.API_DEPTH
    if text.count("[") + text.count("{") <= limit:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            raise Refused("invalid", f"Objects and lists may nest {limit} deep (API_DEPTH).")


def _int(digits: str) -> int | Marker:
    if len(digits) <= INT64_CHARS and (number := int(digits)) in INT64:
        return number
    return Marker("is an integer beyond 64 bits")


def _float(digits: str) -> float | Marker:
    number = float(digits)
    return number if math.isfinite(number) else Marker("is a number beyond double precision")


def _constant(name: str) -> Marker:
    return Marker(f"is {name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Marker:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return Marker("appears twice in its object", key)
        seen.add(key)
    raise AssertionError("a dict loses members only to equal keys")


def refuse_faults(document: Any) -> None:
    """Refused with every bad place named, if there is one."""
    found: list[Fault] = []
    for fault in faults(document):
        found.append(fault)
        if len(found) == FAULTS:
            break
    if found:
        code = "bad-json" if any(fault.code == "bad-json" for fault in found) else "invalid"
        errors = [{"pointer": pointer(fault.path), "detail": fault.detail} for fault in found]
        raise Refused(code, f"{errors[0]['pointer']} {errors[0]['detail']}.", errors=errors)


def faults(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
    """Every place in the document that cannot be kept, in its order."""
    if isinstance(value, str):
        if detail := _text_fault(value):
            yield Fault(path, detail, "invalid")
    elif isinstance(value, Marker):
        yield Fault(path if value.key is None else (*path, value.key), value.detail, "bad-json")
    elif isinstance(value, dict):
        for key, member in value.items():
            if detail := _text_fault(key):
                yield Fault((*path, key), f"has a key that {detail}", "invalid")
            yield from faults(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from faults(member, (*path, index))


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    if _TOO_MANY_MARKS.search(text):
        return f"has more than {MARKS} combining marks in a row"
    return None


def pointer(path: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901), printable and of bounded length even where a key is neither."""
    escaped = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    printable = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in escaped[:POINTER_CHARS])
    return printable if len(escaped) <= POINTER_CHARS else printable + "…"
