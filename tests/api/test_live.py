"""What only a real server shows: bodies without a length or with a false one, and headers Django trips over."""

import json
import socket

import pytest

from tests.api.conftest import reply
from tests.system import System

JSON = {"Content-Type": "application/json"}
CHUNKED = JSON | {"Transfer-Encoding": "chunked"}
BODY = json.dumps(reply()).encode()


def post(
    system: System, raw: bytes, headers: dict[str, str], path: str = "/drafts", hang_up: bool = False
) -> tuple[int, bytes]:
    """One request of these bytes: (status, all that was answered); 0 where the server hung up without an answer."""
    lines = {"Host": "127.0.0.1", "Authorization": f"Bearer {system.bot_key}", "Connection": "close"} | headers
    head = f"POST /api/v1{path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", system.port), timeout=10) as wire:
        try:
            wire.sendall(head.encode("latin-1") + b"\r\n" + raw)
            if hang_up:
                wire.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
    return int(answer.split(b" ", 2)[1]) if answer else 0, answer


def chunked(raw: bytes, size: int = 50_000) -> bytes:
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def drafts(system: System) -> int:
    return int(system.rows("SELECT count(*) FROM draft")[0][0])


def test_a_body_without_a_length(system):
    before = drafts(system)
    status, answer = post(system, chunked(json.dumps(reply(external_id="chunked")).encode(), 100), CHUNKED)
    assert status == 202, answer
    assert drafts(system) == before + 1


def test_a_body_without_a_length_and_without_an_end_in_sight(system):
    before = drafts(system)
    status, answer = post(system, chunked(b'{"a": "' + b"x" * 5_000_000 + b'"}'), CHUNKED)
    assert status in (413, 0), answer  # 0: the server hung up on what it would not read
    assert drafts(system) == before


@pytest.mark.parametrize(
    ("length", "statuses"),
    [
        (str(len(BODY) - 5), {400}),  # cut short: not JSON
        ("9" * 30, {400, 413}),
        (str(2**63), {400, 413}),
        ("9000000", {413}),
        ("-1", {400}),
        ("abc", {400}),
        ("", {400}),
    ],
)
def test_a_false_length(system, length, statuses):
    before = drafts(system)
    status, answer = post(system, BODY, JSON | {"Content-Length": length})
    assert status in statuses, answer
    assert drafts(system) == before


def test_a_body_that_breaks_off(system):
    before = drafts(system)
    status, answer = post(system, BODY, JSON | {"Content-Length": str(len(BODY) + 50)}, hang_up=True)
    assert status in (400, 0), answer
    assert drafts(system) == before


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=zlib",
        "application/json; charset=idna",
        "application/json; charset*=bogus'en'%41",
        "text/\xff",
        "; ; ;",
    ],
)
def test_a_made_up_charset(system, content_type):
    headers = {"Content-Type": content_type, "Content-Length": str(len(BODY))}
    status, answer = post(system, BODY, headers, "/drafts?x=1")
    assert 400 <= status < 500, answer
    assert b"application/problem+json" in answer
