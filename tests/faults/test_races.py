"""Two want the same at one moment: real threads, a real PostgreSQL and a real Redis, and one winner every time."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from redis import Redis
from rq.serializers import JSONSerializer

from reviewqueue import later, ready
from reviewqueue.actions import claim, conversation, decide, deliver, handover, lease, settle, withdraw, write
from reviewqueue.actions.submit import submit, submit_all
from reviewqueue.actions.wave import HandedIn
from reviewqueue.lifecycle import Refused
from reviewqueue.models import (
    Body,
    Bot,
    Conversation,
    Customer,
    Decision,
    Delivery,
    Draft,
    Event,
    Handover,
    Hold,
    Message,
    Settlement,
    Submission,
    User,
    Vote,
)
from tests.actions.conftest import by_worker
from tests.factories import make_agent, make_bot, make_content, make_decision, make_draft, make_endpoint, make_queue
from tests.factories import seen as form_of
from tests.proof.races import each_won, track
from tests.receiver import Receiver, receiving
from tests.servers import SERVERS

pytestmark = [pytest.mark.usefixtures("committed", "patient"), pytest.mark.timeout(1800)]

LONG_AGO = "2020-01-01T00:00Z"
TYPED = "What a person typed, and must not lose."


@pytest.fixture
def patient(monkeypatch) -> None:
    """Redis may be slow here: on a busy machine a race of many would leave it alone, and race no more."""
    monkeypatch.setattr(ready, "TIMEOUT", 20)
    monkeypatch.setattr(later, "TIMEOUT", 20)
    monkeypatch.setattr(ready, "_redis", ready._Redis())
    monkeypatch.setattr(later, "_courier", later._Courier())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def again(draft: Draft) -> Draft:
    return Draft.objects.get(pk=draft.pk)


def lapse(draft: Draft) -> None:
    """The agent stopped, and the lease is over."""
    Draft.objects.filter(pk=draft.pk, status="claimed").update(lease_until=LONG_AGO)
    by_worker(lease.lapse)


def hand_in(content: dict[str, Any], bot: Any) -> Any:
    return submit(content, content, bot=bot)


def hand_in_many(number: int, bot: Bot) -> list[Draft]:
    """In batches, which are quicker than one by one."""
    contents = [make_content() for _ in range(number)]
    batches = [[HandedIn(content, content) for content in contents[at : at + 100]] for at in range(0, number, 100)]
    return [outcome.draft for batch in batches for outcome in submit_all(batch, bot=bot)]


# --- An agent who stops past the lease --------------------------------------------------------------------------


def has_it(draft: Draft, ann: User, ben: User) -> None:
    claim.claim(draft.pk, by=ben)


def gave_it_back(draft: Draft, ann: User, ben: User) -> None:
    lease.release(draft.pk, by=ben, epoch=claim.claim(draft.pk, by=ben).epoch)


def skipped_it(draft: Draft, ann: User, ben: User) -> None:
    lease.skip(draft.pk, by=ben, epoch=claim.claim(draft.pk, by=ben).epoch)


def let_it_lapse(draft: Draft, ann: User, ben: User) -> None:
    claim.claim(draft.pk, by=ben)
    lapse(draft)


def decided(draft: Draft, ann: User, ben: User) -> Decision:
    return decide.approve(draft.pk, **form_of(claim.claim(draft.pk, by=ben), ben))


def decided_and_undid(draft: Draft, ann: User, ben: User) -> None:
    settle.undo(decided(draft, ann, ben).pk, by=ben)


def it_came_back(draft: Draft, ann: User, ben: User) -> None:
    gave_it_back(draft, ann, ben)
    claim.claim(draft.pk, by=ann)


def it_came_back_and_redis_was_emptied_each_time(draft: Draft, ann: User, ben: User) -> None:
    for agent in (ben, ann):
        ready._redis.client.flushall()
        lapse(draft)
        claim.claim(draft.pk, by=agent)


HANDED_ON = (
    has_it,
    gave_it_back,
    skipped_it,
    let_it_lapse,
    decided,
    decided_and_undid,
    it_came_back,
    it_came_back_and_redis_was_emptied_each_time,
)


def test_who_stopped_past_the_lease_decides_nothing_once_the_draft_was_handed_on_and_keeps_the_text(times):
    """Row 14. Also with the newest epoch, which is not a secret: it is the holder's alone."""
    bot, rounds, refusals = make_bot(), times(50, 200), 0
    for number in range(rounds):
        ann, ben = make_agent(), make_agent()
        draft = claim.claim(make_draft(bot=bot).pk, by=ann)
        form = form_of(draft, ann)
        lapse(draft)
        HANDED_ON[number % len(HANDED_ON)](draft, ann, ben)
        before, votes = Draft.objects.filter(pk=draft.pk).values().get(), Vote.objects.count()
        forms = [form]
        if ann.pk not in (before["holder_id"], before["last_holder_id"]):
            forms.append(form | {"epoch": before["epoch"]})
        for late in forms:
            with pytest.raises(Refused) as refused:
                decide_late(number, draft.pk, late)
            assert refused.value.code in ("lease-lost", "already-decided")
            assert refused.value.facts["text"] == (None if number % 3 == 0 else TYPED)
        assert (Draft.objects.filter(pk=draft.pk).values().get(), Vote.objects.count()) == (before, votes)
        refusals += 1
    assert refusals == rounds


