"""Who uses the product while it is under attack: bots, agents, a lead, and the receiver behind the webhooks.

Each is a thread with a seed and a history of its own. They do what careful callers do: whoever gets no answer asks
again with the same words until there is one.
"""

import html
import json
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

from tests.proof.history import History, digest
from tests.receiver import Posts
from tests.system import Person, claimed_id, form_fields

# Channels of the queue, each with an endpoint of its own: one that fails is handed one delivery at a time.
CHANNELS = 16

# Seconds a request may take before its caller gives up and asks again.
PATIENCE = 12.0

# Pauses (s) before asking again, and before looking again whether there is a draft.
PAUSES = (0.05, 0.5)
IDLE = (0.5, 2.0)

# Texts that are easily changed on the way: line ends, markup, quotes, other scripts, surrogate pairs.
TRICKY = (
    "plain",
    "two\nlines\n",
    "a\r\nb",
    "<b>&amp;</b> \"'",
    "عربي עברית",
    "日本語 🙂 e\u0301",
    "  indented\t",
    "\n\nlate",
)


@dataclass
class Shift:
    """What all actors of a run share.

    Bots hand in while fewer than `backlog` drafts are open (as the database last said); agents `think` so many seconds
    about each; `times` are (monotonic time of the answer, seconds) of every request, by what was asked.
    """

    drafts: int
    lease: int
    backlog: int = 150
    think: float = 0.0
    open: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    times: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    _taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, most: int) -> range:
        """Numbers of drafts that nobody else hands in; empty once there are enough."""
        with self._lock:
            first, self._taken = self._taken, min(self.drafts, self._taken + most)
            return range(first, self._taken)

    @property
    def handed_out(self) -> bool:
        return self._taken >= self.drafts

    @property
    def slowest(self) -> float:
        """Seconds that the slowest request took."""
        return max((seconds for times in self.times.values() for _, seconds in times), default=0.0)


class Actor(threading.Thread):
    """Works until the shift is over. What it raises is told by `failure`: an actor that dies proves nothing."""

    def __init__(self, name: str, seed: str, shift: Shift, folder: Path) -> None:
        super().__init__(name=name, daemon=True)
        self.random = random.Random(f"{seed} {name}")
        self.shift = shift
        self.history = History(folder, name)
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.failure = error
        finally:
            self.history.close()

    def work(self) -> None:
        raise NotImplementedError

    def pause(self, seconds: tuple[float, float] = PAUSES) -> None:
        self.shift.over.wait(self.random.uniform(*seconds))

    def timed(self, what: str, call: Callable[..., httpx.Response], *args: Any, **more: Any) -> httpx.Response | None:
        """The answer of call(…), or None where there was none that says anything."""
        began = time.monotonic()
        try:
            answer = call(*args, **more)
        except httpx.HTTPError:
            return None
        finally:
            self.shift.times[what].append((time.monotonic(), time.monotonic() - began))
        return answer if answer.status_code < 500 else None


