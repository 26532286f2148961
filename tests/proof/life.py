"""Whole lives of drafts through the real actions, in chapters, as their clients live them.

A client notes each answer and asks what was not answered again, in the same words: the same external_id, the same
decision_key. So a chapter that was cut off anywhere is carried to its end by living it again, in any process. `broken`
then says which promises were broken.
"""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import django_rq
from django.db import connection

from reviewqueue import later, ready
from reviewqueue.actions import bots, claim, conversation, decide, deliver, index, lease, people, queues, rollup, settle
from reviewqueue.actions.submit import submit
from reviewqueue.actions.withdraw import withdraw
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Bot, Decision, Delivery, Draft, Hold, Settlement, User
from tests.factories import PASSWORD, make_content
from tests.proof import points

# How long (s) a life may take to end once everything that is due has been made due.
SECONDS = 20


class Life:
    """A bot, a queue that holds decisions for ten minutes, its people, and the notes of their answers, kept in a file
    from process to process. Lives of the chapter `plain` have queues of their own, the others share one a chapter."""

    def __init__(self, name: str, chapter: str, notes: Path, url: str) -> None:
        self.name, self.chapter, self.notes, self.url = name, chapter, notes, url
        self.queue = name if chapter == "plain" else chapter
        self.answers: dict[str, Any] = dict(map(json.loads, notes.read_text().splitlines())) if notes.exists() else {}
        found = Bot.objects.filter(name=name).first()
        if found is None:
            queues.configure(self.queue, hold_seconds=0 if chapter == "at_once" else 600, lease_seconds=600)
            queues.set_endpoint(self.queue, url)
        self.bot = found or bots.register(name)
        self.agent = self._person("agent")

    @cached_property
    def other(self) -> User:
        return self._person("other")

    @cached_property
    def lead(self) -> User:
        return self._person("lead")

    def _person(self, role: str) -> User:
        username = f"{self.name}-{role}"
        found = User.objects.filter(username=username).first()
        return found or people.add(username, PASSWORD, role=role.replace("other", "agent"), queues=[self.queue])

    def note(self, question: str, answer: Any) -> None:
        """One line, written whole before the client goes on."""
        with open(self.notes, "ab", buffering=0) as notes:
            notes.write(json.dumps([question, answer]).encode() + b"\n")
        self.answers[question] = answer

    def once(self, question: str, ask: Callable[[], Any]) -> Any:
        """The answer; asked for where it was not heard yet."""
        if question not in self.answers:
            self.note(question, ask())
        return self.answers[question]

    # The bot

    def submit(self, title: str, *, about: str = "", **changes: Any) -> int:
        """The draft's id, always asked for: the second time it is a replay."""
        stated = make_content(
            external_id=f"{self.name} {title}",
            queue=self.queue,
            customer={"id": f"{self.name} {about or title}", "name": "Sam"},
            segments={"country": "de"},
            reply={"text": f"The answer of {self.name} {title}."},
        )
        stated["conversation"] = stated["conversation"] | {"id": f"{self.name} {about or title}"}
        stated |= changes
        found = submit(stated, stated, bot=self.bot).draft.pk
        assert self.answers.get(f"submit {title}", found) == found
        self.note(f"submit {title}", found)
        return found

    def label(self, title: str) -> int:
        about = {"text": "great, another delay", "label": "positive", "labels": ["positive", "negative"], "score": 0.8}
        evidence = [{"quote": "great"}]
        return self.submit(title, kind="sentiment", reply=None, conversation=None, sentiment=about, evidence=evidence)

    def replace(self, old: str, title: str) -> int:
        """A newer draft in the same conversation."""
        return self.submit(title, about=old, supersedes=f"{self.name} {old}")

    def withdraw(self, title: str) -> None:
        withdraw(self.id_of(title), bot=self.bot)
        self.note(f"withdraw {title}", True)

    def message(self, title: str, ref: str) -> None:
        said = {"id": ref, "author": "customer", "text": "Hello?", "sent_at": None}
        conversation.add_messages(f"{self.name} {title}", [said], bot=self.bot)

    def id_of(self, title: str) -> int:
        return self.answers[f"submit {title}"]

    # The agent

    def open(self, draft_id: int) -> dict[str, Any]:
        """What the form of a draft would post. Where it cannot be opened any more: what it did when it could."""
        with suppress(Refused):
            draft = claim.claim(draft_id, by=self.agent)
            rev = draft.conversation.rev if draft.conversation else None
            self.note(f"form {draft_id}", {"epoch": draft.epoch, "seen": bytes(draft.digest).hex(), "rev": rev})
        form = self.answers[f"form {draft_id}"]
        return form | {"seen": bytes.fromhex(form["seen"]), "by": self.agent}

    def decide(self, title: str, verb: str = "approve", round: int = 1, **more: Any) -> int:
        """The decision's id."""
        draft_id, question = self.id_of(title), f"decide {title} {round}"

        def ask() -> dict[str, Any]:
            form = self.open(draft_id) | {"decision_key": uuid5(NAMESPACE_OID, f"{self.name} {question}")}
            decision = getattr(decide, verb)(draft_id, **form, **more)
            return {"decision": decision.pk, "draft": draft_id, "text": more.get("text"), "verdict": decision.verdict}

        return self.once(question, ask)["decision"]

    def undo(self, title: str, round: int = 1) -> None:
        self._settled(f"undo {title} {round}", settle.undo, self.decide(title, round=round), "undone")

    def send_now(self, title: str, round: int = 1) -> None:
        self._settled(f"send {title} {round}", settle.send_now, self.decide(title, round=round), "final")

    def hold_longer(self, title: str) -> None:
        decision = Decision.objects.get(pk=self.decide(title))

        def ask() -> str:
            settle.hold_longer(decision.pk, by=self.agent)
            return Hold.objects.get(pk=decision.pk).until.isoformat()

        assert self.once(f"hold {title}", ask) == (decision.at + Hold.LONGEST).isoformat()

    def _settled(self, question: str, act: Callable[..., Any], decision: int, outcome: str) -> None:
        def ask() -> int:
            with suppress(Refused):  # it was heard the first time, as the decision's page says
                act(decision, by=self.agent)
            assert Settlement.objects.get(pk=decision).outcome == outcome
            return decision

        self.once(question, ask)

    def next(self, slot: int = lease.SHOWN, by: User | None = None) -> Draft | None:
        """Claim next, by the order in Redis where there is one."""
        random.seed(1)  # not the one claim in 32 that asks PostgreSQL first
        return claim.claim_next(by=by or self.agent, slot=slot)

    def shown(self) -> dict[str, Any]:
        """The draft on the agent's screen, for `lease`'s verbs; nothing where there is none."""
        draft = self.next()
        return {"draft_id": draft.pk, "epoch": draft.epoch, "by": self.agent} if draft else {}

    # The house

    def lapse(self, slot: int = lease.SHOWN) -> None:
        """The agent's lease ends."""
        by_hand("UPDATE draft SET lease_until = now() - interval '1 s' WHERE holder_id = %s AND slot = %s",
                self.agent.pk, slot)  # fmt: skip
        with worker():
            lease.lapse()

    def settle(self) -> None:
        """The holds end."""
        by_hand("UPDATE hold SET until = now() - interval '1 s' FROM decision JOIN draft ON draft.id = draft_id "
                "WHERE decision.id = decision_id AND bot_id = %s AND settled_at IS NULL", self.bot.pk)  # fmt: skip
        with worker():
            settle.settle_due()

    def deliveries(self, *statuses: str) -> list[Delivery]:
        return list(Delivery.objects.filter(draft__bot=self.bot, status__in=statuses).order_by("id"))

    def due(self) -> None:
        """Every wait and every deadline is over, and the beat sees it."""
        by_hand(
            "UPDATE delivery SET not_before = least(not_before, now() - interval '1 s'), deadline = now() - interval "
            "'1 s' FROM draft WHERE draft.id = draft_id AND bot_id = %s AND delivery.status IN "
            "('held', 'queued', 'sending', 'retry')",
            self.bot.pk,
        )
        with worker():
            deliver.sweep()
            by_hand("UPDATE delivery SET not_before = now() FROM draft WHERE draft.id = draft_id AND bot_id = %s "
                    "AND delivery.status = 'retry'", self.bot.pk)  # fmt: skip
            deliver.dispatch()

    def work(self) -> None:
        """A worker of RQ takes the jobs, until there are none."""
        queue = django_rq.get_queue("deliver")
        before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
        with worker():
            Worker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")
        for sign, handler in before.items():
            signal.signal(sign, handler)

    def end(self) -> None:
        """Whatever is open is decided, settled, delivered, fed and counted."""
        titles = {draft_id: question[7:] for question, draft_id in self.answers.items() if question[:7] == "submit "}
        for draft in Draft.objects.filter(bot=self.bot, status__in=("waiting", "claimed")).order_by("id"):
            self.decide(titles[draft.pk], round=draft.round)
        until = time.monotonic() + SECONDS
        while not self.over():
            assert time.monotonic() < until, [vars(delivery) for delivery in self.deliveries("held", "queued", "retry")]
            self.settle()
            for failed in self.deliveries("failed"):
                queues.set_endpoint(self.queue, self.url)
                deliver.send_again(failed.pk, by=self.lead)
            self.due()
            if self.deliveries("queued"):
                self.work()
            with worker():
                settle.feed_final()
                rollup.fold()

    def over(self) -> bool:
        """Nothing is owed any more, and all of it is fed and counted."""
        owed = by_hand(
            "SELECT EXISTS (SELECT FROM hold JOIN decision ON decision.id = decision_id JOIN draft d ON d.id = draft_id"
            "  WHERE d.bot_id = %(bot)s)"
            " OR EXISTS (SELECT FROM delivery JOIN draft d ON d.id = draft_id"
            "  WHERE d.bot_id = %(bot)s AND delivery.status NOT IN ('delivered', 'cancelled'))"
            " OR (SELECT coalesce(max(seq), 0) FROM feed) > (SELECT coalesce(max(seq), 0) FROM watermark)",
            bot=self.bot.pk,
        )
        return not owed[0][0]