def decide_late(number: int, draft_id: int, form: dict[str, Any]) -> Decision:
    if number % 3 == 0:
        return decide.approve(draft_id, **form)
    if number % 3 == 1:
        return decide.edit(draft_id, text=TYPED, **form)
    return decide.reject(draft_id, reasons=["spam"], note=TYPED, **form)


def test_a_late_decision_against_the_next_claim_has_one_winner(times):
    """Row 14. Ann's lease lapsed and Ben claims at the moment at which she decides: one of them has it, never both."""
    bot, rounds = make_bot(), times(50, 200)
    ann, ben = make_agent(), make_agent()
    with track("late", "next") as two:
        for _ in range(rounds):
            draft = claim.claim(make_draft(bot=bot).pk, by=ann)
            lapse(draft)

            def hers(draft: Draft = draft) -> Decision:
                return decide.edit(draft.pk, text=TYPED, **form_of(draft, ann))

            def his(draft: Draft = draft) -> Decision:
                return decide.approve(draft.pk, **form_of(claim.claim(draft.pk, by=ben), ben))

            answers = two.run(hers, his)
            [decision] = [answer for answer in answers if isinstance(answer, Decision)]
            [refusal] = [answer for answer in answers if isinstance(answer, Refused)]
            assert decision.by_vote.epoch == again(draft).epoch
            if decision.by_agent == ben:
                assert refusal.facts["text"] == TYPED
            two.won("late" if decision.by_agent == ann else "next")
    each_won(two.wins, rounds, "late", "next")


# --- Many agents and many drafts ----------------------------------------------------------------------------------


def claim_all(agent: User) -> list[int]:
    """What the agent was given, until there was nothing more; each is out of the way at once."""
    took = []
    while (draft := claim.claim_next(by=agent)) is not None:
        took.append(draft.pk)
        Draft.objects.filter(pk=draft.pk).update(status="withdrawn", holder=None, slot=None, lease_until=None)
    return took


@pytest.mark.parametrize("path", ["redis", "postgres", "both"])
def test_sixty_four_agents_claim_each_draft_once(times, path, monkeypatch):
    """Row 15. By each path alone, and by both at once: what Redis offers to one, PostgreSQL has given to another."""
    monkeypatch.setattr(claim, "POSTGRES_SHARE", 2 if path == "both" else 10**9)
    if path != "both":
        monkeypatch.setattr(claim, "_by_postgres" if path == "redis" else "_by_redis", lambda *args: None)
    bot = make_bot()
    drafts = {make_draft(bot=bot).pk for _ in range(times(100, 1000))}
    agents = [make_agent() for _ in range(64)]

    with track(*map(str, range(64))) as many:
        shifts = many.run(*[lambda agent=agent: claim_all(agent) for agent in agents])
    took = [draft for shift in shifts for draft in shift]
    assert len(took) == len(drafts)
    assert set(took) == drafts
    assert set(Draft.objects.values_list("epoch", "status")) == {(1, "withdrawn")}
    assert Event.objects.filter(kind="draft.claimed").count() == len(drafts)
    print(f"{len(took)} drafts by {len([shift for shift in shifts if shift])} of 64 agents")
    assert len([shift for shift in shifts if shift]) > 16  # else few raced


