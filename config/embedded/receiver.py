"""Stands in for the customer's helpdesk in the example: takes the webhooks, checks them, and shows what arrived.

python -m config.embedded.receiver VAR PORT, where VAR holds webhook_secret, and received.jsonl for what arrived.
"""

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from config.embedded import child, places

HERE = Path(__file__).parent
# Largest body it takes, bytes, and the most arrivals on the page.
BODY_BYTES = 1_048_576
SHOWN = 100

NOTHING = "<p>Nothing has arrived yet. Approve a reply in the review queue, then look again.</p>"
CARD = Template("""<article>
<h2>To $customer <small>$verdict, by $channel</small></h2>
<p class="text">$text</p>
<p class="footer">$footer</p>
<p class="id">$id at <time>$at</time>$again</p>
</article>""")


class Inbox:
    """What arrived, each webhook-id once, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._arrivals: dict[str, dict[str, Any]] = {}
        self.repeats: dict[str, int] = {}
        if path.exists():
            for line in path.read_text(errors="replace").splitlines():
                self._remember(line)

    def take(self, identifier: str, payload: dict[str, Any]) -> None:
        """Returns once it is on disk. A sender may send the same again: that is counted, and else ignored."""
        with self._lock:
            if identifier in self._arrivals:
                self.repeats[identifier] = self.repeats.get(identifier, 0) + 1
                return
            arrival = {"id": identifier, "at": datetime.now(UTC).isoformat(timespec="seconds"), "payload": payload}
            with open(self._path, "a", opener=places.private_opener) as file:
                file.write("\n" + json.dumps(arrival))  # first the newline: the line before may be half a one
                file.flush()
                os.fsync(file.fileno())
            self._arrivals[identifier] = arrival

    def newest(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._arrivals.values())[: -SHOWN - 1 : -1]

    def _remember(self, line: str) -> None:
        """A line that a power cut left half written is passed over; the sender still owes it."""
        try:
            arrival = json.loads(line)
            self._arrivals[arrival["id"]] = arrival
        except (ValueError, TypeError, KeyError):
            return


class Refusal(Exception):
    """What is wrong with a request, with the status to answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, secret: str, inbox: Inbox) -> None:
        super().__init__(("127.0.0.1", port), Door)
        self.webhook = Webhook(secret)
        self.inbox = inbox
        self.names = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}


class Door(BaseHTTPRequestHandler):
    server: Receiver
    timeout = 10  # seconds of silence after which a connection is dropped
    server_version = "helpdesk"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("host") not in self.server.names:  # a page elsewhere that got its name to point here
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, b"This is not the name of this server.\n", "text/plain")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, page(self.server.inbox).encode(), "text/html; charset=utf-8")
        elif self.path == "/receiver.css":
            self._answer(HTTPStatus.OK, (HERE / "receiver.css").read_bytes(), "text/css")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"There is only one page here: /\n", "text/plain")

    def do_POST(self) -> None:
        try:
            body = self._body()
            payload = self._verified(body)
            self.server.inbox.take(self.headers["webhook-id"], payload)
        except Refusal as refusal:
            self._answer(refusal.status, f"{refusal}\n".encode(), "text/plain")
        else:
            self._answer(HTTPStatus.NO_CONTENT)

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "Content-Length is needed.")
        if len(length) > 9 or int(length) > BODY_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too long.")
        return self.rfile.read(int(length))

    def _verified(self, body: bytes) -> dict[str, Any]:
        """Only what was signed with our secret, in the last five minutes. The rest may be anything at all."""
        try:
            payload = self.server.webhook.verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError, RecursionError):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "The signature is not right.") from None
        if not isinstance(payload, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "A JSON object is needed.")
        return payload

    def _answer(self, status: HTTPStatus, content: bytes = b"", kind: str = "") -> None:
        self.close_connection = True
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)


def page(inbox: Inbox) -> str:
    arrivals = inbox.newest()
    cards = "\n".join(card(arrival, inbox.repeats.get(arrival["id"], 0)) for arrival in arrivals)
    return Template((HERE / "receiver.html").read_text()).substitute(arrivals=cards or NOTHING)


def card(arrival: dict[str, Any], repeats: int) -> str:
    """Anything may be missing, and nothing is trusted to be free of markup."""
    data = arrival.get("payload")
    data = data.get("data") if isinstance(data, dict) else None
    data = data if isinstance(data, dict) else {}
    customer, conversation = data.get("customer"), data.get("conversation")
    fields = {
        "customer": customer.get("id") if isinstance(customer, dict) else None,
        "channel": conversation.get("channel") if isinstance(conversation, dict) else None,
        "verdict": data.get("verdict"),
        "text": data.get("text"),
        "id": arrival.get("id"),
        "at": arrival.get("at"),
    }
    escaped = {name: escape(str(value or "(not given)")) for name, value in fields.items()}
    again = f", and {repeats} more times, which were ignored" if repeats else ""
    return CARD.substitute(escaped, footer=escape(str(data.get("footer") or "")), again=again)


def main() -> None:
    child.end_with_parent(os.getppid(), signal.SIGTERM)
    var = Path(sys.argv[1])
    receiver = Receiver(int(sys.argv[2]), (var / "webhook_secret").read_text(), Inbox(var / "received.jsonl"))
    receiver.serve_forever()


if __name__ == "__main__":
    main()
