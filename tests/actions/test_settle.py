"""The end of a hold, the feed and the counts: undone or final and never both, numbered without a gap, counted once."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from reviewqueue import figures
from reviewqueue.actions import claim, decide, rollup, settle
from reviewqueue.lifecycle import Refused
from reviewqueue.models import (
    AgentDay,
    Decision,
    Delivery,
    Draft,
    Feed,
    Hold,
    SegmentDay,
    Settlement,
    SourceDay,
    User,
    Watermark,
)
from tests.actions.conftest import by_worker
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_endpoint, make_queue, seen


def end(*decisions: Decision) -> None:
    Hold.objects.filter(pk__in=[decision.pk for decision in decisions]).update(until="2020-01-01T00:00Z")


def outcome(decision: Decision) -> str | None:
    return Settlement.objects.filter(pk=decision.pk).values_list("outcome", flat=True).first()


# --- Undone or final ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_nothing_is_final_before_its_hold_has_ended():
    first, second = make_decision(), make_decision()
    end(first)
    assert by_worker(settle.settle_due) == 1
    assert [outcome(first), outcome(second)] == ["final", None]
    assert by_worker(settle.settle_due) == 0


@pytest.mark.django_db
def test_who_may_undo_send_now_and_hold_longer():
    decision, lead = make_decision(), make_agent(role="lead")
    for nobody in (make_agent(), make_agent(role="auditor")):
        for act in (settle.undo, settle.send_now, settle.hold_longer):
            with pytest.raises(Refused, match="not-allowed"):
                act(decision.pk, by=nobody)
    draft = settle.undo(decision.pk, by=lead)
    assert (draft.holder, draft.last_holder, draft.round) == (decision.by_agent, decision.by_agent, 2)
    for act in (settle.undo, settle.send_now, settle.hold_longer):
        with pytest.raises(Refused, match="already-sent"):
            act(decision.pk, by=lead)
        with pytest.raises(Refused, match="not-found"):
            act(0, by=lead)


@pytest.mark.django_db
def test_send_now_ends_the_hold_for_good():
    make_endpoint()
    decision = make_decision()
    settle.send_now(decision.pk, by=decision.by_agent)
    assert (outcome(decision), Delivery.objects.get().settled) == ("final", "final")
    for act in (settle.undo, settle.send_now, settle.hold_longer):
        with pytest.raises(Refused, match="already-sent"):
            act(decision.pk, by=decision.by_agent)


@pytest.mark.django_db
def test_held_longer_is_half_an_hour_from_the_decision_on_however_often():
    make_endpoint()
    decision = make_decision()
    for by in (decision.by_agent, make_agent(role="lead")):
        settle.hold_longer(decision.pk, by=by)
        assert Hold.objects.get().until == decision.at + timedelta(minutes=30)
    assert by_worker(settle.settle_due) == 0
    end(decision)
    assert by_worker(settle.settle_due) == 1
    assert (outcome(decision), Delivery.objects.get().settled) == ("final", "final")


@pytest.mark.django_db
def test_held_longer_it_can_still_be_undone_or_sent():
    first, second = make_decision(), make_decision()
    for decision in (first, second):
        settle.hold_longer(decision.pk, by=decision.by_agent)
    settle.undo(first.pk, by=first.by_agent)
    settle.send_now(second.pk, by=second.by_agent)
    assert [outcome(first), outcome(second)] == ["undone", "final"]


@pytest.mark.django_db
def test_an_undone_draft_can_be_decided_otherwise_and_its_old_form_says_nothing_new():
    make_endpoint()
    agent = make_agent()
    draft = claim.claim(make_draft().pk, by=agent)
    form = seen(draft, agent)
    first = decide.approve(draft.pk, **form)
    again = settle.undo(first.pk, by=agent)
    assert decide.approve(draft.pk, **form) == first  # a late repeat of the first press
    assert Draft.objects.get(pk=draft.pk).status == "claimed"
    second = decide.reject(again.pk, reasons=["spam"], **seen(again, agent))
    end(second)
    by_worker(settle.settle_due)
    assert [outcome(first), outcome(second)] == ["undone", "final"]
    assert list(Delivery.objects.values_list("status", flat=True)) == ["cancelled"]
    assert by_worker(settle.feed_final) == 1
    assert Feed.objects.get().decision == second


# --- The feed -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_feed_goes_by_the_time_of_settling_and_in_batches(monkeypatch):
    monkeypatch.setattr(settle, "BATCH", 2)
    decisions = [make_decision() for _ in range(5)]
    for decision in reversed(decisions):
        end(decision)
        by_worker(settle.settle_due)
    assert [by_worker(settle.feed_final) for _ in range(4)] == [2, 2, 1, 0]
    assert list(Feed.objects.order_by("seq").values_list("seq", "decision")) == [
        (number, decision.pk) for number, decision in enumerate(reversed(decisions), 1)
    ]
    assert not Hold.objects.exists()


@pytest.mark.usefixtures("committed")
def test_while_one_feeds_another_does_not(in_threads):
    end(make_decision())
    by_worker(settle.settle_due)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [settle.FEED_LOCK])
        assert in_threads(2, lambda _: by_worker(settle.feed_final)) == [0, 0]
    assert by_worker(settle.feed_final) == 1


# --- A day of many processes ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_four_beats_number_without_a_gap_and_count_each_decision_once(in_threads, monkeypatch):
    """Decisions become final and are fed and folded by four processes at once, in batches that cut anywhere."""
    monkeypatch.setattr(settle, "BATCH", 7)
    monkeypatch.setattr(rollup, "BATCH", 5)
    _varied_decisions(60)
    Hold.objects.update(until="2020-01-01T00:00Z")

    def beat(n: int) -> int:
        done = 0
        for _ in range(40):
            for step in (settle.settle_due, settle.feed_final, rollup.fold):
                done += by_worker(step)
        return done

    assert sum(in_threads(4, beat)) == 3 * 60
    assert list(Feed.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 61))
    assert set(Feed.objects.values_list("decision", flat=True)) == set(Decision.objects.values_list("pk", flat=True))
    assert not Hold.objects.exists()
    counted = _projections()
    assert counted == _by_hand()
    assert Watermark.objects.get().seq == 60

    # A rebuild is a replay.
    by_worker(_reset)
    assert not any(_projections().values())
    while by_worker(rollup.fold):
        pass
    assert _projections() == counted
    assert by_worker(rollup.fold) == 0


def _varied_decisions(n: int) -> None:
    make_queue("vip")
    agents = [make_agent(queues=("default", "vip")) for _ in range(3)]
    bots = [make_bot(), make_bot(), make_bot(sandbox=True)]
    for number in range(n):
        kind = "sentiment" if number % 4 == 0 else "reply"
        draft = make_draft(
            kind=kind,
            bot=bots[number % 3],
            queue=("default", "vip")[number % 2],
            language=("en-GB", "de", "und")[number % 3],
            segments={"tier": ("gold", "tin")[number % 2], "plan": "x"} if number % 5 else {},
            source={"vendor": "acme", "model": "m", "version": str(number % 2), "prompt_version": ""},
        )
        agent = agents[number % 3]
        mine = claim.claim(draft.pk, by=agent)
        Draft.objects.filter(pk=mine.pk).update(shown_at="2026-01-01T00:00Z" if number % 7 else None)
        form = seen(mine, agent) | {"viewed_ms": number * 1000}
        if number % 3 == 0:
            decide.approve(mine.pk, **form)
        elif number % 3 == 1:
            decide.edit(mine.pk, text="negative" if kind == "sentiment" else "Other.", **form)
        else:
            decide.reject(mine.pk, reasons=["spam"], **form)


KEYS = {
    SourceDay: ("day", "source_id", "queue_id", "language", "kind"),
    AgentDay: ("day", "agent_id", "queue_id", "kind"),
    SegmentDay: ("day", "source_id", "kind", "segment", "value"),
}


def _projections() -> dict[str, dict[tuple, tuple]]:
    """{projection: {key: (approved, edited, rejected, returned, {bucket: count})}}"""
    return {
        model.__name__: {
            tuple(getattr(row, name) for name in key): (
                row.approved,
                row.edited,
                row.rejected,
                row.returned,
                {bucket: count for bucket, count in enumerate(row.seconds) if count},
            )
            for row in model.objects.all()
        }
        for model, key in KEYS.items()
    }


def _by_hand() -> dict[str, dict[tuple, tuple]]:
    """The same from the decisions, one by one, and without a line of rollup.py."""
    verdicts: dict[tuple, Counter] = {}
    times: dict[tuple, Counter] = {}
    for decision in Decision.objects.select_related("draft__submission", "draft__lane", "feedback"):
        if decision.mode != "live":
            continue
        draft, day = decision.draft, decision.at.astimezone(UTC).date()
        source, queue = draft.submission.source_id, draft.lane.queue_id
        keys = [
            ("SourceDay", day, source, queue, draft.lane.language, draft.kind),
            ("AgentDay", day, decision.by_agent_id, queue, draft.kind),
            *(("SegmentDay", day, source, draft.kind, *pair) for pair in draft.submission.segments.items()),
        ]
        for key in keys:
            verdicts.setdefault(key, Counter())[decision.verdict] += 1
            times.setdefault(key, Counter())
            if decision.feedback.viewed_ms is not None:
                seconds = decision.feedback.viewed_ms / 1000
                times[key][sum(bound < seconds for bound in figures.BUCKETS)] += 1
    found: dict[str, dict[tuple, tuple]] = {model.__name__: {} for model in KEYS}
    for (name, *key), counts in verdicts.items():
        four = tuple(counts[verdict] for verdict in ("approved", "edited", "rejected", "returned"))
        found[name][tuple(key)] = (*four, dict(times[(name, *key)]))
    return found


def _reset() -> None:
    for model in KEYS:
        model.objects.all().delete()
    Watermark.objects.update(seq=0)


# ms on a draft, and the bucket it is counted in: a bound belongs to the bucket below it, and the last has none.
PLACES = {
    0: 0,
    1: 0,
    1000: 0,
    1001: 1,
    2000: 1,
    59_900: 9,
    60_000: 9,
    60_001: 10,
    3_600_000: 16,
    3_600_001: 17,
    86_400_000: 17,
}


@pytest.mark.django_db
def test_a_time_falls_into_one_bucket():
    agent = make_agent()
    for viewed_ms in (*PLACES, None):
        mine = claim.claim(make_draft().pk, by=agent)
        Draft.objects.filter(pk=mine.pk).update(shown_at=None if viewed_ms is None else "2020-01-01T00:00Z")
        end(decide.approve(mine.pk, **seen(mine, agent), viewed_ms=viewed_ms))
    for step in (settle.settle_due, settle.feed_final, rollup.fold):
        by_worker(step)
    counted = AgentDay.objects.get()
    assert counted.approved == len(PLACES) + 1
    assert {place: count for place, count in enumerate(counted.seconds) if count} == Counter(PLACES.values())
    assert len(counted.seconds) == len(figures.BUCKETS) + 1


@pytest.mark.django_db
def test_a_day_is_a_day_of_utc(as_role):
    decision = make_decision()
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Pacific/Kiritimati'")
    end(decision)
    for step in (settle.settle_due, settle.feed_final, rollup.fold):
        by_worker(step)
    assert SourceDay.objects.get().day == datetime.now(tz=UTC).date()


@pytest.mark.django_db
def test_what_is_provisional_or_undone_is_in_no_count():
    make_decision()
    undone = make_decision()
    settle.undo(undone.pk, by=User.objects.get(pk=undone.by_agent_id))
    for step in (settle.settle_due, settle.feed_final, rollup.fold):
        assert by_worker(step) == 0
    assert not SourceDay.objects.exists()
