"""Bad input is answered with a problem that names what is bad, and nothing is stored."""

import json
from typing import Any

import pytest

from reviewqueue.models import Body, Conversation, Customer, Draft, Event, Message, Source, Submission
from tests.api.conftest import label, reply

TABLES = (Draft, Body, Customer, Conversation, Message, Submission, Source, Event)

CONVERSATION = reply()["conversation"]
MAIL = CONVERSATION["reply_to"]
MESSAGE = CONVERSATION["messages"][0]


def stored() -> list[int]:
    return [table.objects.count() for table in TABLES]


def in_conversation(**changes: Any) -> dict[str, Any]:
    return {"conversation": CONVERSATION | changes}


def raw(member: bytes) -> bytes:
    """A whole draft with this one member in its JSON, as these bytes."""
    return json.dumps(reply()).encode()[:-1] + b", " + member + b"}"


BODIES = {
    # Reliability: what JSON parsers disagree about.
    "NUL": (reply(reply={"text": "a\0b"}), 422, "/reply/text"),
    "NUL, deep": (reply(metadata={"a": [{"b": "\0"}]}), 422, "/metadata/a/0/b"),
    "NUL in a key": (reply(metadata={"a\0": 1}), 422, "/metadata/a\\u0000"),
    "lone surrogate": (reply(reply={"text": "\ud83d"}), 422, "/reply/text"),
    "lone surrogate in a key": (reply(segments={"\ude00": "x"}), 422, "/segments/\\ude00"),
    "5,000 digits": (raw(b'"confidence": ' + b"9" * 5000), 400, "/confidence"),
    "beyond int64": (raw(b'"x": 9223372036854775808'), 400, "/x"),
    "NaN": (raw(b'"x": NaN'), 400, "/x"),
    "1e400": (raw(b'"x": 1e400'), 400, "/x"),
    "1e131071": (raw(b'"x": 1e131071'), 400, "/x"),
    "a key twice": (raw(b'"kind": "reply"'), 400, "/kind"),
    "deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 422, None),
    "UTF-16": (json.dumps(reply()).encode("utf-16"), 400, None),
    "byte order mark": (b"\xef\xbb\xbf" + json.dumps(reply()).encode(), 400, None),
    "not UTF-8": (raw(b'"x": "\xff"'), 400, None),
    "not JSON": (b"external_id=1", 400, None),
    "cut off": (json.dumps(reply()).encode()[:-1], 400, None),
    "blank": (b"  ", 400, None),
    "a list": ([], 422, ""),
    "a number": (5, 422, ""),
    "null": (b"null", 422, ""),
    "combining marks": (reply(reply={"text": "e" + "\u0301\u0323" * 16}), 422, "/reply/text"),
    "two megabytes": (reply(reply={"text": "word " * 400_000}), 413, None),
    # Header and command injection.
    "subject with CRLF": (reply(**in_conversation(subject="Hi\r\nBcc: all@example.org")), 422, "/conversation/subject"),
    "subject with U+2028": (reply(**in_conversation(subject="Hi\u2028there")), 422, "/conversation/subject"),
    "address with newline": (
        reply(**in_conversation(reply_to=MAIL | {"address": "a@b.c\nBcc: d@e.f"})),
        422,
        "/conversation/reply_to/address",
    ),
    "two addresses": (
        reply(**in_conversation(reply_to=MAIL | {"address": "a@b.c,d@e.f"})),
        422,
        "/conversation/reply_to/address",
    ),
    "message id with newline": (
        reply(**in_conversation(reply_to=MAIL | {"message_id": "<a@b>\n"})),
        422,
        "/conversation/reply_to/message_id",
    ),
    "references with newline": (
        reply(**in_conversation(reply_to=MAIL | {"references": ["<a@b>", "<c\n@d>"]})),
        422,
        "/conversation/reply_to/references/1",
    ),
    "ticket with newline": (
        reply(**in_conversation(reply_to={"ticket": "1\n2"})),
        422,
        "/conversation/reply_to/ticket",
    ),
    "script link": (reply(evidence=[{"url": "javascript:alert(1)"}]), 422, "/evidence/0/url"),
    "data link": (reply(evidence=[{"title": "x", "url": "data:text/html,x"}]), 422, "/evidence/0/url"),
    "link without a host": (reply(evidence=[{"url": "https:///x"}]), 422, "/evidence/0/url"),
    "link with a space": (reply(evidence=[{"url": "https://a b/"}]), 422, "/evidence/0/url"),
    # The schema.
    "unknown field": (reply(confidance=0.4), 422, "/confidance"),
    "unknown field, deep": (reply(customer={"id": "c", "mail": "x"}), 422, "/customer/mail"),
    "no external_id": ({key: value for key, value in reply().items() if key != "external_id"}, 422, "/external_id"),
    "empty external_id": (reply(external_id=""), 422, "/external_id"),
    "no customer": ({key: value for key, value in reply().items() if key != "customer"}, 422, "/customer"),
    "unknown kind": (reply(kind="audio"), 422, "/kind"),
    "both blocks": (reply(sentiment=label()["sentiment"]), 422, "/sentiment"),
    "wrong block": (label(kind="reply"), 422, "/reply"),
    "no block": (reply(reply=None), 422, "/reply"),
    "no conversation": (reply(conversation=None), 422, "/conversation"),
    "no message of the customer": (
        reply(**in_conversation(messages=[MESSAGE | {"author": "agent"}])),
        422,
        "/conversation",
    ),
    "two messages of one id": (reply(**in_conversation(messages=[MESSAGE, MESSAGE])), 422, "/conversation/messages"),
    "unknown author": (
        reply(**in_conversation(messages=[MESSAGE | {"author": "system"}])),
        422,
        "/conversation/messages/0/author",
    ),
    "reply_to of both kinds": (
        reply(**in_conversation(reply_to=MAIL | {"ticket": "1"})),
        422,
        "/conversation/reply_to/address",
    ),
    "reply_to of no kind": (reply(**in_conversation(reply_to={})), 422, "/conversation/reply_to/address"),
    "blank reply": (reply(reply={"text": " \n "}), 422, "/reply/text"),
    "text as a number": (reply(reply={"text": 5}), 422, "/reply/text"),
    "label not of labels": (label(sentiment={"text": "x", "label": "mixed"}), 422, "/sentiment/label"),
    "labels twice": (
        label(sentiment={"text": "x", "label": "a", "labels": ["a", "a"]}),
        422,
        "/sentiment/labels",
    ),
    "confidence above 1": (reply(confidence=1.5), 422, "/confidence"),
    "confidence as text": (reply(confidence="0.5"), 422, "/confidence"),
    "confidence as a truth value": (reply(confidence=True), 422, "/confidence"),
    "unknown risk": (reply(risk="none"), 422, "/risk"),
    "due without a zone": (reply(due_at="2026-11-24T09:00:00"), 422, "/due_at"),
    "due on no day": (reply(due_at="2026-02-30T09:00:00Z"), 422, "/due_at"),
    "due as a number": (reply(due_at=1790000000), 422, "/due_at"),
    "due in the year 1": (reply(due_at="0001-01-01T00:00:00+23:59"), 422, "/due_at"),
    "due in the year 9999": (reply(due_at="9999-12-31T23:59:59Z"), 422, "/due_at"),
    "no language": (reply(language="english please"), 422, "/language"),
    "allowed without reject": (reply(allowed=["approve", "edit"]), 422, "/allowed"),
    "allowed twice": (reply(allowed=["approve", "reject", "reject"]), 422, "/allowed"),
    "supersedes itself": (reply(supersedes="msg-829-reply-1"), 422, "/supersedes"),
    "supersedes nothing": (reply(supersedes="msg-0"), 404, "/supersedes"),
    "segments as numbers": (reply(segments={"region": 5}), 422, "/segments/region"),
    "empty evidence": (reply(evidence=[{}]), 422, "/evidence/0"),
    "unknown queue": (reply(queue="nowhere"), 422, "/queue"),
    "queue null": (reply(queue=None), 422, "/queue"),
    # Limits, each named.
    "text too large": (reply(reply={"text": "é" * 33_000}), 422, "/reply/text"),
    "message too large": (
        reply(**in_conversation(messages=[MESSAGE | {"text": "é" * 33_000}])),
        422,
        "/conversation/messages/0/text",
    ),
    "201 messages": (
        reply(**in_conversation(messages=[MESSAGE | {"id": str(number)} for number in range(201)])),
        422,
        "/conversation/messages",
    ),
    "metadata too large": (reply(metadata={"a": "x" * 4096}), 422, "/metadata"),
    "metadata large when written out": (reply(metadata={"a": [1e308] * 14}), 422, "/metadata"),
    "external_id of 256 bytes": (reply(external_id="é" * 128), 422, "/external_id"),
    "customer id of 256 bytes": (reply(customer={"id": "x" * 256}), 422, "/customer/id"),
    "long name": (reply(customer={"id": "c", "name": "x" * 201}), 422, "/customer/name"),
    "21 segments": (reply(segments={str(number): "x" for number in range(21)}), 422, "/segments"),
    "long segment": (reply(segments={"x": "y" * 129}), 422, "/segments/x"),
    "21 topics": (reply(topics=[str(number) for number in range(21)]), 422, "/topics"),
}

