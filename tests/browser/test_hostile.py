"""What bots and customers write is text, on every screen: nothing of it runs, loads, or becomes a part of the page.

The pages are opened without their content security policy, so that escaping is tried by itself; the policy by itself
is tried with the same payloads put into the page as markup. With --full a draft has three of them, and each of them
comes to each screen; without, every payload comes to the desk, and some to each other screen.
"""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from reviewqueue.actions import bots, decide, settle, withdraw
from reviewqueue.board import sheets
from reviewqueue.checks import errors
from reviewqueue.models import Draft
from reviewqueue.queries.findings import of_text
from tests import factories
from tests.browser import pages
from tests.browser.hostile import PAYLOADS
from tests.browser.pages import Visit

INTRUDER = (Path(__file__).parent / "intruder.js").read_text()
LISTENING = "window.__hits = []; window.__hit = mark => window.__hits.push(mark);"

# Payloads in one field of one draft: a page shows many at once. With --full so few that none hides another.
TOGETHER, FEW = 60, 3

# What the desk asks about.
WAYS = ("reject", "escalate", "hand", "return", "confirm", "similar")

# Where spreadsheets look for a formula.
FORMULA = tuple(sheets.DANGEROUS)

_marks = count(1)


def marked(payload: str) -> str:
    """With a number of its own, by which it is known when it runs."""
    return payload.replace("§", str(next(_marks)))


class Watch:
    """Opens pages of a visit and asks each whether anything got through."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.page = visit.page
        self.outside: list[str] = []
        self.dialogs: list[str] = []
        self.looked = 0
        self.page.add_init_script(LISTENING)
        self.page.on("dialog", self._dialog)
        self.page.context.route(lambda url: not url.startswith(visit.tab.url), self._outside)

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

    def _outside(self, route: Any) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def open(self, path: str) -> None:
        self.visit.open(path)
        self.look(path)

    def look(self, what: str) -> None:
        got_through = self.page.evaluate("window.__hits") + self.outside + self.dialogs + self.page.evaluate(INTRUDER)
        assert got_through == [], what
        self.looked += 1


@contextmanager
def watching(visits, **how: Any) -> Iterator[Watch]:
    with visits("decisions-empty", **how) as visit:
        yield Watch(visit)


def hostile(some: list[str]) -> dict[str, Any]:
    """A draft with these payloads in every field that a bot fills in: more than the bots' door would let pass."""

    def words() -> str:
        return " ".join(map(marked, some))

    def one() -> str:
        """For what has an index, and so a length."""
        return marked(some[next(turn) % len(some)])[:200] + str(next(_marks))

    turn = count()
    messages = [
        {"id": one(), "author": author, "text": words(), "sent_at": None}
        for author in ("customer", "agent", "bot", "customer")
    ]
    return {
        "external_id": one()[-200:].encode()[:200].decode(errors="ignore"),
        "language": one(),
        "confidence": 0.5,
        "customer": {"id": one(), "name": words()},
        "conversation": {"id": one(), "channel": one(), "subject": words(), "reply_to": None, "messages": messages},
        "source": {"vendor": one(), "model": one(), "version": one(), "prompt_version": one()},
        "evidence": [{"title": words(), "url": marked(payload), "quote": words()} for payload in some],
        "segments": {one(): words(), one(): words()},
        "topics": [words(), one()],
        "metadata": {one(): words()},
    }


