"""The queue against a model of what it has promised: random histories over the real actions, on real PostgreSQL and
Redis.

The model remembers what was answered, in plain Python, and nothing else. After each step the four promises must hold:
nothing answered is lost, a round has one decision, nothing leaves without a final decision, and what leaves is what was
decided, under one id.
"""

import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import django_rq
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reviewqueue import later, ready
from reviewqueue.actions import claim, conversation, decide, deliver, handover, index, lease, rollup, settle, write
from reviewqueue.actions.submit import submit
from reviewqueue.actions.withdraw import withdraw
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Decision, Delivery, Draft, User
from tests.factories import make_agent, make_bot, make_content, make_endpoint, make_queue
from tests.proof import points
from tests.proof.life import by_hand, worker

# The times that rules look at, to be made older, and where somebody still looks at them.
TIMES = {
    "draft": (["lease_until"], "lease_until IS NOT NULL"),
    "hold": (["until"], "true"),
    "delivery": (["not_before", "deadline"], "status NOT IN ('delivered', 'cancelled')"),
    "skip": (["until"], "until > now()"),
}

# The points at which the next action may be cut off: those of the verbs that the rules use.
VERBS = (
    "submit.",
    "withdraw.",
    "claim.",
    "lease.",
    "decide.",
    "settle.",
    "deliver.",
    "conversation.",
    "rollup.",
    "handover.",
    "write.",
)