NAMES_ITS_LIMIT = {
    "two megabytes": "1048576 bytes (API_BODY_BYTES)",
    "deep": "32 deep (API_DEPTH)",
    "text too large": "65536 bytes",
    "201 messages": "200 messages (API_MESSAGES)",
    "metadata too large": "4096 bytes",
    "external_id of 256 bytes": "1 to 255 bytes",
}


@pytest.mark.parametrize("case", BODIES)
def test_bad_body(door, case):
    body, status, pointer = BODIES[case]
    door.get("/drafts")  # the note that the key was used
    before = stored()
    answer = door.post("/drafts", body)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer["X-Request-Id"]
    assert NAMES_ITS_LIMIT.get(case, "") in problem["detail"]
    assert [error["pointer"] for error in problem.get("errors", [])][:1] == ([] if pointer is None else [pointer])
    assert stored() == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "br"}, 415),
        ({"Content-Type": "application/json; charset=UTF-8"}, 202),
        ({"Content-Type": 'Application/JSON; charset="utf-8"'}, 202),
        ({"Content-Encoding": "identity"}, 202),
        ({"Idempotency-Key": "anything"}, 202),
    ],
)
def test_media(door, headers, status):
    answer = door.post("/drafts", reply(), **headers)
    assert answer.status_code == status, answer.content
    assert Draft.objects.count() == (status == 202)