def test_whatever_somebody_writes_into_redis_nobody_is_shown_a_foreign_draft(times):
    """Row 39. Four agents claim while somebody puts drafts of another queue, of others and of the past into their
    lanes, ends reservations and empties all, over and over: each gets own waiting drafts, once."""
    make_queue("vip")
    bot, agents = make_bot(), [make_agent() for _ in range(4)]
    own = [make_draft(bot=bot) for _ in range(times(50, 1000))]
    foreign = [make_draft(bot=bot, queue="vip") for _ in range(5)]
    foreign += [make_decision(bot=bot).draft for _ in range(5)]
    foreign += [claim.claim(make_draft(bot=bot).pk, by=make_agent()) for _ in range(5)]
    before = list(Draft.objects.filter(pk__in=[draft.pk for draft in foreign]).order_by("pk").values())
    lane, client, dice = own[0].lane_id, Redis.from_url(SERVERS.redis.url), random.Random(39)
    poisoned = Counter()

    def poison() -> None:
        while Draft.objects.filter(status="waiting", lane=lane).exists():
            ghost = f"{dice.choice(foreign).pk:018d}"
            poisoned["ids"] += client.zadd(f"{{rq}}:lane:{lane}", {ghost: dice.randrange(10)})
            poisoned["reservations"] += client.hset(ready.LANE_OF, ghost, f"{lane} 0")
            client.zadd(ready.OFFERED, {ghost: 0})
            if dice.random() < 0.05:
                poisoned["emptied"] += client.flushall()

    with track("poison", *[agent.username for agent in agents]) as five:
        _, *shifts = five.run(poison, *[lambda agent=agent: claim_all(agent) for agent in agents])
    print(dict(poisoned))
    assert min(poisoned["ids"], poisoned["reservations"]) > 0
    assert sorted(draft for shift in shifts for draft in shift) == [draft.pk for draft in own]
    assert list(Draft.objects.filter(pk__in=[draft.pk for draft in foreign]).order_by("pk").values()) == before


# --- One agent, two tabs ------------------------------------------------------------------------------------------


def test_two_tabs_show_one_draft_and_their_double_clicks_are_one_decision(times):
    """Row 16. Each tab has a form of its own and posts it twice."""
    make_endpoint()
    bot, agent, rounds, wins = make_bot(), make_agent(), times(50, 1000), Counter()
    make_draft(bot=bot)
    with track("one", "one again", "other", "other again") as four:
        for _ in range(rounds):
            make_draft(bot=bot)  # two wait, so that two tabs could take one each
            tabs = four.run(*[lambda: claim.claim_next(by=agent)] * 4)
            assert len({(draft.pk, draft.epoch, draft.slot) for draft in tabs}) == 1
            [draft] = Draft.objects.filter(status="claimed")
            one, other = form_of(draft, agent), form_of(draft, agent)

            def approve(draft: Draft = draft, form: dict[str, Any] = one) -> Decision:
                return decide.approve(draft.pk, **form)

            def edit(draft: Draft = draft, form: dict[str, Any] = other) -> Decision:
                return decide.edit(draft.pk, text=TYPED, **form)

            answers = four.run(approve, approve, edit, edit)
            decision = Decision.objects.get(draft=draft)
            mine, rest = (answers[:2], answers[2:]) if decision.verdict == "approved" else (answers[2:], answers[:2])
            assert mine == [decision, decision]
            assert [answer.code for answer in rest] == ["other-tab"] * 2
            wins[decision.verdict] += 1
    assert Vote.objects.count() == Delivery.objects.count() == rounds
    each_won(wins, rounds, "approved", "edited")