class Model(RuleBasedStateMachine):
    """Rules pick what they act on by number, so that each is possible at any time; a refusal is an answer too."""

    points: list[str] = []
    receiver: Any = None

    @initialize()
    def begin(self) -> None:
        self.name = uuid4().hex[:12]
        make_queue(self.name, hold_seconds=60, lease_seconds=60)
        make_endpoint(self.receiver.url, self.name)
        self.bot = make_bot(self.name)
        roles = ("agent", "agent", "lead")
        self.agents = [make_agent(f"{self.name}-{n}", role=role, queues=(self.name,)) for n, role in enumerate(roles)]
        self.submitted: dict[str, int] = {}  # external_id -> draft
        self.stated: dict[str, dict[str, Any]] = {}  # external_id -> what the bot said, answered or not
        self.forms: list[tuple[int, User, dict[str, Any]]] = []  # (draft, agent, what the page would post)
        self.decided: dict[int, tuple[int, str | None]] = {}  # decision -> (draft, text that may leave)
        self.asked: list[tuple[int, User, dict[str, Any], str, str]] = []  # decisions asked for: to be asked again
        self.words: dict[UUID, tuple[str, str]] = {}  # decision_key -> what was asked for
        self.texts: dict[str, set[str]] = {}  # external_id -> texts that an agent asked to be sent
        self.own: dict[str, int] = {}  # external_id -> draft that a person began
        self.undone: set[int] = set()
        self.sent: set[int] = set()  # decisions that were final to somebody
        self.gone: set[int] = set()  # drafts that the bot took back
        self.unsent: set[int] = set()  # decisions whose receiver was gone, before it came back for the end
        self.jobs: list[tuple[int, int]] = []  # what workers were once given: (delivery, epoch)
        self.crash = ""
        self.receiver.posts.clear()
        self.receiver.answers.clear()
        django_rq.get_queue("deliver").connection.flushall()
        ready._redis.resting_until = later._courier.resting_until = 0.0
        for agent in range(3):
            self.review(agent, "approve")

    # The bot

    @rule(pick=st.integers(0, 3), other=st.booleans())
    def submit(self, pick: int, other: bool) -> None:
        """A new draft; or one that was handed in, again, or under the same name with other content."""
        names = list(self.stated)
        if pick == 0 and names:
            content = self.stated[names[-1]]
            if other:
                content = content | {"reply": {"text": "Something else."}}
        else:
            content = self._content(f"d{len(names)}")
        self._hand_in(content)

    @rule(pick=st.integers(0, 9))
    def supersede(self, pick: int) -> None:
        if name := _of(self.submitted, pick):
            old = self.stated[name]
            content = self._content(f"d{len(self.stated)}", conversation=old["conversation"], customer=old["customer"])
            self._hand_in(content | {"supersedes": name})

    def _content(self, name: str, **changes: Any) -> dict[str, Any]:
        return make_content(
            external_id=f"{self.name}-{name}", queue=self.name, reply={"text": f"Answer {name}."}, **changes
        )

    def _hand_in(self, content: dict[str, Any]) -> None:
        name = content["external_id"]
        self.stated.setdefault(name, content)
        answer = self._do(submit, content, content, bot=self.bot)
        if answer is None:
            return
        assert content == self.stated[name], "other content passed for the same"
        assert self.submitted.setdefault(name, answer.draft.pk) == answer.draft.pk, "one name, two drafts"
        if content["supersedes"]:
            old = Draft.objects.get(pk=self.submitted[content["supersedes"]])
            asked_for = Decision.objects.filter(draft=old, verdict="returned", settlement__outcome="final").exists()
            if not asked_for:
                self.gone.add(old.pk)

    @rule(pick=st.integers(0, 9))
    def withdraw(self, pick: int) -> None:
        if (draft_id := _of(list(self.submitted.values()), pick)) and self._do(withdraw, draft_id, bot=self.bot):
            self.gone.add(draft_id)

    @rule(pick=st.integers(0, 9))
    def customer_message(self, pick: int) -> None:
        if name := _of(self.submitted, pick):
            said = {"id": uuid4().hex, "author": "customer", "text": "Hello?", "sent_at": None}
            self._do(conversation.add_messages, self.stated[name]["conversation"]["id"], [said], bot=self.bot)

    # The agents

    @rule(agent=st.integers(0, 2), slot=st.sampled_from([lease.SHOWN, lease.SHOWN, lease.AHEAD]))
    def claim_next(self, agent: int, slot: int) -> None:
        self._open(self._do(claim.claim_next, by=self.agents[agent], slot=slot), self.agents[agent])

    @rule(agent=st.integers(0, 2), pick=st.integers(0, 9))
    def claim_one(self, agent: int, pick: int) -> None:
        if draft_id := _of(list(self.submitted.values()), pick):
            self._open(self._do(claim.claim, draft_id, by=self.agents[agent]), self.agents[agent])

    def _open(self, draft: Draft | None, by: User) -> None:
        if draft is not None:
            rev = draft.conversation.rev if draft.conversation else None
            form = {"epoch": draft.epoch, "seen": bytes(draft.digest), "rev": rev, "decision_key": uuid4()}
            self.forms.append((draft.pk, by, form))

    @rule(verb=st.sampled_from([lease.renew, lease.renew, lease.release, lease.skip]), pick=st.integers(0, 4))
    def keep_or_give_back(self, verb: Callable[..., Any], pick: int) -> None:
        if form := _of(self.forms[::-1], pick):
            self._do(verb, form[0], by=form[1], epoch=form[2]["epoch"])

    @rule(pick=st.integers(0, 4), to=st.integers(0, 2), kind=st.sampled_from(["escalate", "hand_over", "ask_help"]))
    def give_away(self, pick: int, to: int, kind: str) -> None:
        """To the leads or to a colleague: who gave it away decides it no more, unless it comes back."""
        if form := _of(self.forms[::-1], pick):
            more = {"reason": "legal"} if kind == "escalate" else {"to": self.agents[to].pk, "note": "Yours?"}
            self._do(getattr(handover, kind), form[0], by=form[1], epoch=form[2]["epoch"], **more)

    @rule(by=st.integers(0, 2), pick=st.integers(0, 9))
    def take_over(self, by: int, pick: int) -> None:
        if draft_id := _of(list(self.submitted.values()), pick):
            self._open(self._do(handover.take_over, draft_id, by=self.agents[by]), self.agents[by])

    @rule(seats=st.integers(1, 2))
    def careful(self, seats: int) -> None:
        """From now on so many judge each draft."""
        make_queue(self.name, seats=seats)

    @rule(by=st.integers(0, 2), pick=st.integers(0, 9))
    def write(self, by: int, pick: int) -> None:
        """An answer without AI is handed in by nobody, and kept like what was."""
        if draft_id := _of(list(self.submitted.values()), pick):
            own = self._do(write.write, draft_id, by=self.agents[by])
            if own is not None:
                self.own[own.external_id] = own.pk
                self._open(own, self.agents[by])

    @rule(pick=st.integers(0, 4), verb=st.sampled_from(["approve", "edit", "reject", "return_to_bot"]))
    def decide(self, pick: int, verb: str) -> None:
        """By a page that is on the screen, or was: in time or late, under an epoch that holds or is over."""
        if form := _of(self.forms[::-1], pick):
            self._decide(*form, verb, f"A person wrote {len(self.asked)}.")

    @rule(pick=st.integers(0, 2))
    def decide_again(self, pick: int) -> None:
        """The same request once more, since its answer was lost or the button pressed twice."""
        if asked := _of(self.asked[::-1], pick):
            self._decide(*asked)

    @rule(pick=st.integers(0, 4), by=st.integers(0, 2), epoch=st.integers(-1, 1))
    def decide_out_of_turn(self, pick: int, by: int, epoch: int) -> None:
        """Another agent, or another epoch: only who holds the draft decides."""
        if form := _of(self.forms[::-1], pick):
            forged = form[2] | {"epoch": form[2]["epoch"] + epoch, "decision_key": uuid4()}
            self._decide(form[0], self.agents[by], forged, "approve", "")

    def _decide(self, draft_id: int, by: User, form: dict[str, Any], verb: str, text: str) -> None:
        # A page asks again in the same words.
        verb, text = self.words.setdefault(form["decision_key"], (verb, text))
        told = {"edit": {"text": text}, "reject": {"reasons": ["wrong-facts"]}, "return_to_bot": {"note": "Again."}}
        more = told.get(verb, {})
        before = Draft.objects.get(pk=draft_id)
        name = before.external_id
        known = set(Decision.objects.filter(draft=draft_id).values_list("pk", flat=True))
        self.asked.append((draft_id, by, form, verb, text))
        machine = self.stated[name]["reply"]["text"] if name in self.stated else ""
        sent = {"edit": text, "approve": machine}.get(verb)
        self.texts.setdefault(name, set()).add(sent or "")
        decision = self._do(getattr(decide, verb), draft_id, by=by, **form, **more)
        if decision is None:
            return
        if decision.pk not in known:
            holder = before.holder_id if before.status == "claimed" else before.last_holder_id
            assert (holder, before.epoch) == (by.pk, form["epoch"]), "decided by somebody who did not hold it"
            assert before.status in ("claimed", "waiting"), f"decided although {before.status}"
            assert bytes(before.digest) == form["seen"], "decided on a text that was not seen"
        stored = self.decided.setdefault(decision.pk, (draft_id, sent))
        assert stored == (draft_id, sent), "the same key, another decision"

    @rule(pick=st.integers(0, 4))
    def undo(self, pick: int) -> None:
        if decision := _of(list(self.decided)[::-1], pick):
            by = Decision.objects.select_related("by_agent").get(pk=decision).by_agent
            draft = self._do(settle.undo, decision, by=by)
            if draft is not None:
                assert decision not in self.sent, "undone after it was sent"
                self.undone.add(decision)
                self._open(draft, by)

    @rule(pick=st.integers(0, 4))
    def send_now(self, pick: int) -> None:
        if decision := _of(list(self.decided)[::-1], pick):
            by = Decision.objects.select_related("by_agent").get(pk=decision).by_agent
            if self._do(settle.send_now, decision, by=by, done=True):
                assert decision not in self.undone, "sent after it was undone"
                self.sent.add(decision)

    @rule(pick=st.integers(0, 4))
    def hold_longer(self, pick: int) -> None:
        if decision := _of(list(self.decided)[::-1], pick):
            by = Decision.objects.select_related("by_agent").get(pk=decision).by_agent
            if self._do(settle.hold_longer, decision, by=by, done=True):
                assert decision not in self.undone | self.sent, "held although it was settled"

    # The house

    @rule(step=st.sampled_from([settle.settle_due, deliver.dispatch, deliver.sweep, lease.lapse]))
    def beat(self, step: Callable[[], int]) -> None:
        with worker():
            self._do(step)

    @rule(step=st.sampled_from([settle.feed_final, rollup.fold, index.rebuild, index.refresh]))
    def slow_beat(self, step: Callable[[], int]) -> None:
        with worker():
            self._do(step)

    @rule(seconds=st.sampled_from([5, 50, 100, 600]))
    def advance_time(self, seconds: int) -> None:
        self._age(seconds)

    @rule(pick=st.integers(0, 4))
    def stall(self, pick: int) -> None:
        """An agent does nothing for longer than the lease."""
        if form := _of(self.forms[::-1], pick):
            by_hand("UPDATE draft SET lease_until = now() - interval '1 s' WHERE id = %s AND status = 'claimed'",
                    form[0])  # fmt: skip

    # Redis and the workers

    @rule()
    def flush_redis(self) -> None:
        ready._redis.client.flushall()

    @rule(pick=st.integers(0, 9), lane=st.integers(0, 2))
    def poison_redis(self, pick: int, lane: int) -> None:
        """A draft that does not wait, or is not there, or lies elsewhere, at the head of the lane."""
        draft_id = _of(list(self.submitted.values()), pick) or 10**9
        lanes = list(Draft.objects.filter(bot=self.bot).values_list("lane_id", flat=True)[:1])
        for lane_id in lanes:
            ready.put([(draft_id if lane else 10**9 + pick, lane_id, 0)])

    def _pop(self) -> tuple[int, int] | None:
        """The next job out of RQ's queue, as a worker takes it."""
        queue = django_rq.get_queue("deliver")
        job_id = queue.connection.lpop(queue.key)
        if job_id is None:
            return None
        job = later.OurJob.fetch(job_id.decode(), connection=queue.connection, serializer=queue.serializer)
        self.jobs.append((job.args[0], job.args[1]))
        return self.jobs[-1]

    @rule(answer=st.sampled_from([204, 204, 204, 500, 410, "lost"]))
    def run_job(self, answer: int | str) -> None:
        """A worker takes a job; the receiver takes it well or badly, or its answer is lost."""
        if job := self._pop():
            self._run(job, answer)

    @rule()
    def lose_job(self) -> None:
        self._pop()

    @rule(pick=st.integers(0, 4))
    def old_job(self, pick: int) -> None:
        """A job that was run before, is run a second time or late, under an epoch that is over."""
        if job := _of(self.jobs[::-1], pick):
            self._run(job, 204)

    def _run(self, job: tuple[int, int], answer: int | str) -> None:
        self.receiver.answers[:] = [answer] if isinstance(answer, int) else []
        with worker():
            if answer == "lost":
                self.crash = "deliver.deliver_now: after POST"
            self._do(deliver.deliver_now, *job)
        self.receiver.answers.clear()

    @rule(data=st.data())
    def crash_at(self, data: st.DataObject) -> None:
        """The next action ends at this point, if it comes to it."""
        self.crash = data.draw(st.sampled_from([point for point in self.points if point.startswith(VERBS)]))

    # What happens most of the time, in one step: else few histories come as far as a second attempt

    @rule(agent=st.integers(0, 2), verb=st.sampled_from(["approve", "edit"]))
    def review(self, agent: int, verb: str) -> None:
        """A draft is handed in, claimed and decided."""
        self.submit(1, False)
        self.claim_next(agent, lease.SHOWN)
        self.decide(0, verb)

    @rule(verb=st.sampled_from(["approve", "edit", "reject"]), third=st.booleans())
    def review_by_two(self, verb: str, third: bool) -> None:
        """A draft is judged by one, by another, and, where they disagree, by the lead."""
        self.careful(2)
        self.submit(1, False)
        self.careful(1)
        newest = len(self.submitted) - 1
        for agent, says in ((0, "approve"), (1, verb), *([(2, "edit")] if third else [])):
            before = len(self.forms)
            self.claim_one(agent, newest)
            if len(self.forms) > before:
                self.decide(0, says)

    @rule(by=st.integers(0, 2))
    def answer_by_hand(self, by: int) -> None:
        """A person writes without AI beside the newest draft."""
        before = len(self.forms)
        self.write(by, len(self.submitted) - 1)
        if len(self.forms) > before:
            self.decide(0, "edit")

    @rule(answer=st.sampled_from([204, 500, "lost", None]))
    def send(self, answer: int | str | None) -> None:
        """What is held or waits for its next attempt is due; a worker takes the first job, or it is lost."""
        self._age(400)
        for step in (settle.settle_due, deliver.sweep, deliver.dispatch):
            self.beat(step)
        if answer is None:
            self._pop()
        else:
            self.run_job(answer)

    # The promises

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "name"):
            return
        ((stored, settled, broken),) = by_hand(STATE, bot=self.bot.pk, own=list(self.own), unsent=list(self.unsent))
        drafts, decisions = json.loads(stored), json.loads(settled)
        assert not broken, broken
        for name, draft_id in {**self.submitted, **self.own}.items():
            assert drafts.get(name, {}).get("id") == draft_id, f"{name} is lost"
        for draft_id in self.gone:
            assert draft_id in {draft["id"] for draft in drafts.values() if draft["status"] == "withdrawn"}
        for decision in self.decided:
            assert str(decision) in decisions, f"decision {decision} is lost"
        for decision in self.undone:
            assert decisions[str(decision)]["outcome"] == "undone", f"decision {decision} is undone no more"
        for decision in self.sent:
            assert decisions[str(decision)]["outcome"] == "final", f"decision {decision} is final no more"
        self._arrived(decisions)

    def _arrived(self, decisions: dict[str, Any]) -> None:
        by_draft = {d["name"]: d for d in decisions.values() if d["outcome"] == "final"}
        ids: dict[str, str] = {}
        for webhook_id, data in zip(self.receiver.ids(), self.receiver.datas(), strict=True):
            name = data["external_id"]
            assert name in by_draft, f"{name} was sent without a final decision"
            assert data["text"] == by_draft[name]["text"], f"{name} was sent with another text than decided"
            assert data["text"] in self.texts[name], f"{name} was sent with a text that nobody asked for"
            assert ids.setdefault(name, webhook_id) == webhook_id, f"{name} was sent under two ids"

    def teardown(self) -> None:
        """Nothing that is owed is forgotten: with a good receiver and time, all of it arrives."""
        if not hasattr(self, "name"):
            return
        self.crash = ""
        self.unsent = {decision for (decision,) in by_hand(UNSENT)}
        for _ in range(20):
            self._age(100_000)
            ready._redis.resting_until = later._courier.resting_until = 0.0
            by_hand("UPDATE endpoint SET disabled_at = NULL")
            for failed in Delivery.objects.filter(status="failed"):
                self._do(deliver.send_again, failed.pk, by=self.agents[0])
            with worker():
                for step in (settle.settle_due, deliver.sweep, deliver.dispatch, settle.feed_final, rollup.fold):
                    self._do(step)
            while job := self._pop():
                self._run(job, 204)
            if not by_hand(OWED, bot=self.bot.pk, own=list(self.own)):
                break
        assert by_hand(OWED, bot=self.bot.pk, own=list(self.own)) == []
        assert by_hand(UNFED, bot=self.bot.pk, own=list(self.own)) == []
        self.promises_hold()

    # Hands

    def _do(self, act: Callable[..., Any], *args: Any, done: bool = False, **options: Any) -> Any:
        """What the action answers (`done` where that is nothing); None where it was refused, or cut off."""
        crash, self.crash = self.crash, ""
        try:
            with _cut(crash):
                answer = act(*args, **options)
                return done or answer
        except (Refused, ready.Away):
            return None
        except points.Crash:
            connection.close()  # as the end of a process does
            return None

    def _age(self, seconds: int) -> None:
        for table, (columns, watched) in TIMES.items():
            changes = ", ".join(f"{column} = {column} - {seconds} * interval '1 s'" for column in columns)
            by_hand(f"UPDATE {table} SET {changes} WHERE {watched}")


