"""A helpdesk that the tests send approved replies to: a real HTTP server that keeps what it got, byte for byte."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


class Receiver(ThreadingHTTPServer):
    """`posts` are (webhook-id, raw body, headers) in order of arrival; `answers` are status codes to give first.

    While `open` is cleared, whoever posts waits for its answer.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def texts(self) -> dict[str, str]:
        """The text that arrived for each external_id, whatever the number of posts."""
        return {data["external_id"]: data["text"] for data in self.datas()}

    def datas(self) -> list[dict[str, Any]]:
        return [json.loads(body)["data"] for _, body, _ in self.posts]

    def ids(self) -> list[str]:
        return [webhook_id for webhook_id, _, _ in self.posts]

    def verify_all(self, secret: str) -> None:
        """Raises WebhookVerificationError where a signature is not one of `secret`."""
        for _, body, headers in self.posts:
            Webhook(secret).verify(body, headers)


class Posts(BaseHTTPRequestHandler):
    """What any receiver does: hear a whole post, and answer without a word."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes | None:
        """None where the post broke off: whoever sent it was killed, or the link was cut, and nothing has arrived."""
        length = int(self.headers["content-length"])
        heard = self.rfile.read(length)
        self.close_connection = len(heard) < length
        return heard if len(heard) == length else None

    def answer(self, code: int) -> None:
        self.send_response(code)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Handler(Posts):
    server: Receiver

    def do_POST(self) -> None:
        body = self.body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.posts.append((headers["webhook-id"], body, headers))
            code = self.server.answers.pop(0) if self.server.answers else 204
        self.server.open.wait(60)
        self.answer(code)


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)
