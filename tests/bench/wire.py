"""What bots and browsers say, as bytes."""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

from tests.bench.load import Answer, Client

# The decision form of the desk's page: draft, epoch, seen, rev, decision_key.
FIELDS = re.compile(
    rb'action="/drafts/(\d+)/decision".*?name="epoch" value="(\d+)".*?name="seen" value="([0-9a-f]+)"'
    rb'.*?name="rev" value="(\d*)".*?name="decision_key" value="([0-9a-f-]+)"',
    re.S,
)
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')
COOKIE = re.compile(rb"set-cookie: *csrftoken=(\w+)", re.I)


DRAFT = b"""{"external_id": "NUMBER", "kind": "reply", "queue": "default", "language": "en", "confidence": 0.9,
"customer": {"id": "c-NUMBER", "name": "Sam"}, "conversation": {"id": "k-NUMBER", "channel": "email",
"subject": "Late parcel", "messages": [{"id": "m1", "author": "customer",
"text": "Where is order 4821? It should have been here last week."}]},
"reply": {"text": "Your order 4821 left our warehouse on Tuesday and is with the carrier now. You will get a message."},
"source": {"vendor": "acme", "model": "small", "version": "1", "prompt_version": "p1"}}"""


def draft_json(number: str) -> bytes:
    """A reply as a bot hands it in; the number makes it, its customer and its conversation new."""
    return DRAFT.replace(b"NUMBER", number.encode())


def post(path: str, body: bytes, head: str = "", kind: str = "application/json") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    ).encode() + body


def get(path: str, head: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode()


def submitter(key: str, numbers: Iterator[int], *, batch: int = 0, path: str = "/api/v1/drafts/batch") -> Client:
    """A bot that hands in one draft after the other, or so many at once."""

    def run() -> Generator[tuple[str, bytes], Answer, None]:
        head = f"Authorization: Bearer {key}\r\n"
        while True:
            if batch:
                drafts = b",".join(draft_json(str(next(numbers))) for _ in range(batch))
                yield "batch", post(path, b'{"drafts":[' + drafts + b"]}", head)
            else:
                yield "submit", post("/api/v1/drafts", draft_json(str(next(numbers))), head)

    return run


def reviewer(agent: dict[str, Any], decisions: int = 10**9) -> Client:
    """An agent that approves what comes, as the desk's script does it (static/ahead.js): one draft is on the screen and
    the next is leased; the answer to a decision brings the one after that."""

    def run() -> Generator[tuple[str, bytes], Answer, None]:
        kind = "application/x-www-form-urlencoded"
        cookie = f"Cookie: session={agent['session']}\r\n"
        _, head, page = yield "first", get("/desk", cookie)
        token = TOKEN.search(page)[1].decode()
        cookie = f"Cookie: session={agent['session']}; csrftoken={COOKIE.search(head)[1].decode()}\r\n"
        cookie += f"X-CSRFToken: {token}\r\n"
        if not FIELDS.search(page):
            yield "first", post("/claims", b"", cookie, kind)
            _, _, page = yield "first", get("/desk", cookie)
        script = f"{cookie}Accept: application/json\r\n"
        _, _, fragment = yield "first", post("/desk/ahead", b"", script, kind)
        shown, ahead = FIELDS.search(page), FIELDS.search(fragment)
        for _ in range(decisions):
            if shown is None:
                return
            draft, epoch, seen, rev, key = (part.decode() for part in shown.groups())
            form = f"epoch={epoch}&seen={seen}&rev={rev}&decision_key={key}&viewed_ms=&next=1&verdict=approve"
            if ahead:
                draft_on, epoch_on, _, rev_on, _ = (part.decode() for part in ahead.groups())
                form += f"&on-draft={draft_on}&on-epoch={epoch_on}&on-rev={rev_on}"
            status, _, answer = yield "decide", post(f"/drafts/{draft}/decision", form.encode(), script, kind)
            brought = json.loads(answer) if status == 200 else {}
            shown = ahead or FIELDS.search((brought.get("bench") or "").encode())
            ahead = FIELDS.search((brought.get("ahead") or "").encode())

    return run
