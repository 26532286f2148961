"""Handing out: one draft to one agent, in one order, with Redis, without it, and against what is in it."""

import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from config.embedded.redis import Redis
from reviewqueue import ready
from reviewqueue.actions import claim, decide, index, lease, settle, withdraw
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, Event, Lane, Skip, User
from reviewqueue.queries.lanes import lanes_of
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_queue, seen

# Redis orders, PostgreSQL confirms; without Redis, PostgreSQL does both. Each path alone must do.
PATHS = ("redis", "postgres")


@pytest.fixture(params=PATHS)
def path(request, monkeypatch, empty_redis) -> str:
    """claim_next with the other path switched off."""
    monkeypatch.setattr(claim, "POSTGRES_SHARE", 10**9)
    monkeypatch.setattr(claim, "_by_postgres" if request.param == "redis" else "_by_redis", lambda *args: None)
    return request.param


def put_all() -> None:
    """What a commit would have told Redis: in a test that rolls back nothing is ever committed."""
    for _ in range(10):
        with suppress(ready.Away):  # a busy machine did not answer in the time that a claim would wait
            index.rebuild()
            return
        ready._redis.resting_until = 0.0
    raise AssertionError("Redis does not answer")


def held_by(agent: User) -> dict[int, int]:
    """{slot: draft}"""
    return dict(Draft.objects.filter(holder=agent, status="claimed").values_list("slot", "pk"))


def again(draft: Draft) -> Draft:
    return Draft.objects.get(pk=draft.pk)


def end_lease(draft: Draft) -> None:
    Draft.objects.filter(pk=draft.pk).update(lease_until="2020-01-01T00:00Z")


# --- Many at once ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_sixteen_agents_take_a_hundred_drafts_once_each_while_redis_loses_everything(in_threads, empty_redis):
    bot = make_bot()
    drafts = {make_draft(bot=bot).pk for _ in range(100)}
    agents = [make_agent() for _ in range(16)]

    def shift(n: int) -> list[int]:
        took = []
        while (draft := claim.claim_next(by=agents[n])) is not None:
            took.append(draft.pk)
            if len(took) % 3 == n % 3:
                empty_redis.flushall()
            decide.reject(draft.pk, reasons=["spam"], **seen(draft, agents[n]))
        return took

    shifts = in_threads(16, shift)
    assert [s for s in shifts if isinstance(s, Exception)] == []
    took = [draft for s in shifts for draft in s]
    assert len(took) == 100
    assert set(took) == drafts
    assert set(Draft.objects.values_list("epoch", "status")) == {(1, "decided")}
    assert Event.objects.filter(kind="draft.claimed").count() == 100


@pytest.mark.usefixtures("committed")
def test_one_agent_who_claims_twenty_times_at_once_has_one_draft(in_threads, empty_redis):
    for _ in range(5):
        make_draft()
    agent = make_agent()
    claims = in_threads(20, lambda _: claim.claim_next(by=agent))
    assert {c.pk for c in claims} == set(held_by(agent).values())
    assert Event.objects.filter(kind="draft.claimed").count() == 1
    # None of the others is hidden until a reservation ends.
    assert None not in [ready.offer(lanes_of(agent), []) for _ in range(4)]


@pytest.mark.usefixtures("committed")
def test_both_slots_of_one_agent_are_asked_for_at_once(in_threads):
    """At the end there is one draft in each, or one that was ahead and is shown now."""
    for _ in range(3):
        make_draft()
    agent = make_agent()
    for _ in range(5):
        claims = in_threads(6, lambda n: claim.claim_next(by=agent, slot=n % 2))
        assert {c.pk for c in claims} == set(held_by(agent).values())
        assert set(held_by(agent)) in ({0, 1}, {0})
        for draft in Draft.objects.filter(holder=agent):
            lease.release(draft.pk, by=agent, epoch=draft.epoch)


@pytest.mark.usefixtures("committed")
def test_claiming_picking_deciding_and_undoing_in_many_tabs_at_once_leaves_no_error_behind(in_threads):
    """One agent, eight tabs. Refusals are fine, anything else (a dead lock, a broken constraint) is not."""
    agent = make_agent()
    drafts = [make_draft() for _ in range(16)]

    def tab(n: int) -> None:
        for turn in range(6):
            try:
                if n % 4 == 0:
                    claim.claim(drafts[(5 * n + turn) % 16].pk, by=agent)
                elif n % 4 == 1:
                    claim.claim_next(by=agent, slot=turn % 2)
                elif n % 4 == 2:
                    mine = Draft.objects.filter(holder=agent, slot=0).first()
                    if mine:
                        decide.approve(mine.pk, **seen(mine, agent))
                else:
                    last = agent.decisions.order_by("-id").first()
                    if last:
                        settle.undo(last.pk, by=agent)
            except Refused:
                pass

    assert in_threads(8, tab) == [None] * 8
    assert len(held_by(agent)) <= 2


