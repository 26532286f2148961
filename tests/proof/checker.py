"""Holds what the actors wrote down against the database. The histories come first: where both differ, they are right.

Every rule is a function over (histories, database) that yields violations; RULES says which promise each belongs to.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

from tests.proof.history import Line, digest

# The states in which a draft may rest, and those of a delivery.
ENDS = ("decided", "withdrawn", "expired", "refused")
ARRIVED, GIVEN_UP = "delivered", ("failed", "unknown")


class Violation(NamedTuple):
    """A broken promise: the column of the table it counts in, the rule, the draft, and the lines that show it."""

    counts: str
    rule: str
    draft: str
    why: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.counts}: {self.rule} (draft {self.draft}): {self.why}"
        return "\n    ".join((head, *self.lines))


class Draft(NamedTuple):
    id: int
    external_id: str
    status: str
    kind: str
    text: str
    supersedes: int | None


class Vote(NamedTuple):
    draft: int
    round: int
    agent: str
    epoch: int
    verdict: str
    text: str | None
    key: str
    at: float
    decision: int


class Decision(NamedTuple):
    id: int
    draft: int
    round: int
    verdict: str
    outcome: str | None
    text: str | None


class Delivery(NamedTuple):
    id: int
    decision: int
    draft: int
    status: str


@dataclass
class Stored:
    """As much of the database as the rules ask about; texts as digests."""

    drafts: dict[int, Draft] = field(default_factory=dict)
    votes: list[Vote] = field(default_factory=list)
    decisions: dict[int, Decision] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    feed: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def read(cls, connection: psycopg.Connection) -> "Stored":
        def rows(sql: str) -> Iterable[Any]:
            return connection.execute(sql).fetchall()

        drafts = [
            Draft(id_, name, status, kind, digest(text), old)
            for id_, name, status, kind, text, old in rows(
                "SELECT draft.id, external_id, status, kind, text, supersedes_id FROM draft "
                "JOIN body ON body.id = body_id"
            )
        ]
        votes = [
            Vote(draft, round_, agent, epoch, verdict, None if text is None else digest(text), str(key), at, decision)
            for draft, round_, agent, epoch, verdict, text, key, at, decision in rows(
                "SELECT vote.draft_id, vote.round, username, epoch, vote.verdict, text, decision_key, "
                "extract(epoch FROM vote.at)::float8, decision.id FROM vote JOIN account ON account.id = vote.agent_id "
                "JOIN decision ON by_vote_id = vote.id LEFT JOIN body ON body.id = final_id"
            )
        ]
        decisions = [
            Decision(id_, draft, round_, verdict, outcome, None if text is None else digest(text))
            for id_, draft, round_, verdict, outcome, text in rows(
                "SELECT decision.id, decision.draft_id, decision.round, decision.verdict, outcome, text FROM decision "
                "LEFT JOIN settlement ON decision_id = decision.id JOIN vote ON vote.id = by_vote_id "
                "LEFT JOIN body ON body.id = final_id"
            )
        ]
        deliveries = [Delivery(*row) for row in rows("SELECT id, decision_id, draft_id, status FROM delivery")]
        return cls(
            {draft.id: draft for draft in drafts},
            votes,
            {decision.id: decision for decision in decisions},
            {delivery.id: delivery for delivery in deliveries},
            [(seq, decision) for seq, decision in rows("SELECT seq, decision_id FROM feed ORDER BY seq")],
        )


class Histories:
    """The lines of all actors, by what they are about."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.all = list(lines)
        self._by: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in self.all:
            self._by[line.op, line.what].append(line)

    def of(self, op: str, what: str = "ok") -> list[Line]:
        return self._by[op, what]

    def by(self, op: str, name: str, what: str = "ok") -> dict[Any, list[Line]]:
        """The lines of an operation by one of their facts."""
        found: dict[Any, list[Line]] = defaultdict(list)
        for line in self.of(op, what):
            found[line[name]].append(line)
        return found


Rule = Callable[[Histories, Stored], Iterator[Violation]]


def check(lines: Iterable[Line], stored: Stored) -> list[Violation]:
    histories = Histories(lines)
    return [violation for rule in RULES for violation in rule(histories, stored)]


def repeated_arrivals(lines: Iterable[Line]) -> int:
    """Posts beyond the first under one webhook-id: at least once is the promise, and receivers drop these by the id."""
    ids = Counter(line["webhook_id"] for line in lines if (line.op, line.what) == ("arrive", "ok"))
    return sum(ids.values()) - len(ids)


def _lines(*lines: Line) -> tuple[str, ...]:
    return tuple(map(str, lines))


# --- drafts ---------------------------------------------------------------------------------------------------