# The chapters


def plain(life: Life) -> None:
    """One reply, all the way."""
    life.submit("reply")
    life.submit("reply")
    life.next()
    life.decide("reply")


def label(life: Life) -> None:
    life.label("label")
    life.decide("label", "edit", text="negative")


def message(life: Life) -> None:
    life.submit("reply")
    life.message("reply", "m2")
    life.withdraw("reply")


def replace_waiting(life: Life) -> None:
    life.submit("reply")
    life.replace("reply", "newer")


def replace_claimed(life: Life) -> None:
    life.submit("reply")
    life.open(life.id_of("reply"))
    life.replace("reply", "newer")


def replace_decided(life: Life) -> None:
    life.submit("reply")
    life.decide("reply")
    life.replace("reply", "newer")


def withdraw_claimed(life: Life) -> None:
    life.submit("reply")
    life.open(life.id_of("reply"))
    life.withdraw("reply")


def withdraw_decided(life: Life) -> None:
    life.submit("reply")
    life.decide("reply")
    life.withdraw("reply")


def ahead(life: Life) -> None:
    """One on the screen, one ahead; given back, the one ahead is shown."""
    life.submit("first")
    life.submit("second")
    life.next()
    life.next(lease.AHEAD)
    for verb in (lease.renew, lease.release, lease.skip):
        if shown := life.shown():  # skipped before this life was cut off, nothing is
            verb(**shown)