@pytest.mark.usefixtures("committed")
def test_making_room_and_deciding_take_their_locks_in_one_order(in_threads):
    """Shown, then ahead. The other way round, the two would wait for each other."""
    agent = make_agent()
    shown, ahead, picked = (make_draft() for _ in range(3))
    claim.claim_next(by=agent), claim.claim_next(by=agent, slot=1)

    def act(n: int) -> None:
        if n == 1:
            time.sleep(0.2)
            claim.claim(picked.pk, by=agent)
            return
        with transaction.atomic():  # as a decision does
            Draft.objects.select_for_update().get(pk=shown.pk)
            time.sleep(0.6)
            Draft.objects.filter(pk=ahead.pk).update(shown_at=timezone.now())

    assert in_threads(2, act) == [None, None]
    assert held_by(agent) == {0: picked.pk, 1: shown.pk}


# --- Order ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_both_paths_hand_out_in_the_same_order(empty_redis, monkeypatch):
    """Priority of the queue, then due time, then id; due times that are equal, past and far away among them."""
    agent = make_agent()
    for name, priority in (("vip", 1), ("slow", 9)):
        agent.queues.add(make_queue(name, priority=priority))
    when = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2040-01-01T00:00:00Z", None, "9999-12-31T23:59:59Z"]
    when.append("0001-01-01T00:00:00Z")
    for number in range(24):
        make_draft(
            queue=("default", "vip", "slow")[number % 3], due_at=when[number % 6], language=("en", "de")[number % 2]
        )
    expected = list(Draft.objects.order_by("order_key", "id").values_list("pk", flat=True))
    queues = Draft.objects.order_by("order_key", "id").values_list("lane__queue__name", flat=True)
    assert list(queues) == ["vip"] * 8 + ["default"] * 8 + ["slow"] * 8

    put_all()
    by_redis = [ready.offer(lanes_of(agent), []) for _ in expected]
    by_postgres = []
    while (draft := claim._by_postgres(agent, lease.SHOWN, lanes_of(agent), [])) is not None:
        by_postgres.append(draft.pk)
        withdraw.withdraw(draft.pk, bot=draft.bot)
    assert by_redis == expected
    assert by_postgres == expected


@pytest.mark.django_db
def test_what_an_agent_skipped_goes_to_others_until_half_an_hour_has_passed(path):
    ann, ben = make_agent(), make_agent()
    first, second = make_draft(due_at="2026-01-01T00:00:00Z"), make_draft()
    put_all()
    shown = claim.claim_next(by=ann)
    assert shown.pk == first.pk
    lease.skip(first.pk, by=ann, epoch=shown.epoch)
    put_all()
    assert claim.claim_next(by=ann).pk == second.pk
    assert claim.claim_next(by=ben).pk == first.pk
    for draft in Draft.objects.filter(status="claimed"):
        lease.release(draft.pk, by=draft.holder, epoch=draft.epoch)
    put_all()
    assert Skip.objects.get().until - timezone.now() > timedelta(minutes=29)
    Skip.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert claim.claim_next(by=ann).pk == first.pk


# --- Who is served from where ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_agent_is_served_from_own_queues_languages_and_skills_only(path):
    make_queue("vip")
    foreign, german, english = make_draft(queue="vip"), make_draft(language="de-AT"), make_draft(language="EN-us")
    unknown, skilled = make_draft(language="und"), make_draft(language="en")
    lane = Lane.objects.create(queue=skilled.lane.queue, language="en", skills=["refunds", "legal"])
    Draft.objects.filter(pk=skilled.pk).update(lane=lane)
    expected = {
        make_agent(): [german, english, unknown],
        make_agent(languages=["de"]): [german, unknown],
        make_agent(languages=["de", "en"], skills=["legal"]): [german, english, unknown],
        make_agent(languages=["en"], skills=["legal", "refunds", "more"]): [english, unknown, skilled],
        make_agent(queues=("vip",), skills=["legal", "refunds"]): [foreign],
        make_agent(queues=()): [],
    }
    assert {agent: _all_of(agent) for agent in expected} == expected