def in_batches(size: int) -> list[list[str]]:
    """Each with some of every kind: PAYLOADS has one kind after the other."""
    number = -(-len(PAYLOADS) // size)
    return [PAYLOADS[first::number] for first in range(number)]


@pytest.fixture
def batches(full) -> list[list[str]]:
    return in_batches(FEW if full else TOGETHER)


@pytest.fixture
def full(request) -> bool:
    return request.config.getoption("--full")


@pytest.fixture
def some_batches(full) -> list[list[str]]:
    """Many payloads at once; without --full every other time."""
    return in_batches(TOGETHER)[:: 1 if full else 2]


@pytest.fixture
def singles(full) -> list[str]:
    """So few that each can be alone in an address."""
    return PAYLOADS[:: len(PAYLOADS) // (20 if full else 10)]


def words_of(some: list[str]) -> str:
    return " ".join(map(marked, some))


def sendable(text: str, draft: Draft) -> str:
    """The text without what the checks let nobody send: placeholders, characters that nobody sees."""
    while bad := errors(of_text(text, draft)):
        text = text[: bad[0].start] + text[bad[0].end :]
    return text


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_a_reply(visits, batches, record_property):
    with watching(visits, bypass_csp=True) as watch:
        visit = watch.visit
        for some in batches:
            visit.bot = bots.register(f"{words_of(some)[:150]} {next(_marks)}")
            draft = visit.claimed(text=words_of(some), **hostile(some))
            watch.open("/desk")
            visit.open("/desk?edit=1")
            watch.page.locator("#text").fill(words_of(some))
            pages.submit(watch.page, ".keys-row", "[formaction$=preview]")
            watch.look("preview")
            note, seen = words_of(some), factories.seen(draft, visit.user)
            decide.edit(draft.pk, text=sendable(words_of(some), draft), note=note, reasons=["wrong-facts"], **seen)
            watch.open(f"/drafts/{draft.pk}")
        watch.open("/decisions")
        visit.waiting(text=words_of(PAYLOADS[:TOGETHER]), **hostile(PAYLOADS[:TOGETHER]))
        watch.open("/desk")
        assert watch.looked == 3 * len(batches) + 2
        # What is decided here meanwhile, the page learns when it saves what was typed.
        visit.tab.complaints[:] = [words for words in visit.tab.complaints if "status of 409" not in words]
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_a_label(visits, batches, record_property):
    with watching(visits, bypass_csp=True) as watch:
        visit = watch.visit
        for some in batches:
            # The door keeps line ends out of labels.
            label, *others = (words_of(some).replace("\r", " ") for _ in range(11))
            draft = visit.claimed(
                kind="sentiment", text=words_of(some), label=label, labels=[label, *others], **hostile(some)
            )
            watch.open("/desk")
            watch.open(f"/desk?reject=1&causes={quote(some[0])}")
            decide.edit(draft.pk, text=others[0], **factories.seen(draft, visit.user))
            watch.open(f"/drafts/{draft.pk}")
        assert watch.looked == 3 * len(batches)
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_lists_and_filters(visits, batches, singles, record_property):
    with watching(visits, bypass_csp=True) as watch:
        for some in batches:
            watch.visit.waiting(text=words_of(some), **hostile(some))
        for start in range(0, len(batches), 20):
            watch.open(f"/queue?after={start}")
        for payload in singles:
            words = quote(marked(payload))
            watch.open(f"/queue?q=lang:{words}+queue:{words}+bot:{words}+topic:{words}")
            watch.open(f"/desk?edit={words}")
            watch.open(f"/{words}")
        for do in ("approve", "reject", "take"):
            pages.selected(watch.visit, do)
            watch.look(do)
        watch.open("/desk")
        watch.open("/skipped")
        watch.visit.tab.complaints.clear()
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_what_comes_without_a_page(visits, some_batches, record_property):
    """The draft leased ahead, what a conflict shows beside it, and what is fetched when it is opened."""
    with watching(visits, bypass_csp=True) as watch:
        visit, page = watch.visit, watch.page
        for some in some_batches:
            visit.bot = bots.register(f"{words_of(some)[:150]} {next(_marks)}")
            visit.claimed(text=words_of(some), **hostile(some))
            ahead = visit.waiting(text=words_of(some), **hostile(some))
            visit.open("/desk")
            page.locator(f"#desk[data-ahead-draft='{ahead.pk}']").wait_for()
            visit.tab.key("s")
            page.locator(f"#bench[data-draft='{ahead.pk}']").wait_for()
            page.locator("[data-load] > summary").click()
            page.locator("[data-load] [data-loads]").wait_for(state="detached")
            watch.look("ahead")
            withdraw.withdraw(ahead.pk, bot=visit.bot)
            visit.tab.key("s")
            page.locator("#conflicts h2").wait_for()
            watch.look("conflict")
        visit.tab.complaints.clear()
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_ways_that_are_asked_about(visits, full, record_property):
    with watching(visits, bypass_csp=True) as watch:
        visit = watch.visit
        for number, some in enumerate(in_batches(TOGETHER)):
            visit.bot = bots.register(f"{words_of(some)[:150]} {next(_marks)}")
            draft = visit.claimed(text=words_of(some), **hostile(some))
            for what in WAYS if full else [WAYS[number % len(WAYS)]]:
                watch.open(f"/drafts/{draft.pk}/similar" if what == "similar" else f"/desk?{what}=1")
            withdraw.withdraw(draft.pk, bot=visit.bot)
        visit.tab.complaints.clear()
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_alone_on_a_page(visits, some_batches, record_property):
    """What was typed for a draft that is gone, a delivery that failed, and words of one's own."""
    with watching(visits, bypass_csp=True) as watch:
        visit, page = watch.visit, watch.page
        for some in some_batches:
            visit.bot = bots.register(f"{words_of(some)[:150]} {next(_marks)}")
            draft = visit.claimed(text=words_of(some), **hostile(some))
            visit.open("/desk?edit=1")
            withdraw.withdraw(draft.pk, bot=visit.bot)
            pages.natively(visit, text=words_of(some))
            watch.look("withdrawn")
            pages.submit(page, "form[action$=answers]")
            watch.look("own words")
            visit.open("/desk")
            visit.tab.key("s")
        visit.tab.complaints.clear()
    record_property("screens", watch.looked)


@pytest.mark.matrix("hostile texts")
@pytest.mark.timeout(3600)
def test_the_board_and_its_downloads(visits, batches, record_property):
    """A lead's page, with names of bots and sources; and what is downloaded there."""
    with watching(visits, bypass_csp=True) as watch:
        visit = watch.visit
        visit.user.role = "lead"
        visit.user.save()
        for some in batches[:: max(1, len(batches) // 20)]:
            visit.bot = bots.register(f"{words_of(some)[:150]} {next(_marks)}")
            decision = visit.decided("edit", text=words_of(some), **hostile(some))
            settle.send_now(decision.pk, by=visit.user)
        with pages.role("worker"):
            settle.feed_final()
        watch.open("/board")
        watch.open(f"/board?bot={visit.bot.pk}")
        for kind in ("csv", "jsonl"):
            answer = watch.page.request.get(f"{visit.tab.url}/board/feedback.{kind}")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-disposition"].startswith("attachment")
            rows = _rows(answer.text(), kind)
            assert len(rows) >= len(batches[:: max(1, len(batches) // 20)])
            if kind == "csv":
                assert [cell for row in rows for cell in row if cell.startswith(FORMULA)] == []
        watch.open("/deliveries")
    record_property("screens", watch.looked)


def _rows(text: str, kind: str) -> list[Any]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(text, newline="")))[1:]
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_stranger_writes_into_addresses_and_forms(visits, singles):
    with watching(visits, bypass_csp=True) as watch:
        page = watch.page
        page.context.clear_cookies()
        for payload in singles:
            watch.open(f"/sign-in?next={quote(marked(payload))}")
            page.locator("#username").fill(marked(payload))
            page.locator("#password").fill(marked(payload))
            pages.submit(page, ".card form:not(.language)")
            watch.look("sign-in")


@pytest.mark.parametrize("policy", [True, False], ids=["with", "without"])
def test_the_policy_alone_stops_what_would_run(visits, policy):
    """Were a text ever to become markup: nothing runs under the policy. Without it much does, so the watch can see."""
    with watching(visits, bypass_csp=not policy) as watch:
        visit, page = watch.visit, watch.page
        visit.open("/decisions")
        page.evaluate(
            """payloads => {
                for (const payload of payloads) {
                    const place = document.createElement("div");
                    document.querySelector("main").append(place);
                    place.innerHTML = payload;
                }
            }""",
            # Without those that leave the page: no policy can keep a person from following a link.
            [marked(payload) for payload in PAYLOADS if "refresh" not in payload],
        )
        page.wait_for_timeout(1_000)
        ran = page.evaluate("window.__hits.length") + len(watch.outside) + len(watch.dialogs)
        assert page.evaluate(INTRUDER) != []
        visit.tab.complaints.clear()
    if policy:
        assert ran == 0, watch.outside
    else:
        assert ran > 60
