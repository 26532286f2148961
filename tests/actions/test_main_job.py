"""Submit, claim, decide, settle, feed, count: the main job without its doors."""

import pytest

from reviewqueue.actions import claim, decide, rollup, settle
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Delivery, Draft, Feed, Feedback, Hold, Settlement, SourceDay, Vote
from tests.factories import make_agent, make_decision, make_draft, make_endpoint, make_queue, seen


@pytest.mark.django_db
def test_an_approved_reply_is_held_then_final_then_fed_then_counted(as_role):
    make_queue(hold_seconds=10)
    make_endpoint()
    agent = make_agent()
    draft = make_draft(text="Your parcel left today.")

    claimed = claim.claim_next(by=agent)
    assert claimed.pk == draft.pk
    assert (claimed.status, claimed.slot, claimed.holder_id, claimed.epoch) == ("claimed", 0, agent.pk, 1)

    decision = decide.approve(claimed.pk, **seen(claimed, agent))
    assert decision.verdict == "approved"
    delivery = Delivery.objects.get(decision=decision)
    assert (delivery.status, delivery.settled) == ("held", None)
    assert Feedback.objects.get(pk=decision.pk).edit_rate == 0
    with as_role("worker"):
        assert settle.settle_due() == 0

    Hold.objects.filter(pk=decision.pk).update(until="2020-01-01T00:00Z")
    with as_role("worker"):
        assert settle.settle_due() == 1
        assert settle.feed_final() == 1
        assert rollup.fold() == 1
    assert Settlement.objects.get(pk=decision.pk).outcome == "final"
    assert Feed.objects.get().seq == 1
    day = SourceDay.objects.get()
    assert (day.approved, day.edited, day.rejected, sum(day.seconds)) == (1, 0, 0, 1)


@pytest.mark.django_db
def test_an_edit_is_feedback_with_both_texts():
    agent = make_agent()
    draft = claim.claim(make_draft(text="one two three four").pk, by=agent)
    decision = decide.edit(draft.pk, text="one two three\r\nfive", reasons=["wrong-facts"], **seen(draft, agent))
    feedback = Feedback.objects.select_related("before", "after").get(pk=decision.pk)
    assert decision.verdict == "edited"
    assert (feedback.before.text, feedback.after.text) == ("one two three four", "one two three\nfive")
    assert (feedback.edit_rate, feedback.edit_unit, feedback.reasons) == (0.25, "word", ["wrong-facts"])
    assert (feedback.before.ink, feedback.after.ink) == ("machine", "human")


@pytest.mark.django_db
def test_an_edit_that_changes_nothing_is_an_approval():
    agent = make_agent()
    draft = claim.claim(make_draft(text="one\ntwo").pk, by=agent)
    decision = decide.edit(draft.pk, text="one\r\ntwo", **seen(draft, agent))
    assert decision.verdict == "approved"
    assert decision.by_vote.final_id == draft.body_id


@pytest.mark.django_db
def test_a_reply_with_a_placeholder_cannot_be_approved_but_edited():
    agent = make_agent()
    draft = claim.claim(make_draft(text="Your order {{Order Number}} left.").pk, by=agent)
    with pytest.raises(Refused, match="check-failed") as refused:
        decide.approve(draft.pk, **seen(draft, agent))
    assert "placeholder" in refused.value.detail
    assert decide.edit(draft.pk, text="Your order 7 left.", **seen(draft, agent)).verdict == "edited"


@pytest.mark.django_db
def test_the_same_key_twice_is_one_decision():
    agent = make_agent()
    draft = claim.claim(make_draft().pk, by=agent)
    form = seen(draft, agent)
    assert decide.approve(draft.pk, **form) == decide.approve(draft.pk, **form)
    assert Vote.objects.count() == 1


@pytest.mark.django_db
def test_undo_brings_the_draft_back_to_the_same_agent_and_cancels_the_delivery():
    make_endpoint()
    agent = make_agent()
    decision = make_decision(by=agent)
    again = settle.undo(decision.pk, by=agent)
    assert (again.status, again.holder_id, again.slot, again.round) == ("claimed", agent.pk, 0, 2)
    assert Delivery.objects.get().status == "cancelled"
    second = decide.approve(again.pk, **seen(again, agent))
    assert [d.status for d in Delivery.objects.order_by("id")] == ["cancelled", "held"]
    with pytest.raises(Refused, match="already-sent"):
        settle.undo(decision.pk, by=agent)
    assert second.round == 2


@pytest.mark.django_db
def test_undo_moves_what_is_shown_ahead_and_gives_back_what_was_ahead():
    agent = make_agent()
    decision = make_decision(by=agent)
    shown = claim.claim(make_draft().pk, by=agent)
    make_draft()
    ahead = claim.claim_next(by=agent, slot=1)
    settle.undo(decision.pk, by=agent)
    slots = dict(Draft.objects.filter(holder=agent).values_list("slot", "pk"))
    assert slots == {0: decision.draft_id, 1: shown.pk}
    assert Draft.objects.get(pk=ahead.pk).status == "waiting"


@pytest.mark.django_db
def test_deciding_what_is_shown_shows_what_was_ahead():
    agent = make_agent()
    for _ in range(2):
        make_draft()
    first, second = claim.claim_next(by=agent), claim.claim_next(by=agent, slot=1)
    assert first.pk != second.pk
    decide.approve(first.pk, **seen(first, agent))
    assert Draft.objects.get(holder=agent).slot == 0
    assert claim.claim_next(by=agent).pk == second.pk


@pytest.mark.django_db
def test_a_label_is_confirmed_corrected_or_not_told():
    agent = make_agent()
    verdicts = {}
    for verdict in ("approve", "edit", "reject"):
        decision = make_decision(by=agent, kind="sentiment", verdict=verdict)
        verdicts[verdict] = (decision.verdict, decision.by_vote.final and decision.by_vote.final.text)
    assert verdicts == {
        "approve": ("approved", "positive"),
        "edit": ("edited", "negative"),
        "reject": ("rejected", None),
    }


@pytest.mark.django_db
def test_a_hold_of_no_seconds_settles_in_the_same_transaction():
    make_queue(hold_seconds=0)
    make_endpoint()
    decision = make_decision()
    assert Settlement.objects.get(pk=decision.pk).outcome == "final"
    assert Delivery.objects.get().settled == "final"