def lapse(life: Life) -> None:
    """A lease ends, and the agent goes on; it ends again, and another agent has the draft."""
    life.submit("reply")
    shown = life.shown()
    life.lapse()
    with suppress(Refused):
        lease.renew(**shown)
    life.lapse()
    life.next(by=life.other)
    by_hand("UPDATE draft SET lease_until = now() - interval '1 s' WHERE holder_id = %s", life.other.pk)
    life.lapse()


def from_postgres(life: Life) -> None:
    """Redis lost the order, and offers what does not wait."""
    life.submit("reply")
    forget()
    life.next()
    ghost = Draft.objects.get(pk=life.id_of("reply"))
    ready.put([(ghost.pk, ghost.lane_id, 0)])
    life.submit("second")
    life.next(by=life.other)
    by_hand("UPDATE draft SET lease_until = now() - interval '1 s' WHERE holder_id = %s", life.other.pk)
    life.lapse()


def pick(life: Life) -> None:
    """What is picked from the list makes room for itself; then the one ahead is picked."""
    for title in ("first", "second", "third"):
        life.submit(title)
    life.next()
    life.next(lease.AHEAD)
    life.open(life.id_of("third"))
    life.open(life.id_of("first"))


def edit(life: Life) -> None:
    """An edit, with another draft ahead; undone, and edited again."""
    for title in ("edited", "second", "third"):
        life.submit(title)
    life.open(life.id_of("edited"))
    life.next(lease.AHEAD)
    life.decide("edited", "edit", text=f"A person of {life.name} wrote this.", reasons=["wrong-facts"], note="No.")
    life.next(lease.AHEAD)
    life.undo("edited")
    life.decide("edited", "edit", 2, text=f"A person of {life.name} wrote that.")


def reject(life: Life) -> None:
    life.submit("reply")
    life.decide("reply", "reject", reasons=["wrong-facts"], note="Not so.")