@contextmanager
def _cut(point: str) -> Any:
    if not point:
        yield
        return
    with points.armed(f"raise {point}"):
        yield


def _of(things: Any, number: int) -> Any:
    """One of them, by any number; None where there are none."""
    things = list(things)
    return things[number % len(things)] if things else None


STATE = """
WITH ours AS MATERIALIZED (SELECT * FROM draft WHERE bot_id = %(bot)s OR external_id = ANY (%(own)s)),
decided AS MATERIALIZED (
  SELECT decision.id, ours.id AS draft_id, external_id, decision.round, outcome, text, seq FROM ours
  JOIN decision ON decision.draft_id = ours.id JOIN vote ON vote.id = by_vote_id
  LEFT JOIN body ON body.id = vote.final_id
  LEFT JOIN settlement ON settlement.decision_id = decision.id LEFT JOIN feed ON feed.decision_id = decision.id)
SELECT
  (SELECT coalesce(jsonb_object_agg(external_id, jsonb_build_object('id', id, 'status', status)), '{}') FROM ours),
  (SELECT coalesce(jsonb_object_agg(
     id, jsonb_build_object('outcome', outcome, 'text', text, 'name', external_id)), '{}') FROM decided),
  concat_ws('; ',
    (SELECT 'decided twice: ' || min(draft_id) FROM decided WHERE outcome IS DISTINCT FROM 'undone'
     GROUP BY draft_id HAVING count(*) > 1 LIMIT 1),
    (SELECT 'on its way without a final decision: ' || min(delivery.id) FROM delivery JOIN decided ON decided.id =
     decision_id WHERE status NOT IN ('held', 'cancelled') AND outcome IS DISTINCT FROM 'final' HAVING count(*) > 0),
    (SELECT 'decided, and nothing is owed: ' || min(decided.id) FROM decided WHERE text IS NOT NULL AND outcome
     IS DISTINCT FROM 'undone' AND NOT EXISTS (SELECT FROM delivery WHERE decision_id = decided.id AND status <>
     'cancelled') AND NOT EXISTS (SELECT FROM endpoint WHERE disabled_at IS NOT NULL)
     AND decided.id <> ALL (%(unsent)s::bigint[]) HAVING count(*) > 0),
    (SELECT 'fed, not final: ' || min(id) FROM decided WHERE seq IS NOT NULL AND outcome IS DISTINCT FROM 'final'
     HAVING count(*) > 0),
    (SELECT 'seats that do not agree: ' || min(decided.id) FROM decided JOIN decision USING (id) WHERE seats > 1
     AND NOT EXISTS (SELECT FROM vote WHERE vote.id = by_vote_id AND seat > seats) AND (SELECT count(*) FROM vote WHERE
     vote.draft_id = decided.draft_id AND vote.round = decided.round AND verdict = 'approved') < seats
     HAVING count(*) > 0),
    (SELECT 'written, and not by hand: ' || min(vote.id) FROM vote JOIN ours ON ours.id = vote.draft_id WHERE
     (verdict = 'written') <> (origin = 'agent' AND final_id IS NOT NULL) HAVING count(*) > 0),
    (SELECT 'a gap in the feed' FROM feed HAVING max(seq) <> count(*)))
"""

UNSENT = """
SELECT id FROM decision WHERE EXISTS (SELECT FROM endpoint WHERE disabled_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM delivery WHERE decision_id = decision.id AND status <> 'cancelled')
"""

OWED = """
SELECT delivery.id, delivery.status FROM delivery JOIN draft ON draft.id = draft_id
WHERE (bot_id = %(bot)s OR external_id = ANY (%(own)s)) AND delivery.status NOT IN ('delivered', 'cancelled')
"""

UNFED = """
SELECT decision.id FROM decision JOIN settlement ON decision_id = decision.id JOIN draft ON draft.id = draft_id
WHERE (bot_id = %(bot)s OR external_id = ANY (%(own)s)) AND outcome = 'final'
  AND NOT EXISTS (SELECT FROM feed WHERE decision_id = decision.id)
"""
