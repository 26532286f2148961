"""The checker of the chaos runs: silent about a sound run, and each rule red on what it is there for."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.proof import checker, history
from tests.proof.actors import Receiver
from tests.proof.checker import Decision, Delivery, Draft, Stored, Vote
from tests.proof.history import History, Line, digest

TEXT, BETTER = digest("draft"), digest("edited")


@dataclass
class Run:
    """What the actors wrote, and what is stored."""

    lines: list[Line]
    stored: Stored

    def line(self, where: str) -> Line:
        return next(line for line in self.lines if line.where == where)

    def change(self, where: str, **facts: Any) -> None:
        at = self.lines.index(self.line(where))
        self.lines[at] = replace(self.lines[at], facts=self.lines[at].facts | facts)

    def forget(self, where: str) -> None:
        self.lines.remove(self.line(where))

    def add(self, where: str, op: str, what: str, **facts: Any) -> None:
        self.lines.append(Line(where, 100.0, op, what, facts))

    def draft(self, number: int, **facts: Any) -> None:
        self.stored.drafts[number] = self.stored.drafts[number]._replace(**facts)

    def decision(self, number: int, **facts: Any) -> None:
        self.stored.decisions[number] = self.stored.decisions[number]._replace(**facts)

    def vote(self, number: int, **facts: Any) -> None:
        self.stored.votes[number] = self.stored.votes[number]._replace(**facts)

    def delivery(self, number: int, **facts: Any) -> None:
        self.stored.deliveries[number] = self.stored.deliveries[number]._replace(**facts)


@pytest.fixture
def run() -> Run:
    """Draft 1 approved, undone and edited; draft 2 rejected; draft 3 withdrawn."""
    lines = [
        Line("bot:1", 1, "submit", "ok", {"external_id": "a", "text": TEXT, "id": 1}),
        Line("bot:2", 1, "submit", "unknown", {"external_id": "b", "text": TEXT}),
        Line("bot:3", 1, "submit", "ok", {"external_id": "b", "text": TEXT, "id": 2}),
        Line("bot:4", 1, "submit", "ok", {"external_id": "c", "text": TEXT, "id": 3}),
        Line("bot:5", 1, "submit", "refused", {"external_id": "d", "text": TEXT, "status": 422}),
        Line("bot:6", 2, "withdraw", "ok", {"external_id": "c", "id": 3}),
        Line("amina:1", 3, "shown", "ok", {"draft": 1, "epoch": 1, "text": TEXT}),
        Line("amina:2", 4, "decide", "invoke", _decide(1, 1, "k1", "approve", TEXT)),
        Line("amina:3", 5, "decide", "ok", _decide(1, 1, "k1", "approve", TEXT)),
        Line("amina:4", 6, "settle", "ok", {"draft": 1, "decision": 11, "outcome": "undone"}),
        Line("amina:5", 7, "shown", "ok", {"draft": 1, "epoch": 2, "text": TEXT}),
        Line("amina:6", 8, "decide", "invoke", _decide(1, 2, "k2", "edit", BETTER)),
        Line("amina:7", 9, "decide", "ok", _decide(1, 2, "k2", "edit", BETTER)),
        Line("ben:1", 3, "shown", "ok", {"draft": 2, "epoch": 3, "text": TEXT}),
        Line("ben:2", 4, "decide", "invoke", _decide(2, 3, "k3", "reject", digest(""))),
        Line("ben:3", 5, "decide", "ok", _decide(2, 3, "k3", "reject", digest(""))),
        Line("ben:4", 6, "decide", "refused", _decide(3, 1, "k4", "approve", TEXT)),
        Line("receiver:1", 12, "arrive", "ok", _arrival("msg_22", 1, "a", "edited", BETTER)),
        Line("receiver:2", 13, "arrive", "ok", _arrival("msg_22", 1, "a", "edited", BETTER)),
        Line("reader:1", 14, "feed", "ok", {"decision": 13, "draft": 2, "verdict": "rejected"}),
        Line("reader:2", 14, "feed", "ok", {"decision": 12, "draft": 1, "verdict": "edited"}),
    ]
    stored = Stored(
        {
            1: Draft(1, "a", "decided", "reply", TEXT, None),
            2: Draft(2, "b", "decided", "reply", TEXT, None),
            3: Draft(3, "c", "withdrawn", "reply", TEXT, None),
        },
        [
            Vote(1, 1, "amina", 1, "approved", TEXT, "k1", 4.5, 11),
            Vote(1, 2, "amina", 2, "edited", BETTER, "k2", 8.5, 12),
            Vote(2, 1, "ben", 3, "rejected", None, "k3", 4.5, 13),
        ],
        {
            11: Decision(11, 1, 1, "approved", "undone", TEXT),
            12: Decision(12, 1, 2, "edited", "final", BETTER),
            13: Decision(13, 2, 1, "rejected", "final", None),
        },
        {21: Delivery(21, 11, 1, "cancelled"), 22: Delivery(22, 12, 1, "delivered")},
        [(1, 13), (2, 12)],
    )
    return Run(lines, stored)


def _decide(draft: int, epoch: int, key: str, verdict: str, text: str) -> dict[str, Any]:
    return {"draft": draft, "epoch": epoch, "key": key, "verdict": verdict, "text": text}


def _arrival(webhook_id: str, draft: int, name: str, verdict: str, text: str) -> dict[str, Any]:
    return {"webhook_id": webhook_id, "draft": draft, "external_id": name, "verdict": verdict, "text": text}


def test_a_sound_run_breaks_no_rule(run):
    assert checker.check(run.lines, run.stored) == []
    assert checker.repeated_arrivals(run.lines) == 1


# (rule, what it counts in, what is wrong)
WRONG: dict[str, tuple[str, str, Callable[[Run], object]]] = {
    "an acknowledged draft is gone": (
        "acknowledged is stored",
        "lost",
        lambda run: run.change("bot:1", external_id="z"),
    ),
    "it has another id": ("acknowledged is stored", "lost", lambda run: run.change("bot:1", id=9)),
    "it has another text": ("acknowledged is stored", "altered", lambda run: run.draft(1, text=BETTER)),
    "a refused draft is there": ("refused is not stored", "altered", lambda run: run.draft(3, external_id="d")),
    "a draft waits for ever": ("every draft ends", "lost", lambda run: run.draft(2, status="waiting")),
    "a withdrawn draft is decided": (
        "withdrawn stays withdrawn",
        "lost",
        lambda run: run.draft(3, status="decided"),
    ),
    "a withdrawn draft arrives": (
        "withdrawn stays withdrawn",
        "undecided_sent",
        lambda run: run.change("receiver:2", external_id="c"),
    ),
    "a superseded draft is decided": (
        "withdrawn stays withdrawn",
        "lost",
        lambda run: run.change("bot:4", supersedes="a"),
    ),
    "two decisions stand": ("one live decision", "decided_twice", lambda run: run.decision(11, outcome="final")),
    "a decided draft has none": ("one live decision", "lost", lambda run: run.decision(12, outcome="undone")),
    "a decision is never settled": ("one live decision", "lost", lambda run: run.decision(13, outcome=None)),
    "an acknowledged decision is gone": (
        "acknowledged decision stands",
        "lost",
        lambda run: run.change("ben:3", key="k9"),
    ),
    "it is another one": ("acknowledged decision stands", "altered", lambda run: run.vote(2, verdict="approved")),
    "its text is another": ("acknowledged decision stands", "altered", lambda run: run.vote(1, text=TEXT)),
    "it is somebody else's": ("acknowledged decision stands", "altered", lambda run: run.vote(2, agent="amina")),
    "a refused decision stands": ("refused is none", "undecided_sent", lambda run: run.vote(2, key="k4")),
    "nobody asked for a decision": ("decided by who asked", "undecided_sent", lambda run: run.forget("ben:2")),
    "nobody saw the draft": ("decided by who asked", "undecided_sent", lambda run: run.forget("ben:1")),
    "the screen showed another text": (
        "decided by who asked",
        "altered",
        lambda run: run.change("amina:1", text=BETTER),
    ),
    "somebody else had it": (
        "newest claim decides",
        "decided_twice",
        lambda run: run.vote(2, epoch=2, at=200.0) or run.change("ben:1", epoch=3),
    ),
    "an undone decision is final": (
        "undone stays undone",
        "undecided_sent",
        lambda run: run.decision(11, outcome="final"),
    ),
    "an undone text arrives": (
        "arrived was decided",
        "undecided_sent",
        lambda run: run.change("receiver:2", webhook_id="msg_21"),
    ),
    "a text nobody knows arrives": (
        "arrived was decided",
        "undecided_sent",
        lambda run: run.change("receiver:2", webhook_id="msg_99"),
    ),
    "another text arrives": ("arrived was decided", "altered", lambda run: run.change("receiver:1", text=TEXT)),
    "a webhook is forged": (
        "signed",
        "altered",
        lambda run: run.add("receiver:3", "arrive", "refused", webhook_id="msg_1", error="no"),
    ),
    "a draft arrives under two ids": (
        "one id a draft",
        "duplicate_ids",
        lambda run: run.change("receiver:2", webhook_id="msg_21"),
    ),
    "an approved reply never arrives": (
        "approved arrives",
        "lost",
        lambda run: run.forget("receiver:1") or run.forget("receiver:2"),
    ),
    "its delivery is stuck": ("approved arrives", "lost", lambda run: run.delivery(22, status="queued")),
    "its fate is unknown": ("approved arrives", "unknown", lambda run: run.delivery(22, status="unknown")),
    "the feed has a gap": ("the feed is whole", "lost", lambda run: run.stored.feed.__setitem__(1, (3, 12))),
    "the feed misses a decision": ("the feed is whole", "lost", lambda run: run.stored.feed.pop()),
    "the feed has one twice": ("the feed is whole", "decided_twice", lambda run: run.stored.feed.append((3, 12))),
    "the feed has an undone one": (
        "the feed is whole",
        "undecided_sent",
        lambda run: run.stored.feed.append((3, 11)),
    ),
    "a bot was not told of one": ("the feed was read whole", "lost", lambda run: run.forget("reader:1")),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_rule_turns_red(run, wrong):
    rule, counts, doctor = WRONG[wrong]
    doctor(run)
    found = {(violation.rule, violation.counts) for violation in checker.check(run.lines, run.stored)}
    assert (rule, counts) in found, found


def test_every_rule_has_a_case(run):
    """A rule that no case turns red proves nothing."""
    red = set()
    for rule in checker.RULES:
        for _, _, doctor in WRONG.values():
            fresh = Run(list(run.lines), Stored(dict(run.stored.drafts), list(run.stored.votes),
                        dict(run.stored.decisions), dict(run.stored.deliveries), list(run.stored.feed)))  # fmt: skip
            doctor(fresh)
            if list(rule(checker.Histories(fresh.lines), fresh.stored)):
                red.add(rule.__name__)
    assert red == {rule.__name__ for rule in checker.RULES}


def test_a_violation_names_draft_rule_and_lines(run):
    run.draft(3, status="decided")
    violation = next(v for v in checker.check(run.lines, run.stored) if v.rule == "withdrawn stays withdrawn")
    assert "draft 3" in str(violation)
    assert "bot:6" in str(violation)
    assert "withdraw ok" in str(violation)


def test_histories_are_read_back_in_the_order_of_time(tmp_path):
    first, second = History(tmp_path, "amina"), History(tmp_path, "bot")
    first.write("decide", "invoke", draft=1)
    second.write("submit", "ok", external_id="ä")
    first.write("decide", "unknown", draft=1)
    lines = list(history.read(tmp_path))
    assert [line.where for line in lines] == ["amina:1", "bot:1", "amina:2"]
    assert lines[1]["external_id"] == "ä"
    assert lines[2].actor == "amina"


def test_a_line_is_one_write(tmp_path):
    """What was written before a kill stands, whole."""
    written = History(tmp_path, "amina")
    written.write("decide", "invoke", text="x" * 10_000)
    assert json.loads((tmp_path / "amina.jsonl").read_text())["text"] == "x" * 10_000


def test_a_post_that_breaks_off_has_not_arrived(tmp_path):
    """Whoever sent it was killed between two writes: a receiver is told nothing, so it notes nothing."""
    with Receiver("1", tmp_path) as receiver:
        threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
        for body, heard in ((b"", b""), (b"half", b""), (b"whole body", b"HTTP/1.1 400")):
            with socket.create_connection(("127.0.0.1", receiver.port), timeout=5) as wire:
                wire.sendall(b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n" + body)
                wire.shutdown(socket.SHUT_WR)
                assert wire.recv(1000).startswith(heard)
        receiver.shutdown()
    assert [(line.op, line.what) for line in history.read(tmp_path)] == [("arrive", "refused")]