def _all_of(agent: User) -> list[Draft]:
    """Everything the agent is handed, in order: each is skipped."""
    found = []
    while True:
        put_all()
        draft = claim.claim_next(by=agent)
        if draft is None:
            return found
        found.append(draft)
        lease.skip(draft.pk, by=agent, epoch=draft.epoch)


@pytest.mark.django_db
def test_who_reads_only_or_is_gone_claims_nothing():
    draft = make_draft()
    for nobody in (make_agent(role="auditor"), make_agent(is_active=False)):
        for attempt in (lambda who: claim.claim_next(by=who), lambda who: claim.claim(draft.pk, by=who)):
            with pytest.raises(Refused, match="not-allowed"):
                attempt(nobody)
    assert again(draft).status == "waiting"


@pytest.mark.django_db
def test_who_became_an_auditor_in_the_middle_decides_nothing_any_more():
    agent = make_agent()
    draft = claim.claim(make_draft().pk, by=agent)
    agent.role = "auditor"
    with pytest.raises(Refused, match="not-allowed") as refused:
        decide.edit(draft.pk, text="typed", **seen(draft, agent))
    assert refused.value.facts["text"] == "typed"


@pytest.mark.django_db
def test_nothing_waits():
    assert claim.claim_next(by=make_agent()) is None
    assert claim.claim_next(by=make_agent(queues=())) is None


# --- Redis lost, stale and poisoned ---------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_a_lost_index_costs_no_claim_and_is_built_again(empty_redis):
    first, second, third = make_draft(), make_draft(), make_draft()
    assert ready.depth() == 3
    empty_redis.flushall()
    assert claim.claim_next(by=make_agent()).pk == first.pk
    assert index.refresh() == 2
    assert ready.is_built()
    assert [ready.offer(lanes_of(make_agent()), []) for _ in range(3)] == [second.pk, third.pk, None]
    # One that got lost alone is found by the short look, too.
    assert index.refresh() == 2
    assert ready.depth() == 2


@pytest.mark.django_db
def test_ghosts_are_refused_once_and_vanish(empty_redis, monkeypatch):
    monkeypatch.setattr(claim, "POSTGRES_SHARE", 10**9)
    agent = make_agent()
    decided, withdrawn, taken = make_decision().draft, make_draft(), claim.claim(make_draft().pk, by=make_agent())
    withdraw.withdraw(withdrawn.pk, bot=withdrawn.bot)
    real = make_draft()
    ghosts = [decided.pk, withdrawn.pk, taken.pk, 987_654_321]
    ready.put([(ghost, real.lane_id, 0) for ghost in ghosts])
    put_all()
    assert claim.claim_next(by=agent).pk == real.pk  # by PostgreSQL: the ghosts were more than Redis is asked for
    assert empty_redis.keys("*") == [ready.BUILT]
    assert claim.claim_next(by=make_agent()) is None
    assert again(taken) == taken
    assert again(taken).epoch == taken.epoch


@pytest.mark.django_db
def test_a_draft_of_another_lane_in_ones_own_lane_is_not_handed_out_and_stays_where_it_belongs(path):
    make_queue("vip")
    agent, vip = make_agent(), make_agent(queues=("vip",))
    secret, own = make_draft(queue="vip"), make_draft()
    put_all()
    ready.put([(secret.pk, own.lane_id, 0)])
    assert claim.claim_next(by=agent).pk == own.pk
    assert again(secret).status == "waiting"
    assert claim.claim_next(by=vip).pk == secret.pk


@pytest.mark.django_db
def test_junk_in_redis_is_no_draft(empty_redis, path):
    draft = make_draft()
    put_all()
    junk = dict.fromkeys([b"abc", b"\xff", b"-1", b"9" * 18, b"9" * 30], 0)
    empty_redis.zadd(f"{{rq}}:lane:{draft.lane_id}", junk)
    assert claim.claim_next(by=make_agent()).pk == draft.pk


