"""A server that answers by a script, for what a real one does too seldom."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from reviewqueue.client import Client


class Scripted(ThreadingHTTPServer):
    """`answers` are (status, body[, headers]) in order, the last one for ever; `asked` are (method, path, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple] = []
        self.asked: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(raw) if raw else None))
        answers = self.server.answers
        status, body, *more = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            return self.connection.close()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        media = "application/problem+json" if status >= 400 else "application/json"
        self.send_response(status)
        for name, value in ({"Content-Type": media, "Content-Length": str(len(content))} | dict(*more)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        return None

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(scripted) -> Iterator[Client]:
    with Client(scripted.url, "rq_test_key", tries=3) as made:
        yield made


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr("reviewqueue.client.calls.FIRST_PAUSE", 0.01)
