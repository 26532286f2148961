"""One attempt over a real connection, to receivers of every character."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from reviewqueue.outbound import webhook
from tests.factories import SECRET
from tests.outbound.rogue import Behaviour, rogue, saying
from tests.receiver import receiving

LOCAL = frozenset({"127.0.0.1", "localhost"})


def message(url: str, text: str = "Hello", seconds: float = 1.0, **changes) -> webhook.Message:
    payload = {"type": "reply.approved", "data": {"text": text}}
    values = {
        "id": "msg_7",
        "url": url,
        "secret": SECRET,
        "payload": payload,
        "private_hosts": LOCAL,
        "seconds": seconds,
    }
    return webhook.Message(**values | changes)


TEXTS = {
    "emoji": "Thanks 👩‍👩‍👧‍👦 🇩🇪 👍🏽",
    "right to left": "مرحبا \u202bשלום\u202c and back",  # noqa: RUF001
    "line ends": "one\n\ntwo\n",
    "separators": "a\u2028b\u2029c\u0085d",
    "spaces": "  \t a \u00a0\u200b\ufeff ",
    "not normalised": "e\u0301 \u00e9 \u212b",
    "quotes": 'He said "\\u0041" \\ </script> {{x}} %s',
    "long": "ä" * 32_768,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_arrives_byte_for_byte_and_signed(text):
    with receiving() as receiver:
        answer = webhook.send(message(receiver.url, text))
        receiver.verify_all(SECRET)
        [(webhook_id, body, headers)] = receiver.posts
    assert (answer.outcome, answer.code) == ("delivered", 204)
    assert webhook_id == "msg_7"
    assert json.loads(body)["data"]["text"] == text
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5


def test_a_signature_of_another_secret_or_text_does_not_pass():
    with receiving() as receiver:
        webhook.send(message(receiver.url))
        [(_, body, headers)] = receiver.posts
        with pytest.raises(Exception, match="No matching signature"):
            receiver.verify_all("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body.replace(b"Hello", b"hello"), headers)


def test_each_attempt_is_signed_anew():
    with receiving() as receiver:
        webhook.send(message(receiver.url))
        time.sleep(1.01)
        webhook.send(message(receiver.url))
        first, second = (headers for _, _, headers in receiver.posts)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(first["webhook-timestamp"]) < int(second["webhook-timestamp"])
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        ("200 OK", "delivered"),
        ("202 Accepted", "delivered"),
        ("299 Fine", "delivered"),
        ("304 Not Modified", "retry"),
        ("400 Bad Request", "retry"),
        ("404 Not Found", "retry"),
        ("410 Gone", "gone"),
        ("429 Too Many Requests", "retry"),
        ("500 Oh", "retry"),
        ("503 Later", "retry"),
    ],
)
def test_what_an_answer_means(head, outcome):
    with rogue(saying(head)) as receiver:
        answer = webhook.send(message(receiver.url))
    assert (answer.outcome, answer.code) == (outcome, int(head[:3]))
    assert head[4:] not in answer.error  # our words, never the receiver's


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code):
    with receiving() as elsewhere, rogue(saying(f"{code} There\r\nlocation: {elsewhere.url}")) as receiver:
        answer = webhook.send(message(receiver.url))
    assert (answer.outcome, answer.code, elsewhere.posts) == ("retry", code, [])


def test_the_environment_names_no_proxy(monkeypatch):
    with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert webhook.send(message(receiver.url)).outcome == "delivered"
    assert proxy.posts == []


def test_a_name_is_looked_up_once(monkeypatch):
    """A name server that answers a good address to the check, and another one to the connection."""
    ask = socket.getaddrinfo
    answers = ["127.0.0.1", "127.0.0.66"]

    def rebinding(host, *args, **kwargs):
        return ask(answers.pop(0) if host in ("rebound.example", b"rebound.example") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with rogue(saying("200 OK")) as receiver:
        url = f"http://rebound.example:{receiver.port}/"
        assert webhook.send(message(url, private_hosts=frozenset({"rebound.example"}))).outcome == "delivered"
        assert f"host: rebound.example:{receiver.port}".encode() in receiver.requests[0].lower()
    assert answers == ["127.0.0.66"]


def _silence(stream: socket.socket) -> None:
    stream.recv(1)


def _drip(first: bytes, drop: bytes) -> Behaviour:
    def behave(stream: socket.socket) -> None:
        stream.sendall(first)
        while True:
            stream.sendall(drop)
            time.sleep(0.05)

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        _silence,
        _drip(b"H", b"T"),
        _drip(b"HTTP/1.1 200 OK\r\n", b"x"),
        _drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        _drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["silence", "status line", "one header", "headers", "hints"],
)
def test_a_receiver_that_drips_is_left_when_the_time_is_over(behave):
    began = time.monotonic()
    with rogue(behave) as receiver:
        answer = webhook.send(message(receiver.url, seconds=0.5))
        assert len(receiver.requests) == 1
    assert 0.4 < time.monotonic() - began < 1.5
    assert (answer.outcome, answer.code, answer.error) == ("retry", None, "No answer within 0.5 seconds.")


@pytest.mark.parametrize("code", [200, 500])
def test_an_answer_counts_however_its_body_goes_on(code, monkeypatch):
    """Else a receiver that took the text, and then drips, would get it again and again."""
    monkeypatch.setattr(webhook, "ANSWER_SECONDS", 0.3)
    began = time.monotonic()
    with rogue(_drip(f"HTTP/1.1 {code} OK\r\ncontent-length: 100000\r\n\r\n".encode(), b"x")) as receiver:
        answer = webhook.send(message(receiver.url))
    assert (answer.outcome, answer.code) == ("delivered" if code == 200 else "retry", code)
    assert time.monotonic() - began < 1.5


def test_an_endless_answer_is_not_read_to_its_end():
    sent = 0

    def pour(stream: socket.socket) -> None:
        nonlocal sent
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += stream.send(b"x" * 65_536)

    with rogue(pour) as receiver:
        assert webhook.send(message(receiver.url)).outcome == "delivered"
    assert sent < 16 * 2**20  # what the two kernels hold, not what a second can carry


def test_an_answer_that_unpacks_to_a_giant_is_not_unpacked():
    bomb = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\njunk"
    with rogue(lambda stream: stream.sendall(bomb)) as receiver:
        assert webhook.send(message(receiver.url)).outcome == "delivered"


@pytest.mark.parametrize(
    "junk",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000],
)
def test_junk_instead_of_an_answer_is_tried_again(junk):
    with rogue(lambda stream: stream.sendall(junk)) as receiver:
        answer = webhook.send(message(receiver.url))
    assert (answer.outcome, answer.code) == ("retry", None)
    assert answer.error.startswith("The exchange broke off")


def test_a_receiver_that_is_down_is_tried_again():
    with rogue(_silence) as receiver:
        url = receiver.url
    answer = webhook.send(message(url))
    assert (answer.outcome, answer.code, answer.error) == ("retry", None, "No connection to the receiver.")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.invalid/", "No connection"),
        ("https://10.0.0.1/", "not public"),
        ("http://127.0.0.1:99999/", "broke off"),
        ("http://[::1", "broke off"),
        ("http://a\u0000b/", ""),
        ("http://" + "a" * 70 + ".example/", ""),
        ("javascript:alert(1)", "not http"),
    ],
)
def test_a_url_that_leads_nowhere_is_an_answer_too(url, says):
    answer = webhook.send(message(url))
    assert answer.outcome == "retry"
    assert says in answer.error


def test_a_broken_secret_is_an_answer_too():
    with receiving() as receiver:
        assert webhook.send(message(receiver.url, secret="whsec_?")).outcome == "retry"
    assert receiver.posts == []


def test_the_receiver_sees_its_own_name_and_no_password():
    with rogue(saying("200 OK")) as receiver:
        webhook.send(message(f"http://user:secret@LOCALHOST:{receiver.port}/a%20b?q=1"))
        [request] = receiver.requests
    head = request.split(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /a%20b?q=1 HTTP/1.1\r\n")
    assert f"host: localhost:{receiver.port}\r\n" in head.lower()
    assert "user:secret" not in head


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        (timedelta(minutes=10), 600),
        (timedelta(minutes=-10), 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Fri, 99 Foo 2026", None),
        ("", None),
    ],
)
def test_retry_after_in_both_its_forms(header, seconds):
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(tz=UTC) + header, usegmt=True)
    with rogue(saying(f"503 Later\r\nretry-after: {header}")) as receiver:
        answer = webhook.send(message(receiver.url))
    assert answer.retry_after == (None if seconds is None else pytest.approx(seconds, abs=30))


# --- TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for `localhost` and its key, signed by itself."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    with rogue(saying("200 OK"), _tls(certificate)) as receiver:
        answer = webhook.send(message(f"https://localhost:{receiver.port}/"))
    assert (answer.outcome, receiver.requests) == ("retry", [])


@pytest.mark.parametrize(("host", "outcome"), [("localhost", "delivered"), ("127.0.0.1", "retry")])
def test_a_certificate_must_be_of_the_name_in_the_url(certificate, monkeypatch, host, outcome):
    """Although the connection goes to the same pinned address."""
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(webhook, "_tls", lambda: trusting)
    with rogue(saying("200 OK"), _tls(certificate)) as receiver:
        assert webhook.send(message(f"https://{host}:{receiver.port}/")).outcome == outcome
    assert len(receiver.requests) == (outcome == "delivered")


def test_silent_name_servers_cost_no_more_than_any_other_silence(monkeypatch):
    """The system's resolver cannot be told to hurry."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: time.sleep(5))
    began = time.monotonic()
    answer = webhook.send(message("http://helpdesk.example/hook", seconds=0.3))
    assert time.monotonic() - began < 3
    assert answer.outcome == "retry"
    assert "No answer within 0.3 seconds" in answer.error