def late(life: Life) -> None:
    """The lease ended while the agent read, and nobody else took the draft."""
    life.submit("reply")

    def ask() -> int:
        form = life.open(life.id_of("reply"))
        life.lapse()
        return decide.approve(life.id_of("reply"), **form, decision_key=uuid5(NAMESPACE_OID, f"{life.name} late")).pk

    life.once("late", ask)


def at_once(life: Life) -> None:
    """A queue without a hold."""
    life.submit("reply")
    life.decide("reply")


def retried(life: Life) -> None:
    """Held longer, then sent; the receiver answers 500 once."""
    life.submit("reply")
    life.decide("reply")
    life.hold_longer("reply")
    life.send_now("reply")
    life.work()


def failed(life: Life) -> None:
    """The receiver answers the last attempt with 500, and a lead has it sent again."""
    life.submit("reply")
    life.decide("reply")
    life.settle()
    by_hand("UPDATE delivery SET attempts = 10 WHERE draft_id = %s AND attempts < 10", life.id_of("reply"))
    life.due()
    life.work()


def gone(life: Life) -> None:
    """The receiver answers 410, which disables it, until an operator sets it again."""
    life.submit("reply")
    life.decide("reply")
    life.settle()
    life.due()
    life.work()


def lost(life: Life) -> None:
    """The job is lost; then a worker dies while it sends."""
    life.submit("reply")
    life.decide("reply")
    life.settle()
    life.due()
    life.due()
    for delivery in life.deliveries("queued"):
        with suppress(points.Crash), points.armed("raise deliver.deliver_now: POST"), worker():
            deliver.deliver_now(delivery.pk, delivery.epoch)


def without_redis(life: Life) -> None:
    """Nobody can carry the delivery."""
    life.submit("reply")
    life.decide("reply")
    life.settle()
    later._courier.resting_until = time.monotonic() + 60
    life.due()
    later._courier.resting_until = 0


def opted_out(life: Life) -> None:
    """The customer wants no machine's answer, and says so while it is on its way."""
    life.submit("reply")
    life.decide("reply")
    by_hand("UPDATE customer SET opted_out_at = now() WHERE ref = %s", f"{life.name} reply")


def order(life: Life) -> None:
    """The beat keeps the order in Redis complete."""
    life.submit("reply")
    forget()
    with worker():
        index.refresh()
        index.refresh()
        index.rebuild()


def count(life: Life) -> None:
    """What was counted once is counted on."""
    life.label("first")
    life.end()
    life.label("second")


CHAPTERS: dict[str, Callable[[Life], None]] = {
    chapter.__name__: chapter
    for chapter in (
        plain, label, message, replace_waiting, replace_claimed, replace_decided, withdraw_claimed, withdraw_decided,
        ahead, lapse, from_postgres, pick, edit, reject, late, at_once, retried, failed, gone, lost, without_redis,
        opted_out, order, count,
    )
}  # fmt: skip


def live(life: Life) -> None:
    """From the beginning, or from where it was cut off, to the end."""
    CHAPTERS[life.chapter](life)
    life.end()


def broken(life: Life, posts: list[tuple[str, bytes, dict[str, str]]]) -> list[str]:
    """What a life that has ended shows of broken promises: its notes and the receiver's posts against the database."""
    found = [f"{promise}: {rows}" for promise, sql in PROMISES.items()
             if (rows := by_hand(sql, bot=life.bot.pk))]  # fmt: skip
    stored = dict(by_hand("SELECT id, external_id FROM draft WHERE bot_id = %(bot)s", bot=life.bot.pk))
    decided = dict(by_hand("SELECT decision.id, outcome FROM decision JOIN settlement ON decision_id = decision.id"))
    for question, answer in life.answers.items():
        what, _, title = question.partition(" ")
        if what == "submit" and stored.get(answer) != f"{life.name} {title}":
            found.append(f"lost: {question} {answer}")
        if what == "decide" and answer["decision"] not in decided:
            found.append(f"lost: {question} {answer}")
        if what in ("undo", "send") and decided[answer] != {"undo": "undone", "send": "final"}[what]:
            found.append(f"taken back: {question} {answer}")
    return found + _arrivals(life, posts)


