"""The calls of the bots' door, each tried again where the network or the server fails it for a moment.

Trying again is safe: the server knows a draft by its external_id for ever, and the other calls change nothing twice.
"""

import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote

import httpx

from reviewqueue.client.batches import Summary
from reviewqueue.client.files import OnProgress, submit_file
from reviewqueue.client.problems import Problem

JSON = dict[str, Any]

# Answers that pass: too many requests, and a proxy or a database that is away.
PASSING = (429, 502, 503, 504)

# Seconds: the first pause between two tries doubles up to the longest; a server's Retry-After wins, up to its bound.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
LONGEST_RETRY_AFTER = 120.0

# The server waits for a decision so long at most.
LONGEST_WAIT = 30
LOOK_EVERY = 0.25


class Client:
    """One bot's way in. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, url: str, key: str, *, timeout: float = 30.0, tries: int = 6) -> None:
        """`url` of the server without /api; `timeout` seconds for each try; `tries` of each call before it gives up
        with the last Problem or httpx.TransportError."""
        self.url = url.rstrip("/")
        self.tries = tries
        self._timeout = timeout
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._http = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=timeout)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, draft: Mapping[str, Any]) -> JSON:
        """Hand in one draft: {id, external_id, status, url}. The same draft again gives the same answer."""
        return self._json("POST", "/drafts", content=_dump(draft))

    def submit_batch(self, drafts: Sequence[Mapping[str, Any]]) -> list[JSON]:
        """Hand in many: [{index, status, draft or problem}] in order. One that is refused does not stop the others."""
        return self.submit_encoded([_dump(draft) for draft in drafts])

    def submit_encoded(self, drafts: Sequence[bytes]) -> list[JSON]:
        """`submit_batch` for drafts that are JSON already. Raises Problem where the server, asked again and again,
        had no time for one of them."""
        results: dict[int, JSON] = {}
        waiting = list(range(len(drafts)))
        for attempt in range(self.tries):
            body = b'{"drafts":[' + b",".join(drafts[index] for index in waiting) + b"]}"
            answered = self._json("POST", "/drafts/batch", content=body)["results"]
            results.update((index, {**result, "index": index}) for index, result in zip(waiting, answered, strict=True))
            waiting = [index for index in waiting if results[index]["status"] in PASSING]
            if not waiting:
                return [results[index] for index in range(len(drafts))]
            if attempt + 1 < self.tries:
                time.sleep(_pause(attempt))
        raise Problem(results[waiting[0]]["problem"])

    def submit_file(
        self, path: str | os.PathLike, *, batch: int = 100, on_progress: OnProgress | None = None
    ) -> Summary:
        """Hand in every line of a JSON Lines file. Called again after an interruption, it goes on where it stopped.

        `on_progress(done, total, summary)` is told bytes of the file. Refused lines go to <path>.refused.jsonl with
        their problem.
        """
        return submit_file(self.submit_encoded, path, server=self.url, batch=batch, on_progress=on_progress)

    def draft(self, id: str, *, wait: float = 0) -> JSON:
        """A draft with its decision, once that is final. `wait` so many seconds for it at most; look at `decision`."""
        deadline = time.monotonic() + wait
        while True:
            left = max(0, min(LONGEST_WAIT, round(deadline - time.monotonic())))
            response = self._send("GET", f"/drafts/{_segment(id)}", params={"wait": left} if left else {})
            draft: JSON = response.json()
            # Without a decision there is nothing to wait for in a draft that has reached another end.
            is_open = draft["status"] in ("received", "waiting", "claimed")
            if not is_open or time.monotonic() >= deadline:
                return draft
            time.sleep(min(_stated_pause(response) or LOOK_EVERY, max(0.0, deadline - time.monotonic())))

    def drafts(self, **filters: str) -> Iterator[JSON]:
        """All drafts of the bot, oldest first; filters: external_id, status."""
        after: str | None = None
        while True:
            page = self._json("GET", "/drafts", params=_given(filters | {"after": after}))
            yield from page["drafts"]
            if not page["more"]:
                return
            after = page["next"]

    def feedback(self, after: str | None = None) -> Iterator[JSON]:
        """Every final decision since the cursor `after`, oldest first. Each holds the `cursor` behind it: keep that of
        the last one you have dealt with."""
        while True:
            page = self._json("GET", "/feedback", params=_given({"after": after}))
            yield from page["feedback"]
            if not page["more"]:
                return
            after = page["next"]

    def withdraw(self, id: str) -> JSON:
        """Take a draft back that nobody has decided yet; the draft as it is then."""
        return self._json("DELETE", f"/drafts/{_segment(id)}")

    def add_messages(self, conversation: str, messages: Sequence[Mapping[str, Any]]) -> JSON:
        """Newer messages of a conversation: {id, rev}."""
        return self._json(
            "POST", f"/conversations/{_segment(conversation)}/messages", content=_dump({"messages": list(messages)})
        )

    def _json(self, method: str, path: str, **more: Any) -> JSON:
        document: JSON = self._send(method, path, **more).json()
        return document

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to a request, sent again as long as that may help. Raises Problem, httpx.TransportError."""
        more["headers"] = {"Content-Type": "application/json"} if "content" in more else {}
        timeout = self._timeout + more.get("params", {}).get("wait", 0)
        for attempt in range(self.tries):
            last = attempt + 1 == self.tries
            pause = _pause(attempt)
            try:
                response = self._http.request(method, path, timeout=timeout, **more)
            except httpx.TransportError as failure:
                if last or isinstance(failure, httpx.UnsupportedProtocol):
                    raise
            else:
                if response.is_success and response.headers.get("Content-Type", "").startswith("application/json"):
                    return response
                if last or response.status_code not in PASSING:
                    raise Problem(_problem(response))
                stated = _stated_pause(response)
                pause = pause if stated is None else stated
            time.sleep(pause)
        raise AssertionError("tries is at least 1")


def _dump(document: Any) -> bytes:
    # ASCII: half a surrogate pair becomes an escape, which the server can name in its refusal.
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()


def _segment(name: str) -> str:
    return quote(str(name), safe="")


def _given(parameters: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value is not None}


def _pause(attempt: int) -> float:
    """Seconds before the next try: doubling, and never the same for two clients."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  no secret


def _stated_pause(response: httpx.Response) -> float | None:
    """Retry-After in seconds (RFC 9110: a number, or a date), bounded; None where there is none."""
    stated = response.headers.get("Retry-After", "")
    if stated.isascii() and stated.isdigit():
        return min(LONGEST_RETRY_AFTER, float(stated[:6]))
    try:
        seconds = parsedate_to_datetime(stated).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
    return min(LONGEST_RETRY_AFTER, max(0.0, seconds))


def _problem(response: httpx.Response) -> JSON:
    """The problem document, or as much of one as can be made of another answer (a proxy's, say)."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        document: JSON = response.json()
        return document
    return {"status": response.status_code, "title": response.reason_phrase, "detail": response.text[:500]}
