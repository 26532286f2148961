"""A running server and the bad input that concerns JSON: 4xx problem details, never 5xx, and nothing stored."""

import json

import httpx
import pytest

from tests.faults.test_processes import a_draft, new_name
from tests.system import System

TABLES = ("draft", "body", "customer", "conversation", "message", "submission", "event")


def body(**changes: object) -> bytes:
    return json.dumps(a_draft(new_name()) | changes).encode()


def nested(depth: int) -> bytes:
    return body(metadata={}).replace(b'"metadata": {}', b'"metadata": ' + b'{"a":' * depth + b"1" + b"}" * depth)


def with_metadata(raw: bytes) -> bytes:
    return body(metadata={}).replace(b'"metadata": {}', b'"metadata": ' + raw)


CASES = {
    "NUL in a text": body(reply={"text": "a\0b"}),
    "NUL deep in metadata": with_metadata(b'{"a": [{"b": "x\\u0000"}]}'),
    "NUL in a key": with_metadata(b'{"a\\u0000": 1}'),
    "lone surrogate": with_metadata(b'{"a": "\\ud800"}'),
    "lone surrogate in a text": body(reply={"text": "x"}).replace(b'"x"', b'"\\udc00"'),
    "integer of 5,000 digits": with_metadata(b'{"a": ' + b"9" * 5000 + b"}"),
    "integer beyond 64 bits": with_metadata(b'{"a": 9223372036854775808}'),
    "NaN": with_metadata(b'{"a": NaN}'),
    "Infinity": with_metadata(b'{"a": -Infinity}'),
    "1e400": with_metadata(b'{"a": 1e400}'),
    "duplicate keys": with_metadata(b'{"a": 1, "a": 2}'),
    "depth 100": nested(100),
    "depth 100,000": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "UTF-16": body().decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + body(),
    "bad UTF-8": body().replace(b"answers", b"\xff\xfe"),
    "not JSON": b'{"external_id": ',
    "empty": b"",
    "a list": b"[]",
    "a number": b"1",
    "body over the limit": body(reply={"text": "x" * 2_000_000}),
    "text over the limit": body(reply={"text": "x" * 70_000}),
    "metadata over the limit": body(metadata={"a": "x" * 5_000}),
    "external_id over the limit": body(external_id="x" * 256),
    "external_id of 3,000 characters": body(external_id="".join(chr(0x4E00 + n % 20000) for n in range(3000))),
    "unknown field": body(replly={"text": "x"}),
    "combining marks": body(reply={"text": "a" + "\u0301\u0323" * 1000}),
    "subject with a newline": body(
        conversation=a_draft("x")["conversation"] | {"subject": "Hi\r\nBcc: everybody@example.org"}
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_with_a_problem_and_nothing_is_stored(system: System, case):
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
    before = system.rows(counts)
    headers = {"authorization": f"Bearer {system.bot_key}", "content-type": "application/json"}
    answer = httpx.post(f"{system.url}/api/v1/drafts", content=CASES[case], headers=headers, timeout=10)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert {"type", "title", "status", "detail", "request_id"} <= set(problem)
    assert problem["status"] == answer.status_code
    assert system.rows(counts) == before


def test_good_input_with_emoji_and_every_line_end_is_stored(system: System):
    """The cases above are refused for what is bad about them: the same body without it is taken."""
    headers = {"authorization": f"Bearer {system.bot_key}", "content-type": "application/json"}
    content = body(reply={"text": "one\r\ntwo\rthree 👩‍👩‍👧 \U0001f600"}, metadata={"a": [1, 2.5, None, True, "x"]})
    answer = httpx.post(f"{system.url}/api/v1/drafts", content=content, headers=headers, timeout=10)
    assert answer.status_code == 202, answer.text