def _arrivals(life: Life, posts: list[tuple[str, bytes, dict[str, str]]]) -> list[str]:
    found = []
    owed = {
        external_id: (f"msg_{delivery}", text, status)
        for external_id, delivery, text, status in by_hand(
            "SELECT external_id, delivery.id, text, delivery.status FROM delivery JOIN draft ON draft.id = draft_id"
            " JOIN decision ON decision.id = decision_id JOIN vote ON vote.id = by_vote_id JOIN body ON body.id ="
            " final_id JOIN settlement USING (decision_id) WHERE bot_id = %(bot)s AND outcome = 'final'",
            bot=life.bot.pk,
        )
    }
    arrived = set()
    for webhook_id, body, _ in posts:
        data = json.loads(body)["data"]
        if not data["external_id"].startswith(f"{life.name} "):
            continue
        arrived.add(data["external_id"])
        if owed.get(data["external_id"], ())[:2] != (webhook_id, data["text"]):
            found.append(f"not decided, or altered, or under two ids: {webhook_id} {data}")
    missing = {external_id for external_id, (_, _, status) in owed.items() if status == "delivered"} - arrived
    return found + [f"never arrived: {external_id}" for external_id in sorted(missing)]


# Promise -> the rows that break it.
PROMISES = {
    "every draft comes to an end": """
        SELECT id, status FROM draft WHERE bot_id = %(bot)s AND status NOT IN ('decided', 'withdrawn')""",
    "one final decision a draft": """
        SELECT draft_id, count(*) FROM decision JOIN settlement ON decision_id = decision.id
        JOIN draft ON draft.id = draft_id
        WHERE bot_id = %(bot)s AND outcome = 'final' GROUP BY 1 HAVING count(*) > 1""",
    "a decided draft has a final decision of its round": """
        SELECT draft.id FROM draft WHERE bot_id = %(bot)s AND draft.status = 'decided' AND NOT EXISTS (
          SELECT FROM decision JOIN settlement ON decision_id = decision.id
          WHERE draft_id = draft.id AND decision.round = draft.round AND outcome = 'final')""",
    "what is final is fed, and nothing else": """
        SELECT decision.id FROM decision JOIN settlement ON decision_id = decision.id
        JOIN draft ON draft.id = draft_id LEFT JOIN feed ON feed.decision_id = decision.id
        WHERE bot_id = %(bot)s AND (outcome = 'final') <> (seq IS NOT NULL)""",
    "the feed has no gap": "SELECT max(seq), count(*) FROM feed HAVING max(seq) <> count(*)",
    "a final text is owed to the endpoint; an undone one to nobody": """
        SELECT decision.id, outcome, delivery.status FROM decision JOIN settlement ON decision_id = decision.id
        JOIN draft ON draft.id = draft_id LEFT JOIN delivery ON delivery.decision_id = decision.id
        JOIN customer ON customer.id = draft.customer_id
        WHERE bot_id = %(bot)s AND draft.conversation_id IS NOT NULL AND decision.verdict <> 'rejected'
          AND coalesce(delivery.status, 'none') <> CASE WHEN outcome = 'final' AND opted_out_at IS NULL
            THEN 'delivered' ELSE 'cancelled' END""",
    "the board counts the feed": """
        SELECT counted, fed FROM
          (SELECT coalesce(sum(approved + edited + rejected), 0) AS counted FROM source_day
           JOIN source ON source.id = source_id WHERE bot_id = %(bot)s) AS board,
          (SELECT count(*) AS fed FROM feed JOIN decision ON decision.id = decision_id
           JOIN draft ON draft.id = draft_id WHERE bot_id = %(bot)s) AS feed
        WHERE counted <> fed""",
    "each write has its log line": """
        SELECT draft.id, draft.epoch FROM draft WHERE bot_id = %(bot)s AND NOT EXISTS (
          SELECT FROM event WHERE kind = 'draft.submitted' AND ids @> jsonb_build_object('draft', draft.id))""",
}


# Hands


class Worker(later.Worker):
    """Without RQ's channel for orders to workers: leaving it takes 0.4 s."""

    def subscribe(self) -> None:
        pass

    def unsubscribe(self) -> None:
        pass


@contextmanager
def worker() -> Iterator[None]:
    """What the beat and RQ's workers do, with their rights."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reviewqueue_worker")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reviewqueue_app")


def by_hand(sql: str, *params: Any, **named: Any) -> list[tuple[Any, ...]]:
    """The hand of the test in the database: no role's right is in its way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("SET ROLE postgres")
        cursor.execute(sql, params or named)
        rows = cursor.fetchall() if cursor.description else []
        cursor.execute(f"SET ROLE {role}")
    return rows


def forget() -> None:
    """Redis loses everything."""
    ready._redis.client.flushall()