def acknowledged_is_stored(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Every draft that a bot was told is ours, is; under the id it was told, with its text."""
    by_name = {draft.external_id: draft for draft in stored.drafts.values()}
    for name, lines in histories.by("submit", "external_id").items():
        draft = by_name.get(name)
        for line in lines:
            if draft is None or draft.id != line["id"]:
                yield Violation("lost", "acknowledged is stored", name, "is not there", _lines(line))
            elif draft.text != line["text"]:
                yield Violation("altered", "acknowledged is stored", name, "has another text", _lines(line))


def refused_is_not_stored(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """A draft of which a bot was only ever told no, is not there."""
    names = {draft.external_id for draft in stored.drafts.values()}
    told = set(histories.by("submit", "external_id")) | set(histories.by("submit", "external_id", "unknown"))
    for name, lines in histories.by("submit", "external_id", "refused").items():
        if name in names and name not in told:
            yield Violation("altered", "refused is not stored", name, "is there", _lines(*lines))


def every_draft_ends(histories: Histories, stored: Stored) -> Iterator[Violation]:
    for draft in stored.drafts.values():
        if draft.status not in ENDS:
            lines = histories.by("submit", "external_id").get(draft.external_id, [])
            yield Violation("lost", "every draft ends", f"{draft.id}", f"is still {draft.status}", _lines(*lines))


def withdrawn_stays_withdrawn(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """What a bot was told is taken back, or replaced, is, and never arrives."""
    arrived = histories.by("arrive", "external_id")
    gone = {line["external_id"]: line for line in histories.of("withdraw")}
    gone |= {line["supersedes"]: line for line in histories.of("submit") if "supersedes" in line.facts}
    for draft in stored.drafts.values():
        line = gone.get(draft.external_id)
        if line and draft.status != "withdrawn":
            yield Violation("lost", "withdrawn stays withdrawn", f"{draft.id}", f"is {draft.status}", _lines(line))
        if line and draft.external_id in arrived:
            lines = _lines(line, *arrived[draft.external_id])
            yield Violation("undecided_sent", "withdrawn stays withdrawn", f"{draft.id}", "arrived", lines)


# --- decisions ------------------------------------------------------------------------------------------------

VERDICTS = {"approve": "approved", "edit": "edited", "reject": "rejected"}


def one_live_decision(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """A decided draft has exactly one decision that was not undone, and it is final; any other has none."""
    live = Counter(decision.draft for decision in stored.decisions.values() if decision.outcome != "undone")
    decided = histories.by("decide", "draft")
    for draft in stored.drafts.values():
        wanted, has = int(draft.status == "decided"), live[draft.id]
        if has != wanted:
            counts = "decided_twice" if has > wanted else "lost"
            why = f"is {draft.status} and has {has} live decisions"
            yield Violation(counts, "one live decision", f"{draft.id}", why, _lines(*decided.get(draft.id, [])))
    for decision in stored.decisions.values():
        if decision.outcome is None:
            lines = _lines(*decided.get(decision.draft, []))
            yield Violation("lost", "one live decision", f"{decision.draft}", "its decision was never settled", lines)


def acknowledged_decision_stands(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Every decision that an agent was told is taken, is; with the text that was on the screen, or typed."""
    votes = {vote.key: vote for vote in stored.votes}
    for key, lines in histories.by("decide", "key").items():
        line, vote = lines[0], votes.get(key)
        if vote is None:
            yield Violation("lost", "acknowledged decision stands", f"{line['draft']}", "it is not there", _lines(line))
            continue
        same = (vote.draft, vote.verdict, vote.agent) == (line["draft"], VERDICTS[line["verdict"]], line.actor)
        if not same or (vote.text is not None and vote.text != line["text"]):
            why = f"{vote.agent} {vote.verdict} draft {vote.draft} with {vote.text}"
            yield Violation("altered", "acknowledged decision stands", f"{line['draft']}", why, _lines(line))


def refused_decision_is_none(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """What an agent was only ever told no about, was not decided by them."""
    keys = {vote.key for vote in stored.votes}
    told = set(histories.by("decide", "key")) | set(histories.by("decide", "key", "unknown"))
    for key, lines in histories.by("decide", "key", "refused").items():
        if key in keys and key not in told:
            yield Violation("undecided_sent", "refused is none", f"{lines[0]['draft']}", "it stands", _lines(*lines))


def decided_by_who_asked(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Behind every vote there is an agent who sent it, for the claim and the text that was on that agent's screen."""
    asked = histories.by("decide", "key", "invoke")
    shown = {(line["draft"], line["epoch"], line.actor): line for line in histories.of("shown")}
    texts = {draft.id: draft.text for draft in stored.drafts.values()}
    for vote in stored.votes:
        line, seen = asked.get(vote.key, [None])[0], shown.get((vote.draft, vote.epoch, vote.agent))
        if line is None or seen is None:
            why = f"{vote.agent} never {'saw' if line else 'sent'} it"
            yield Violation("undecided_sent", "decided by who asked", f"{vote.draft}", why)
        elif seen["text"] != texts[vote.draft]:
            yield Violation("altered", "decided by who asked", f"{vote.draft}", "showed another text", _lines(seen))


def newest_claim_decides(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Nobody had seen the draft under a newer claim when it was decided."""
    shown = histories.by("shown", "draft")
    for vote in stored.votes:
        newer = [line for line in shown.get(vote.draft, []) if line["epoch"] > vote.epoch and line.at < vote.at]
        if newer:
            why = f"{vote.agent} decided at epoch {vote.epoch}"
            yield Violation("decided_twice", "newest claim decides", f"{vote.draft}", why, _lines(*newer))


def undone_stays_undone(histories: Histories, stored: Stored) -> Iterator[Violation]:
    for line in histories.of("settle"):
        decision = stored.decisions.get(line["decision"])
        if decision is None or decision.outcome != line["outcome"]:
            why = f"decision {line['decision']} is {decision and decision.outcome}"
            yield Violation("undecided_sent", "undone stays undone", f"{line['draft']}", why, _lines(line))


# --- deliveries -----------------------------------------------------------------------------------------------


def arrived_was_decided(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Whatever arrived belongs to a final decision to send, and is its text."""
    by_id = {f"msg_{delivery.id}": delivery for delivery in stored.deliveries.values()}
    for line in histories.of("arrive"):
        delivery = by_id.get(line["webhook_id"])
        decision = delivery and stored.decisions.get(delivery.decision)
        named = f"{line['draft']}"
        if decision is None or decision.outcome != "final" or decision.text is None or decision.draft != line["draft"]:
            yield Violation("undecided_sent", "arrived was decided", named, f"{decision}", _lines(line))
        elif decision.text != line["text"] or decision.verdict != line["verdict"]:
            yield Violation("altered", "arrived was decided", named, f"decided was {decision}", _lines(line))


def forged_arrivals(histories: Histories, stored: Stored) -> Iterator[Violation]:
    for line in histories.of("arrive", "refused"):
        yield Violation("altered", "signed", line["webhook_id"], "a webhook without a valid signature", _lines(line))


def one_id_a_draft(histories: Histories, stored: Stored) -> Iterator[Violation]:
    for draft, lines in histories.by("arrive", "draft").items():
        if len({line["webhook_id"] for line in lines}) > 1:
            yield Violation("duplicate_ids", "one id a draft", f"{draft}", "arrived under several", _lines(*lines))


def approved_arrives(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """Every reply with a final decision to send arrived, or stands in the list of those that did not."""
    arrived = histories.by("arrive", "draft")
    states = {delivery.decision: delivery.status for delivery in stored.deliveries.values()}
    for decision in stored.decisions.values():
        if decision.outcome != "final" or decision.text is None or stored.drafts[decision.draft].kind != "reply":
            continue
        status = states.get(decision.id)
        if status in GIVEN_UP:
            yield Violation("unknown", "approved arrives", f"{decision.draft}", f"its delivery is {status}")
        elif status != ARRIVED or decision.draft not in arrived:
            yield Violation("lost", "approved arrives", f"{decision.draft}", f"its delivery is {status}")


# --- the feed -------------------------------------------------------------------------------------------------


def feed_is_whole(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """The feed has no gap, and each final decision once."""
    if (seqs := [seq for seq, _ in stored.feed]) != list(range(1, len(seqs) + 1)):
        yield Violation("lost", "the feed is whole", "-", f"its numbers have a gap or begin late: {len(seqs)} rows")
    fed = Counter(decision for _, decision in stored.feed)
    for decision in stored.decisions.values():
        times = fed[decision.id]
        if times != int(decision.outcome == "final"):
            counts = "lost" if not times else "decided_twice" if times > 1 else "undecided_sent"
            why = f"{decision.outcome} decision {decision.id} is in it {times} times"
            yield Violation(counts, "the feed is whole", f"{decision.draft}", why)


def feed_was_read_whole(histories: Histories, stored: Stored) -> Iterator[Violation]:
    """A bot that followed the feed through all of it was told each final decision, once, in its order."""
    told = [line["decision"] for line in histories.of("feed")]
    wanted = [decision for _, decision in stored.feed]
    if told == wanted:
        return
    at = next((n for n, pair in enumerate(zip(told, wanted, strict=False)) if pair[0] != pair[1]), len(told))
    lines = _lines(*histories.of("feed")[max(0, at - 1) : at + 2])
    why = f"{len(told)} were told and {len(wanted)} are there; they part after {at}"
    yield Violation("lost", "the feed was read whole", "-", why, lines)


RULES: tuple[Rule, ...] = (
    acknowledged_is_stored,
    refused_is_not_stored,
    every_draft_ends,
    withdrawn_stays_withdrawn,
    one_live_decision,
    acknowledged_decision_stands,
    refused_decision_is_none,
    decided_by_who_asked,
    newest_claim_decides,
    undone_stays_undone,
    arrived_was_decided,
    forged_arrivals,
    one_id_a_draft,
    approved_arrives,
    feed_is_whole,
    feed_was_read_whole,
)