@pytest.mark.usefixtures("committed")
def test_a_claim_whose_process_died_hides_the_draft_for_its_reservation_only(empty_redis, monkeypatch):
    monkeypatch.setattr(claim, "POSTGRES_SHARE", 10**9)
    draft, agent = make_draft(), make_agent()
    assert ready.offer(lanes_of(agent), []) == draft.pk  # and then the power goes
    with monkeypatch.context() as redis_alone:
        redis_alone.setattr(claim, "_by_postgres", lambda *args: None)
        assert claim.claim_next(by=agent) is None
        empty_redis.zadd(ready.OFFERED, {f"{draft.pk:018d}": 1})
        assert claim.claim_next(by=agent).pk == draft.pk
    assert empty_redis.keys("*") == []


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("how", ["kill", "pause"])
def test_without_redis_everything_goes_on(monkeypatch, tmp_path, how):
    with Redis(tmp_path) as own:
        monkeypatch.setattr(ready.settings, "REDIS_URL", own.url)
        monkeypatch.setattr(ready, "_redis", ready._Redis())
        monkeypatch.setattr(ready, "_patient", ready._Redis(0.5, rest=0))
        agent, first = make_agent(), make_draft()
        getattr(own, how)()
        second = make_draft()
        shown = claim.claim_next(by=agent)
        decision = decide.approve(shown.pk, **seen(shown, agent))
        settle.undo(decision.pk, by=agent)
        lease.release(first.pk, by=agent, epoch=again(first).epoch)
        assert claim.claim(second.pk, by=agent).pk == second.pk
        withdraw.withdraw(second.pk, bot=second.bot)
        with pytest.raises(ready.Away):
            index.refresh()
        own.resume()
        if how == "kill":
            own.start()
        ready._redis.resting_until = 0.0
        index.rebuild()
        assert claim.claim_next(by=agent).pk == first.pk


# --- Leases ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_late_decision_counts_until_somebody_else_claims():
    ann, ben = make_agent(), make_agent()
    first = claim.claim(make_draft().pk, by=ann)
    end_lease(first)
    assert lease.lapse() == 1
    lapsed = again(first)
    assert (lapsed.status, lapsed.epoch, lapsed.holder, lapsed.last_holder) == ("waiting", 1, None, ann)
    assert decide.approve(first.pk, **seen(first, ann)).by_agent == ann

    second = claim.claim(make_draft().pk, by=ann)
    end_lease(second)
    lease.lapse()
    claim.claim(second.pk, by=ben)
    with pytest.raises(Refused, match=f"lease-lost: {ben.username} has this draft now") as refused:
        decide.edit(second.pk, text="typed for ten minutes", **seen(second, ann))
    assert refused.value.facts == {"draft_id": second.pk, "text": "typed for ten minutes"}
    assert again(second).holder == ben
    with pytest.raises(Refused, match="lease-lost"):
        decide.approve(second.pk, **seen(second, ben) | {"by": ann, "epoch": 2})


@pytest.mark.django_db
def test_a_lease_that_is_over_is_found_by_whoever_has_nothing_to_do():
    ann, ben = make_agent(), make_agent()
    draft = claim.claim(make_draft().pk, by=ann)
    assert claim.claim_next(by=ben) is None
    end_lease(draft)
    assert claim.claim_next(by=ben).pk == draft.pk
    assert again(draft).epoch == 2


@pytest.mark.django_db
def test_renewing_pushes_the_end_out_and_only_for_the_holder():
    make_queue(lease_seconds=100)
    ann, ben = make_agent(), make_agent()
    draft = claim.claim(make_draft().pk, by=ann)
    end_lease(draft)
    renewed = lease.renew(draft.pk, by=ann, epoch=draft.epoch)
    assert 90 < (renewed.lease_until - timezone.now()).total_seconds() <= 100
    for by, epoch in ((ben, draft.epoch), (ann, draft.epoch + 1), (ann, draft.epoch - 1)):
        with pytest.raises(Refused, match="lease-lost"):
            lease.renew(draft.pk, by=by, epoch=epoch)
    with pytest.raises(Refused, match="not-found"):
        lease.renew(0, by=ann, epoch=1)


@pytest.mark.django_db
def test_a_lapsed_lease_is_taken_up_again_where_the_draft_still_waits():
    ann, ben = make_agent(), make_agent()
    draft = claim.claim(make_draft().pk, by=ann)
    end_lease(draft)
    lease.lapse()
    with pytest.raises(Refused, match="lease-lost"):
        lease.renew(draft.pk, by=ben, epoch=draft.epoch)
    renewed = lease.renew(draft.pk, by=ann, epoch=draft.epoch)
    assert (renewed.status, renewed.holder, renewed.slot, renewed.epoch) == ("claimed", ann, 0, draft.epoch)
    # Not where the agent went on to another one: the draft waits for whoever comes.
    end_lease(draft)
    lease.lapse()
    other = claim.claim(make_draft().pk, by=ann)
    with pytest.raises(Refused, match="lease-lost: You no longer have this draft"):
        lease.renew(draft.pk, by=ann, epoch=draft.epoch)
    assert held_by(ann) == {0: other.pk}


