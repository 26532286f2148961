"""The stand-in for the customer's helpdesk."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from config.embedded.receiver import BODY_BYTES, Inbox, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def inbox(tmp_path) -> Inbox:
    return Inbox(tmp_path / "received.jsonl")


@pytest.fixture
def receiver(inbox):
    with Receiver(0, SECRET, inbox) as receiver:
        threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
        yield receiver
        receiver.shutdown()


@pytest.fixture
def client(receiver):
    with httpx.Client(base_url=f"http://127.0.0.1:{receiver.server_port}", trust_env=False) as client:
        yield client


def signed(body: str, *, identifier: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(SECRET).sign(identifier, at, body)
    return {"webhook-id": identifier, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def reply(text: str = "Dear customer", **data) -> str:
    data |= {"text": text, "verdict": "approved", "customer": {"id": "c-1"}, "conversation": {"channel": "email"}}
    return json.dumps({"type": "reply.approved", "data": data})


def test_what_arrives_is_shown_and_stays(client, inbox, tmp_path):
    assert "Nothing has arrived" in client.get("/").text
    body = reply()
    assert client.post("/webhooks", content=body, headers=signed(body)).status_code == 204
    page = client.get("/").text
    assert "Dear customer" in page
    assert "To c-1" in page
    assert (tmp_path / "received.jsonl").stat().st_mode & 0o777 == 0o600
    assert [arrival["id"] for arrival in Inbox(tmp_path / "received.jsonl").newest()] == ["msg_1"]


def test_the_same_again_is_taken_once(client, inbox, tmp_path):
    body = reply()
    for _ in range(3):
        assert client.post("/webhooks", content=body, headers=signed(body)).status_code == 204
    assert "and 2 more times" in client.get("/").text
    assert len(Inbox(tmp_path / "received.jsonl").newest()) == 1


def test_the_newest_is_first(client, inbox):
    for number in range(105):
        inbox.take(f"m{number}", json.loads(reply(f"text {number}")))
    newest = inbox.newest()
    assert [newest[0]["id"], newest[-1]["id"], len(newest)] == ["m104", "m5", 100]


def test_markup_is_text(client):
    body = reply("<script>alert(1)</script>", footer="<b>")
    client.post("/webhooks", content=body, headers=signed(body, identifier="<i>"))
    page = client.get("/").text
    assert "&lt;script&gt;" in page
    assert not {"<script>", "<b>", "<i>"} & set(page.split())
    assert "<script" not in page


@pytest.mark.parametrize(
    "payload", ["{}", '{"data": 1}', '{"data": {"customer": 1, "conversation": [], "text": {"a": 1}}}']
)
def test_odd_payloads_are_shown_all_the_same(client, payload):
    assert client.post("/", content=payload, headers=signed(payload)).status_code == 204
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        (dict, b"{}", 401),
        (lambda: signed("{}"), b"[]", 401),
        (lambda: signed("{}", at=datetime.now(UTC) - timedelta(hours=1)), b"{}", 401),
        (lambda: signed("{}") | {"webhook-signature": "junk"}, b"{}", 401),
        (lambda: signed("{}") | {"webhook-signature": "v1,ü!"}, b"{}", 401),
        (lambda: signed("{}") | {"webhook-timestamp": "9" * 400}, b"{}", 401),
        (lambda: signed("[]"), b"[]", 400),
        (lambda: signed("not json"), b"not json", 401),
        (lambda: signed("[" * 100_000), b"[" * 100_000, 401),
        (dict, b"\xff\xfe", 401),
        (dict, b"x" * (BODY_BYTES + 1), 413),
    ],
)
def test_junk_is_refused_and_harms_nothing(client, inbox, headers, content, status):
    encoded = {name: value.encode("utf-8") for name, value in headers().items()}
    assert client.post("/webhooks", content=content, headers=encoded).status_code == status
    assert inbox.newest() == []
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 5000, b"\xb2", b""])
def test_a_length_that_is_none(client, receiver, length):
    with socket.create_connection(("127.0.0.1", receiver.server_port), timeout=5) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n")
        assert raw.recv(1000).split()[1] in (b"411", b"413")
    assert client.get("/").status_code == 200


def test_other_names_and_pages(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/other").status_code == 404
    assert client.get("/receiver.css").headers["content-type"] == "text/css"
    assert client.put("/").status_code == 501


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path):
    path: Path = tmp_path / "received.jsonl"
    path.write_bytes(b'{"id": "a", "payload": {}}\n[]\n7\n\xff\n{"id": []}\n{"id": "b", "payl')
    inbox = Inbox(path)
    assert [arrival["id"] for arrival in inbox.newest()] == ["a"]
    inbox.take("c", {})
    assert [arrival["id"] for arrival in Inbox(path).newest()] == ["c", "a"]