class Bot(Actor):
    """Hands drafts in, alone and in batches, until each is acknowledged; sometimes again, changed, replaced or taken
    back."""

    def __init__(self, name: str, seed: str, shift: Shift, folder: Path, url: str, key: str) -> None:
        super().__init__(name, seed, shift, folder)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=PATIENCE)

    def work(self) -> None:
        while not self.shift.over.is_set():
            if self.shift.open > self.shift.backlog:
                self.pause()
                continue
            numbers = self.shift.take(self.random.choice((1, 1, 1, 20)))
            if not numbers:
                return
            drafts = [self._draft(f"{self.name}-{number}") for number in numbers]
            done = self._batch(drafts) if len(drafts) > 1 else self._single(drafts[0])
            for draft, draft_id in done:
                self._go_on(draft, draft_id)

    def _draft(self, name: str, **more: Any) -> dict[str, Any]:
        text = f"{self.random.choice(TRICKY)} This answers {name}. {self.random.choice(TRICKY)}"
        message = {"id": "m1", "author": "customer", "text": f"Where is it? {name}"}
        channel = f"c{self.random.randrange(CHANNELS)}"
        draft = {
            "external_id": name,
            "kind": "reply",
            "language": self.random.choice(("en", "de", "ja")),
            "customer": {"id": f"customer of {name}"},
            "conversation": {"id": f"conversation of {name}", "channel": channel, "messages": [message]},
            "reply": {"text": text},
        }
        if self.random.random() < 0.08 and not more:
            del draft["reply"], draft["conversation"]
            draft |= {"kind": "sentiment", "sentiment": {"text": f"It was {text}", "label": "neutral"}}
        return draft | more

    def _single(self, draft: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
        while not self.shift.over.is_set():
            self._write("invoke", draft)
            answer = self.timed("submit", self.http.post, "/drafts", json=draft)
            if answer is None:
                self._write("unknown", draft)
                self.pause()
            elif answer.status_code in (200, 202):
                return [(draft, self._acknowledged(draft, answer.json()))]
            else:
                self._write("refused", draft, status=answer.status_code)
                return []
        return []

    def _batch(self, drafts: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
        """Each draft fares on its own; those without a word go into the next batch."""
        done = []
        while drafts and not self.shift.over.is_set():
            for draft in drafts:
                self._write("invoke", draft)
            answer = self.timed("batch", self.http.post, "/drafts/batch", json={"drafts": drafts})
            results = answer.json()["results"] if answer is not None and answer.status_code == 200 else []
            again = drafts[len(results) :]
            for draft, result in zip(drafts, results, strict=False):
                if result["status"] in (200, 202):
                    done.append((draft, self._acknowledged(draft, result["draft"])))
                elif result["status"] >= 500:
                    again.append(draft)
                else:
                    self._write("refused", draft, status=result["status"])
            for draft in again:
                self._write("unknown", draft)
            drafts = again
            if drafts:
                self.pause()
        return done

    def _acknowledged(self, draft: dict[str, Any], answer: dict[str, Any]) -> str:
        self._write("ok", draft, id=int(answer["id"]))
        return str(answer["id"])

    def _write(self, what: Any, draft: dict[str, Any], **more: Any) -> None:
        text = draft["reply"]["text"] if draft["kind"] == "reply" else draft["sentiment"]["label"]
        canonical = text.replace("\r\n", "\n").replace("\r", "\n")
        old = {"supersedes": draft["supersedes"]} if "supersedes" in draft else {}
        self.history.write("submit", what, external_id=draft["external_id"], text=digest(canonical), **old, **more)

    def _go_on(self, draft: dict[str, Any], draft_id: str) -> None:
        """What follows a few of the drafts: the same once more, other words under its name, a newer one, withdrawal."""
        what = self.random.random()
        if what < 0.05:
            self._single(draft)
        elif what < 0.06:
            self._single(draft | {"language": "fr"})
        elif what < 0.08:
            newer = self._draft(draft["external_id"] + "-newer", supersedes=draft["external_id"])
            self._single(newer | {name: draft[name] for name in ("customer", "conversation") if name in draft})
        elif what < 0.10:
            self._withdraw(draft, draft_id)

    def _withdraw(self, draft: dict[str, Any], draft_id: str) -> None:
        facts = {"external_id": draft["external_id"], "id": int(draft_id)}
        while not self.shift.over.is_set():
            self.history.write("withdraw", "invoke", **facts)
            answer = self.timed("withdraw", self.http.delete, f"/drafts/{draft_id}")
            if answer is not None:
                self.history.write("withdraw", "ok" if answer.status_code == 200 else "refused", **facts)
                return
            self.history.write("withdraw", "unknown", **facts)
            self.pause()


class Reader(Actor):
    """A bot that follows the feed, cursor by cursor, and notes what it was told."""

    def __init__(self, name: str, seed: str, shift: Shift, folder: Path, url: str, key: str) -> None:
        super().__init__(name, seed, shift, folder)
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE)
        self.after: str | None = None

    def work(self) -> None:
        while not self.shift.over.is_set():
            self.read()
            self.shift.over.wait(1)
        self.read()

    def read(self) -> None:
        """All there is now, page by page."""
        more = True
        while more:
            asked = {"after": self.after} if self.after else {}
            answer = self.timed("feed", self.http.get, "/feedback", params=asked)
            if answer is None:
                return
            page = answer.json()
            for lesson in page["feedback"]:
                facts = {"decision": int(lesson["id"]), "draft": int(lesson["draft_id"]), "verdict": lesson["verdict"]}
                self.history.write("feed", "ok", **facts)
            self.after, more = page["next"], page["more"]


SHOWN_TEXT = re.compile(r'id="draft".*?<div class="words"[^>]*>(.*?)</div>', re.S)
SHOWN_LABEL = re.compile(r'id="draft".*?<span class="label"><b><bdi>(.*?)</bdi>', re.S)
HELD = re.compile(r'<a href="/drafts/(\d+)">.*?action="/decisions/(\d+)/settlement"', re.S)


class Agent(Actor):
    """Claims, reads, decides, changes their mind; says the same again where the answer was lost."""

    def __init__(self, name: str, seed: str, shift: Shift, folder: Path, url: str) -> None:
        super().__init__(name, seed, shift, folder)
        self.person = Person(url, name)
        self.person.http.follow_redirects = False
        self.person.http.timeout = httpx.Timeout(PATIENCE)

    def work(self) -> None:
        page = self._get()
        while not self.shift.over.is_set():
            if not page:
                self.pause()
                page = self._get()
            elif draft := claimed_id(page):
                page = self._treat(page, draft)
            elif 'action="/claims"' in page:
                page = self._claim(page)
            else:
                page = ""

    def _get(self) -> str:
        answer = self.timed("desk", self.person.http.get, "/desk")
        return answer.text if answer is not None and answer.status_code == 200 else ""

    def _claim(self, page: str) -> str:
        answer = self.timed("claim", self.person.post, "/claims", page)
        page = self._get() if answer is not None else ""
        if not claimed_id(page):
            self.pause(IDLE if page else PAUSES)
        return page

    def _treat(self, page: str, draft: int) -> str:
        """One draft on the screen; the next page, or none."""
        form = form_fields(page, f"/drafts/{draft}/decision")
        found = SHOWN_TEXT.search(page) or SHOWN_LABEL.search(page)
        text = html.unescape(found.group(1)) if found else ""
        self.history.write("shown", "ok", draft=draft, epoch=int(form["epoch"]), text=digest(text))
        what = self.random.random()
        self.shift.over.wait(self.shift.think * 2 * self.random.random())
        if what < 0.02:
            return self._leave(page, draft, "skip")
        if what < 0.03:
            return self._leave(page, draft, "release")
        if what < 0.035:
            self.shift.over.wait(self.shift.lease + 2)
        self._decide(draft, form, text, label=SHOWN_TEXT.search(page) is None)
        page = self._get()
        if self.random.random() < 0.06 and (held := HELD.search(page)):
            self._settle(page, int(held.group(1)), int(held.group(2)))
            page = self._get()
        return page

    def _leave(self, page: str, draft: int, verb: str) -> str:
        answer = self.timed("leave", self.person.post, f"/drafts/{draft}/{verb}", page)
        what = "unknown" if answer is None else "ok" if answer.status_code == 302 else "refused"
        self.history.write(verb, what, draft=draft)
        return self._get()

    def _decide(self, draft: int, form: dict[str, str], text: str, *, label: bool) -> None:
        verdict = self.random.choices(("approve", "edit", "reject"), (65, 22, 13))[0]
        fields = form | {"verdict": verdict}
        if self.random.random() < 0.2:
            del fields["next"]
        if verdict == "edit":
            text = "positive" if label else f"{text}\n{self.name} made it better: {self.random.choice(TRICKY)}"
            fields["text"] = text.replace("\r\n", "\n").replace("\n", "\r\n")
            text = fields["text"].replace("\r\n", "\n")
        if verdict == "reject":
            fields["reasons"], text = "cannot-tell" if label else "wrong-facts", ""
        facts = {"draft": draft, "epoch": int(form["epoch"]), "key": form["decision_key"], "verdict": verdict}
        facts["text"] = digest(text)
        times = 2 if self.random.random() < 0.03 else 1  # some press twice
        while times and not self.shift.over.is_set():
            self.history.write("decide", "invoke", **facts)
            answer = self.timed("decide", self.person.http.post, f"/drafts/{draft}/decision", data=fields)
            if answer is None:
                self.history.write("decide", "unknown", **facts)
                self.pause()
                continue
            what = "ok" if answer.status_code == 302 else "refused"
            self.history.write("decide", what, status=answer.status_code, **facts)
            times -= 1

    def _settle(self, page: str, draft: int, decision: int) -> None:
        """Undo, or send at once, the decision that is newest on the strip."""
        outcome = self.random.choices(("undone", "final"), (4, 1))[0]
        facts = {"draft": draft, "decision": decision, "outcome": outcome}
        path = f"/decisions/{decision}/settlement"
        self.history.write("settle", "invoke", **facts)
        answer = self.timed("settle", self.person.post, path, page, outcome=outcome)
        what = "unknown" if answer is None else "ok" if answer.status_code == 302 else "refused"
        self.history.write("settle", what, **facts)


class Receiver(ThreadingHTTPServer):
    """The helpdesk behind the webhooks. It notes what arrives before it answers, and it is a bad one: it fails, hangs
    up and dawdles, until `good` is set. `secrets` are those of its endpoints, by channel."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.random = random.Random(f"{seed} receiver")
        self.history = History(folder, "receiver")
        self.secrets: dict[str, str] = {}
        self.good = threading.Event()
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def mood(self) -> str:
        with self.lock:
            what = self.random.random()
        if self.good.is_set() or what > 0.04:
            return "answers"
        return "fails" if what < 0.015 else "hangs up" if what < 0.03 else "dawdles"


class Handler(Posts):
    server: Receiver

    def do_POST(self) -> None:
        body = self.body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        facts: dict[str, Any] = {"webhook_id": headers.get("webhook-id", "")}
        try:
            Webhook(self.server.secrets[self.path.rpartition("/")[2]]).verify(body, headers)
        except (WebhookVerificationError, KeyError) as error:
            self.server.history.write("arrive", "refused", error=str(error), **facts)
            self.answer(400)
            return
        data = json.loads(body)["data"]
        mood = self.server.mood()
        facts |= {"draft": int(data["draft_id"]), "external_id": data["external_id"], "verdict": data["verdict"]}
        self.server.history.write("arrive", "ok", text=digest(data["text"]), mood=mood, **facts)
        if mood == "hangs up":
            self.close_connection = True
            return
        if mood == "dawdles":
            time.sleep(2)
        self.answer(500 if mood == "fails" else 204)