@pytest.mark.parametrize(
    ("path", "status", "pointer"),
    [
        ("/drafts?limit=0", 422, "/limit"),
        ("/drafts?limit=201", 422, "/limit"),
        ("/drafts?limit=ten", 422, "/limit"),
        ("/drafts?limit=" + "9" * 5000, 422, "/limit"),
        ("/drafts?limit=1&limit=2", 422, "/limit"),
        ("/drafts?status=approved", 422, "/status"),
        ("/drafts?external_id=%00", 422, "/external_id"),
        ("/drafts?external_id=" + "x" * 256, 422, "/external_id"),
        ("/drafts?after=1", 422, "/after"),
        ("/drafts?after=ZmVlZGJhY2s6MQ", 422, "/after"),  # of another list
        ("/drafts?after=%ff", 422, "/after"),
        ("/drafts?wiat=3", 422, "/wiat"),
        ("/feedback?after=%F0%9F%98%80", 422, "/after"),
        ("/feedback?limit=-1", 422, "/limit"),
        ("/drafts/%00", 404, None),
        ("/drafts/4821x", 404, None),
        ("/drafts/-1", 404, None),
        ("/drafts/٤", 404, None),
        ("/drafts/" + "9" * 18, 404, None),
        ("/drafts/" + "9" * 5000, 404, None),
        ("/nothing", 404, None),
    ],
)
def test_bad_address(door, path, status, pointer):
    answer = door.get(path)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json().get("errors", [])
    assert [error["pointer"] for error in errors] == ([] if pointer is None else [pointer])


@pytest.mark.parametrize("wait", ["-1", "31", "1.5", "x", ""])
def test_bad_wait(door, wait):
    draft = door.post("/drafts", reply()).json()
    assert door.get(f"/drafts/{draft['id']}?wait={wait}").status_code == 422


@pytest.mark.parametrize("ref", ["%00", "nobody", "x" * 3000, "a%2Fb"])
def test_messages_for_no_conversation(door, ref):
    message = {"messages": [{"id": "m2", "author": "customer", "text": "Hello?"}]}
    assert door.post(f"/conversations/{ref}/messages", message).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"messages": []}, {"messages": [{"id": "m2"}]}, {"messages": [{"id": "m2", "author": "customer", "text": "\0"}]}],
)
def test_bad_messages(door, body):
    door.post("/drafts", reply())
    assert door.post("/conversations/conv-829/messages", body).status_code == 422
    assert Message.objects.count() == 1
