"""The client's calls: what is tried again, what is not, and what comes back."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from standardwebhooks import Webhook

from reviewqueue.client import Client, NotVerified, Problem, verify

STORED = {"id": "7", "external_id": "a", "status": "waiting", "url": "http://x/7"}
AWAY = {"type": "/api/v1/docs#unavailable", "title": "Away", "status": 503, "detail": "Later."}
INVALID = {
    "type": "/api/v1/docs#invalid",
    "title": "A field is not valid",
    "status": 422,
    "detail": "/kind is required.",
    "errors": [{"pointer": "/kind", "detail": "is required"}],
}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_tried_again(scripted, client, status):
    scripted.answers = [(status, b"<html>busy</html>", {"Content-Type": "text/html"}), (status, AWAY), (202, STORED)]
    assert client.submit({"external_id": "a"}) == STORED
    assert scripted.asked == [("POST", "/api/v1/drafts", {"external_id": "a"})] * 3


def test_a_lost_connection_is_tried_again(scripted, client):
    scripted.answers = [(None, b""), (None, b""), (202, STORED)]
    assert client.submit({"external_id": "a"}) == STORED


def test_it_gives_up(scripted, client):
    scripted.answers = [(503, AWAY)]
    with pytest.raises(Problem) as problem:
        client.submit({})
    assert (problem.value.status, problem.value.detail, len(scripted.asked)) == (503, "Later.", 3)
    scripted.answers = [(None, b"")]
    with pytest.raises(httpx.TransportError):
        client.submit({})


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with Client(url, "key", tries=2) as client, pytest.raises(httpx.ConnectError):
            client.submit({})


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 413, 422, 500])
def test_what_stays_is_not_tried_again(scripted, client, status):
    scripted.answers = [(status, INVALID | {"status": status})]
    with pytest.raises(Problem) as caught:
        client.submit({})
    problem = caught.value
    assert len(scripted.asked) == 1
    assert (problem.status, problem.title, problem.detail) == (status, "A field is not valid", "/kind is required.")
    assert problem.errors == [{"pointer": "/kind", "detail": "is required"}]
    assert problem.type.endswith("#invalid")


def test_an_answer_that_is_not_the_servers(scripted, client):
    scripted.answers = [(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})]
    with pytest.raises(Problem, match="Welcome to the hotel"):
        client.draft("7")


def test_retry_after_is_honoured(scripted, client):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    for stated, least, most in ((date, 0.5, 4), ("1", 1, 3), ("0", 0, 0.5), ("soon", 0, 0.5)):
        scripted.answers = [(429, AWAY, {"Retry-After": stated}), (202, STORED)]
        start = time.monotonic()
        client.submit({})
        assert least <= time.monotonic() - start < most, stated


def test_a_batch_sends_again_only_what_the_server_had_no_time_for(scripted, client):
    late = {"status": 503, "problem": AWAY}
    done = {"status": 202, "draft": STORED}
    scripted.answers = [
        (200, {"results": [done | {"index": 0}, late | {"index": 1}, late | {"index": 2}]}),
        (200, {"results": [{"index": 0, "status": 422, "problem": INVALID}, late | {"index": 1}]}),
        (200, {"results": [done | {"index": 0}]}),
    ]
    results = client.submit_batch([{"n": 0}, {"n": 1}, {"n": 2}])
    assert [(result["index"], result["status"]) for result in results] == [(0, 202), (1, 422), (2, 202)]
    sent = [[draft["n"] for draft in body["drafts"]] for _, _, body in scripted.asked]
    assert sent == [[0, 1, 2], [1, 2], [2]]


def test_a_batch_the_server_never_has_time_for(scripted, client):
    scripted.answers = [(200, {"results": [{"index": 0, "status": 503, "problem": AWAY}]})]
    with pytest.raises(Problem) as problem:
        client.submit_batch([{}])
    assert problem.value.status == 503


def test_waiting_asks_until_there_is_a_decision(scripted, client):
    waiting, decided = {"status": "claimed", "decision": None}, {"status": "decided", "decision": {}}
    scripted.answers = [(200, waiting, {"Retry-After": "0"}), (200, waiting), (200, decided)]
    assert client.draft("7", wait=40) == decided
    assert [path for _, path, _ in scripted.asked] == ["/api/v1/drafts/7?wait=30"] * 3
    scripted.answers = [(200, waiting)]
    start = time.monotonic()
    assert client.draft("7", wait=0.3) == waiting
    assert time.monotonic() - start < 2


def test_what_has_ended_is_not_waited_for(scripted, client):
    scripted.answers = [(200, {"status": "withdrawn", "decision": None})]
    client.draft("7", wait=40)
    assert len(scripted.asked) == 1


def test_pages_are_read_one_after_the_other(scripted, client):
    scripted.answers = [
        (200, {"feedback": [{"id": "1"}, {"id": "2"}], "next": "B", "more": True}),
        (200, {"feedback": [{"id": "3"}], "next": "C", "more": False}),
    ]
    assert [lesson["id"] for lesson in client.feedback("A")] == ["1", "2", "3"]
    assert [path for _, path, _ in scripted.asked] == ["/api/v1/feedback?after=A", "/api/v1/feedback?after=B"]


# --- Webhooks ------------------------------------------------------------------------------------------------

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "draft.decided", "data": {"id": "7"}})


def signed(body=BODY, secret=SECRET, at=None):
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", at, body)
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def test_a_webhook_of_the_server():
    assert verify(signed(), BODY.encode(), SECRET) == json.loads(BODY)
    assert verify(httpx.Headers(signed()), BODY, SECRET) == json.loads(BODY)
    both = signed() | {"Webhook-Signature": "v1,AAAA " + signed()["Webhook-Signature"]}
    assert verify(both, BODY, SECRET)["type"] == "draft.decided"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY + " "),
        signed(secret="whsec_AAAA"),
        signed(at=datetime.now(UTC) - timedelta(minutes=10)),
        signed() | {"Webhook-Id": "msg_2"},
        signed() | {"Webhook-Signature": "nonsense"},
        signed() | {"Webhook-Signature": "v1,%%%"},
        signed() | {"Webhook-Timestamp": "yesterday"},
    ],
)
def test_a_webhook_of_somebody_else(headers):
    with pytest.raises(NotVerified):
        verify(headers, BODY, SECRET)