# --- A draft that changes while it is open ------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["superseded", "withdrawn"])
def test_a_draft_taken_back_while_it_is_open_is_not_approved(times, how):
    """Row 17. With a hold, the bot can still take it back after the decision; without one, the first one wins."""
    make_endpoint()
    agent, rounds = make_agent(), times(50, 200)
    with track("person", "bot") as two:
        for number in range(rounds):
            hold = make_queue(hold_seconds=(0, 600)[number % 2]).hold_seconds
            draft = claim.claim(make_draft(text=f"Text {number}.").pk, by=agent)
            newer = make_content(supersedes=draft.external_id, customer={"id": draft.customer.ref, "name": None})

            def person(draft: Draft = draft) -> Decision:
                return decide.approve(draft.pk, **form_of(draft, agent))

            def bot(draft: Draft = draft, newer: dict[str, Any] = newer) -> Any:
                return hand_in(newer, draft.bot) if how == "superseded" else withdraw.withdraw(draft.pk, bot=draft.bot)

            decision, taken_back = two.run(person, bot)
            approved, gone = isinstance(decision, Decision), not isinstance(taken_back, Refused)
            live = Decision.objects.filter(draft=draft).exclude(settlement__outcome="undone")
            assert again(draft).status == ("withdrawn" if gone else "decided")
            assert live.exists() is not gone
            assert Delivery.objects.filter(draft=draft).exclude(status="cancelled").exists() is not gone
            if approved:
                assert decision.by_vote.final.text == f"Text {number}."
                assert gone is (hold > 0)
            else:
                assert decision.code == ("newer-draft" if how == "superseded" else "withdrawn")
            if gone and how == "superseded":
                fresh = again(taken_back.draft)
                if fresh.holder == agent:  # the old form says nothing about it
                    with pytest.raises(Refused, match="draft-changed"):
                        decide.approve(fresh.pk, **form_of(fresh, agent) | {"seen": bytes(draft.digest)})
            two.won("person" if approved else "bot")
    each_won(two.wins, rounds, "person", "bot")


def test_a_newer_message_is_seen_by_the_decision_or_comes_after_it(times):
    """Row 17. Both write their log line under the lock of the conversation: the lower number was first."""
    bot, agent, rounds = make_bot(), make_agent(), times(50, 200)
    with track("person", "customer") as two:
        for _ in range(rounds):
            draft = claim.claim(make_draft(bot=bot).pk, by=agent)
            message = {"id": "m2", "author": "customer", "text": "Cancel it!", "sent_at": None}

            def person(draft: Draft = draft) -> Decision:
                return decide.approve(draft.pk, **form_of(draft, agent))

            def customer(draft: Draft = draft, message: dict[str, Any] = message) -> Any:
                return conversation.add_messages(draft.conversation.ref, [message], bot=bot)

            # The form was made before: the race is not won by looking later.
            assert draft.conversation.rev == 1
            decision, _ = two.run(person, customer)
            wrote = Event.objects.get(kind="conversation.messages", ids__conversation=draft.conversation_id).pk
            if isinstance(decision, Decision):
                assert Event.objects.get(kind="draft.approved", ids__draft=draft.pk).pk < wrote
                assert decision.by_vote.conversation_rev == 1
                two.won("person")
            else:
                assert decision.code == "newer-message"
                assert not Vote.objects.filter(draft=draft).exists()
                two.won("customer")
    each_won(two.wins, rounds, "person", "customer")


# --- Handing in twice ---------------------------------------------------------------------------------------------


def test_twenty_at_once_under_one_id_are_one_draft(times):
    """Row 18. The same content is answered with the same draft, other content is refused, and what was answered is
    stored: whoever looks after the answer finds it."""
    bot, rounds, wins = make_bot(), times(50, 1000), Counter()
    with track(*map(str, range(20))) as twenty:
        for number in range(rounds):
            content = make_content()
            texts = ["One."] * 20 if number % 2 else ["One."] * 10 + ["Other."] * 10

            def one(text: str, content: dict[str, Any] = content) -> Any:
                answer = hand_in(content | {"reply": {"text": text}}, bot)
                assert Draft.objects.filter(pk=answer.draft.pk).exists()
                return answer

            answers = twenty.run(*[lambda text=text: one(text) for text in texts])
            draft = Draft.objects.select_related("body").get(external_id=content["external_id"])
            for text, answer in zip(texts, answers, strict=True):
                if text == draft.body.text:
                    assert answer.draft == draft
                else:
                    assert answer.code == "external-id-reused"
            assert len([a for a in answers if not isinstance(a, Refused) and not a.replayed]) == 1
            wins[draft.body.text if number % 2 == 0 else "same"] += 1
    for one_each in (Draft, Submission, Conversation, Message, Customer):
        assert one_each.objects.count() == rounds
    assert Body.objects.count() == 3 * rounds
    each_won(wins, rounds, "One.", "Other.", "same")


# --- Jobs lost, doubled and late ----------------------------------------------------------------------------------