@pytest.mark.django_db
def test_giving_back_raises_the_epoch_and_ends_what_the_holder_may():
    for give in (lease.release, lease.skip):
        agent = make_agent()
        draft = claim.claim(make_draft().pk, by=agent)
        give(draft.pk, by=agent, epoch=draft.epoch)
        assert (again(draft).status, again(draft).epoch) == ("waiting", 2)
        for write in (lease.renew, lease.release, lease.skip):
            with pytest.raises(Refused, match="lease-lost"):
                write(draft.pk, by=agent, epoch=draft.epoch)
        with pytest.raises(Refused, match="lease-lost"):
            decide.approve(draft.pk, **seen(draft, agent))


@pytest.mark.django_db
def test_what_comes_onto_the_screen_has_a_whole_lease():
    """It was leased ahead while the agent worked on the one before, perhaps for nearly as long as a lease lasts."""
    agent = make_agent()
    for _ in range(3):
        make_draft()
    for after in ("decide", "claim", "pick"):
        shown, ahead = claim.claim_next(by=agent), claim.claim_next(by=agent, slot=1)
        Draft.objects.filter(pk=ahead.pk).update(lease_until=timezone.now() + timedelta(seconds=1), shown_at=None)
        if after == "decide":
            decide.approve(shown.pk, **seen(shown, agent))
        elif after == "claim":
            lease.release(shown.pk, by=agent, epoch=shown.epoch)
            claim.claim_next(by=agent)
        else:
            claim.claim(ahead.pk, by=agent)
        ahead = again(ahead)
        assert ahead.slot == 0
        assert (ahead.lease_until - timezone.now()).total_seconds() > 500
        assert ahead.shown_at is not None


# --- Picking from the list ------------------------------------------------------------------------------------


@pytest.fixture
def desk(db) -> tuple[User, Draft, Draft]:
    """An agent with one draft shown and one ahead."""
    agent = make_agent()
    make_draft(), make_draft()
    return agent, claim.claim_next(by=agent), claim.claim_next(by=agent, slot=1)


def test_picking_moves_the_shown_one_ahead_and_gives_back_what_was_ahead(desk):
    agent, shown, ahead = desk
    picked = make_draft()
    assert claim.claim(picked.pk, by=agent).pk == picked.pk
    assert held_by(agent) == {0: picked.pk, 1: shown.pk}
    assert (again(ahead).status, again(ahead).epoch) == ("waiting", ahead.epoch + 1)
    assert again(shown).epoch == shown.epoch
    # Again is harmless.
    assert claim.claim(picked.pk, by=agent).epoch == 1
    assert held_by(agent) == {0: picked.pk, 1: shown.pk}


def test_picking_the_one_ahead_gives_back_the_one_shown(desk):
    agent, shown, ahead = desk
    assert claim.claim(ahead.pk, by=agent).pk == ahead.pk
    assert held_by(agent) == {0: ahead.pk}
    assert (again(shown).status, again(ahead).epoch) == ("waiting", ahead.epoch)


def test_a_pick_that_is_refused_moves_nothing(desk):
    agent, shown, ahead = desk
    make_queue("vip")
    foreign, withdrawn, decided = make_draft(queue="vip"), make_draft(), make_decision().draft
    taken = claim.claim(make_draft().pk, by=make_agent("quick"))
    withdraw.withdraw(withdrawn.pk, bot=withdrawn.bot)
    for draft_id, refusal in (
        (0, "not-found"),
        (foreign.pk, "not-found"),
        (taken.pk, "slot-taken: quick has this draft now"),
        (withdrawn.pk, "withdrawn"),
        (decided.pk, "already-decided"),
    ):
        with pytest.raises(Refused, match=refusal):
            claim.claim(draft_id, by=agent)
    assert held_by(agent) == {0: shown.pk, 1: ahead.pk}
    assert [again(shown).epoch, again(ahead).epoch] == [1, 1]


def test_a_decision_on_the_one_ahead_leaves_the_one_shown(desk):
    agent, shown, ahead = desk
    decide.approve(ahead.pk, **seen(ahead, agent))
    assert held_by(agent) == {0: shown.pk}


def test_what_was_withdrawn_from_the_screen_makes_room_for_the_one_ahead(desk):
    agent, shown, ahead = desk
    withdraw.withdraw(shown.pk, bot=shown.bot)
    with pytest.raises(Refused, match="withdrawn"):
        decide.approve(shown.pk, **seen(shown, agent))
    assert claim.claim_next(by=agent).pk == ahead.pk
    assert held_by(agent) == {0: ahead.pk}