def test_whatever_becomes_of_its_job_a_delivery_arrives_under_one_id(times, receiver):
    """Row 20. Of the jobs 10 % are lost, 10 % run twice at once, 10 % late, and of 5 % the worker dies after it has
    posted: only these are posted again."""
    make_endpoint(receiver.url)
    agent, bot, dice = make_agent(), make_bot(), random.Random(20)
    for waiting in hand_in_many(times(60, 5000), bot):
        draft = claim.claim(waiting.pk, by=agent)
        decide.approve(draft.pk, **form_of(draft, agent))
    Hold.objects.update(until=LONG_AGO)
    while by_worker(settle.settle_due):
        pass
    fates, died, late = Counter(), set(), []

    def die(delivery_id: int, epoch: int) -> None:
        if started := deliver._start(delivery_id, epoch):
            deliver._send(started)

    with ThreadPoolExecutor(4) as workers:
        # One endpoint that failed is tried one delivery at a time, so there may be as many turns as deliveries.
        for _ in range(2 * Delivery.objects.count()):
            if not by_worker(deliver.dispatch) and not late:
                break
            runs, late = late, []
            for args in jobs():
                fate = dice.choices(("lost", "doubled", "late", "died", "run"), (10, 10, 10, 5, 65))[0]
                if fate == "died" and args[0] in died:
                    fate = "run"
                fates[fate] += 1
                if fate == "died":
                    died.add(args[0])
                if fate == "late":
                    late.append((deliver.deliver_now, args))
                elif fate != "lost":
                    runs += [(die if fate == "died" else deliver.deliver_now, args)] * (1 + (fate == "doubled"))
            list(workers.map(lambda run: by_worker(run[0], *run[1]), runs))
            Delivery.objects.filter(status__in=("queued", "sending")).update(deadline=LONG_AGO)
            while by_worker(deliver.sweep):
                pass
            Delivery.objects.filter(status="retry").update(not_before=LONG_AGO)
        list(workers.map(lambda _: connections.close_all(), range(16)))
    print(dict(fates))
    assert min(fates.values()) > 0
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}
    expected = {delivery.webhook_id: 1 + (delivery.pk in died) for delivery in Delivery.objects.all()}
    assert Counter(receiver.ids()) == expected
    assert len(receiver.texts()) == len(expected)


def jobs() -> Iterator[list[int]]:
    """The arguments of the jobs in RQ's queue, each taken out of it."""
    client = Redis.from_url(SERVERS.redis.url)
    while job_id := client.lpop("rq:queue:deliver"):
        yield later.OurJob.fetch(job_id.decode(), connection=client, serializer=JSONSerializer).args


# --- Undo against send --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rival", ["the end of the hold", "send now", "a beat and a worker"])
def test_undoing_against_sending_has_one_winner(times, receiver, rival):
    """Row 23. What the receiver got is what was not undone."""
    make_queue(hold_seconds=1800)
    make_endpoint(receiver.url)
    bot, agent, lead = make_bot(), make_agent(), make_agent(role="lead")
    rounds, undone = times(50, 350), set()

    def send(decision: Decision) -> None:
        if rival == "send now":
            settle.send_now(decision.pk, by=lead)
            return
        by_worker(settle.settle_due)
        if rival == "a beat and a worker":
            deliver_all()

    with track("undo", rival) as two:
        for _ in range(rounds):
            decision = make_decision(by=agent, bot=bot)
            if rival != "send now":
                Hold.objects.filter(pk=decision.pk).update(until=LONG_AGO)
            undo, sent = two.run(
                lambda decision=decision: settle.undo(decision.pk, by=agent), lambda decision=decision: send(decision)
            )
            won = isinstance(undo, Draft)
            assert isinstance(sent, Refused) is (won and rival == "send now")
            if won:
                undone.add(decision.pk)
                assert (undo.status, undo.round, undo.holder) == ("claimed", 2, agent)
            else:
                assert undo.code == "already-sent"
                by_worker(settle.settle_due)  # it may have skipped what the undo looked at
            assert Settlement.objects.get(decision=decision).outcome == ("undone" if won else "final")
            two.won("undo" if won else rival)
    while Delivery.objects.filter(status__in=("held", "queued")).exists():
        deliver_all()
    final = Decision.objects.exclude(pk__in=undone)
    assert sorted(data["draft_id"] for data in receiver.datas()) == sorted(str(row.draft_id) for row in final)
    assert set(Delivery.objects.filter(decision__in=undone).values_list("status", flat=True)) == {"cancelled"}
    each_won(two.wins, rounds, "undo", rival)


def deliver_all() -> None:
    """What is due, by a beat and a worker."""
    by_worker(deliver.dispatch)
    for delivery in Delivery.objects.filter(status="queued"):
        by_worker(deliver.deliver_now, delivery.pk, delivery.epoch)


# --- Hand-over, two people, own words ---------------------------------------------------------------------------------


def test_of_two_second_votes_at_once_one_counts(times):
    """Two agents cannot hold one draft, so the second vote is raced for with the claim before it."""
    make_queue(seats=2)
    bot, rounds = make_bot(), times(20, 100)
    ann, ben, cem = make_agent(), make_agent(), make_agent()
    with track("ben", "cem") as two:
        for _ in range(rounds):
            draft = claim.claim(make_draft(bot=bot).pk, by=ann)
            assert decide.approve(draft.pk, **form_of(draft, ann)) is None

            def second(by: User, draft: Draft = draft) -> Any:
                return decide.approve(draft.pk, **form_of(claim.claim(draft.pk, by=by), by))

            answers = two.run(lambda: second(ben), lambda: second(cem))
            [decision] = [answer for answer in answers if isinstance(answer, Decision)]
            assert Vote.objects.filter(draft=draft).count() == 2
            assert decision.with_agent == ann
            two.won("ben" if decision.by_agent == ben else "cem")
    each_won(two.wins, rounds, "ben", "cem")


def test_a_vote_against_a_take_over_has_one_winner(times):
    make_queue(seats=2)
    bot, rounds = make_bot(), times(20, 100)
    ann, lea = make_agent(), make_agent(role="lead")
    with track("vote", "lead") as two:
        for _ in range(rounds):
            draft = claim.claim(make_draft(bot=bot).pk, by=ann)

            def vote(draft: Draft = draft) -> Any:
                return decide.edit(draft.pk, text=TYPED, **form_of(draft, ann))

            def take(draft: Draft = draft) -> Draft:
                return handover.take_over(draft.pk, by=lea)

            voted, taken = two.run(vote, take)
            lost = isinstance(voted, Refused)
            if lost:
                assert (voted.code, voted.facts["text"]) == ("taken-over", TYPED)
            assert Vote.objects.filter(draft=draft).count() == (0 if lost else 1)
            now = again(draft)
            # A vote that came first leaves a draft that waits: the lead has claimed it then, or was told to look again.
            assert (now.holder == lea) is isinstance(taken, Draft)
            two.won("lead" if lost else "vote")
            if now.holder == lea:
                lease.release(now.pk, by=lea, epoch=now.epoch)
    each_won(two.wins, rounds, "vote", "lead")


def test_escalating_against_deciding_has_one_winner(times):
    """One agent, two tabs."""
    bot, rounds = make_bot(), times(20, 100)
    ann, _ = make_agent(), make_agent(role="lead")
    with track("decide", "escalate") as two:
        for _ in range(rounds):
            draft = claim.claim(make_draft(bot=bot).pk, by=ann)

            def decides(draft: Draft = draft) -> Any:
                return decide.edit(draft.pk, text=TYPED, **form_of(draft, ann))

            def escalates(draft: Draft = draft) -> Any:
                return handover.escalate(draft.pk, by=ann, epoch=draft.epoch, reason="legal", note=TYPED)

            decided, escalated = two.run(decides, escalates)
            [refusal] = [answer for answer in (decided, escalated) if isinstance(answer, Refused)]
            assert refusal.facts["text"] == TYPED
            if isinstance(decided, Decision):
                assert not Handover.objects.filter(draft=draft).exists()
                assert again(draft).status == "decided"
            else:
                assert not Vote.objects.filter(draft=draft).exists()
                assert again(draft).lane.skills == ["lead"]
            two.won("decide" if isinstance(decided, Decision) else "escalate")
    each_won(two.wins, rounds, "decide", "escalate")


def test_two_presses_begin_one_answer(times):
    bot, rounds = make_bot(), times(20, 100)
    ann = make_agent()
    with track("one", "other") as two:
        for _ in range(rounds):
            base = make_draft(bot=bot)
            one, other = two.run(*[lambda base=base: write.write(base.pk, by=ann)] * 2)
            assert one == other
            assert Draft.objects.filter(origin="agent", conversation=base.conversation).count() == 1
