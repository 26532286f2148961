"""Two people judge each draft of a careful queue, and neither knows what the other thought."""

import pytest
from django.db import IntegrityError, transaction

from reviewqueue.actions import claim, decide, handover, lanes, lease, rollup, settle
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Decision, Delivery, Draft, Remark, Skip, User, Vote
from tests.actions.conftest import by_worker
from tests.actions.test_decide import refused
from tests.factories import make_agent, make_draft, make_endpoint, make_queue, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    """Two agents and two leads of a queue in which two judge."""
    make_queue(seats=2)
    make_endpoint()
    return make_agent("ann"), make_agent("ben"), make_agent("lea", role="lead"), make_agent("leo", role="lead")


def again(draft: Draft) -> Draft:
    return Draft.objects.select_related("lane").get(pk=draft.pk)


def judge(draft: Draft, by: User, act=decide.approve, **more) -> Decision | None:
    mine = claim.claim(draft.pk, by=by)
    return act(mine.pk, **more, **seen(mine, by))


def test_two_who_approve_are_a_decision_of_both(team, empty_redis):
    ann, ben, *_ = team
    draft = make_draft()
    assert draft.seats == 2
    assert judge(draft, ann) is None
    waits = again(draft)
    assert (waits.status, waits.holder, waits.lane.skills) == ("waiting", None, [])
    assert not Decision.objects.exists()
    assert not Delivery.objects.exists()
    assert claim.claim_next(by=ann) is None
    mine = claim.claim_next(by=ben)
    decision = decide.approve(mine.pk, **seen(mine, ben))
    first, second = Vote.objects.order_by("seat")
    assert (decision.by_vote, decision.by_agent) == (second, ben)
    assert (decision.with_vote, decision.with_agent) == (first, ann)
    assert (decision.verdict, decision.seats, [vote.seat for vote in (first, second)]) == ("approved", 2, [1, 2])
    assert decision.deliveries.get().digest == draft.digest


def test_nobody_votes_twice_in_a_round(team):
    ann, ben, *_ = team
    draft = make_draft()
    mine = claim.claim(draft.pk, by=ann)
    form = seen(mine, ann)
    assert decide.approve(mine.pk, **form) is None
    assert decide.approve(mine.pk, **form) is None  # the same press once more
    assert Vote.objects.count() == 1
    with pytest.raises(Refused, match="already-voted"):
        claim.claim(draft.pk, by=ann)
    assert refused(decide.edit, draft.pk, text="Mine.", **seen(again(draft), ann)).code == "lease-lost"
    with pytest.raises(IntegrityError, match="has voted"), transaction.atomic():
        Draft.objects.filter(pk=draft.pk).update(holder=ann, slot=0, lease_until="2030-01-01T00:00Z", status="claimed")
    claim.claim(draft.pk, by=ben)
    with pytest.raises(IntegrityError, match="has voted"), transaction.atomic():
        Draft.objects.filter(pk=draft.pk).update(holder=ann)


@pytest.mark.parametrize(
    ("act", "more"),
    [
        (decide.edit, {"text": "Mine.", "note": "Why."}),
        (decide.reject, {"reasons": ["spam"]}),
        (decide.return_to_bot, {"note": "Name the date."}),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_whatever_is_not_approved_by_both_goes_to_a_lead_who_has_not_voted(team, act, more, first, empty_redis):
    ann, ben, lea, leo = team
    draft = make_draft()
    assert judge(draft, ann, *([] if not first else [act]), **(more if first else {})) is None
    assert judge(draft, lea, *([] if first else [act]), **({} if first else more)) is None
    assert (again(draft).lane.skills, Decision.objects.exists()) == (["lead"], False)
    for agent in (ann, ben, lea):
        assert claim.claim_next(by=agent) is None
    mine = claim.claim_next(by=leo)
    decision = decide.edit(mine.pk, text="The lead's.", **seen(mine, leo))
    assert (decision.by_agent, decision.with_agent, decision.by_vote.seat) == (leo, ann, 3)
    assert decision.deliveries.get().decision.by_vote.final.text == "The lead's."
    remark = Remark.objects.get(vote__agent=ann if first else lea)
    assert (remark.reasons, remark.note and remark.note.text) == (more.get("reasons", []), more.get("note"))


def test_two_who_reject_do_not_decide_either(team):
    ann, ben, lea, _ = team
    draft = make_draft()
    for agent in (ann, ben):
        assert judge(draft, agent, decide.reject, reasons=["spam"]) is None
    decision = judge(draft, lea, decide.reject, reasons=["spam"])
    assert (decision.verdict, decision.by_agent) == ("rejected", lea)


def test_only_a_lead_settles_a_disagreement(team):
    ann, ben, lea, _ = team
    draft, cem = make_draft(), make_agent("cem")
    judge(draft, ann)
    judge(draft, ben, decide.reject, reasons=["spam"])
    with pytest.raises(IntegrityError, match="for a lead"), transaction.atomic():
        Draft.objects.filter(pk=draft.pk).update(holder=cem, slot=0, lease_until="2030-01-01T00:00Z", status="claimed")
    mine = claim.claim(draft.pk, by=lea)
    refusal = refused(handover.hand_over, draft.pk, by=lea, epoch=mine.epoch, to=cem.pk)
    assert refusal.code == "nobody-there"
    User.objects.filter(pk=lea.pk).update(role="agent")
    lea.refresh_from_db()
    assert refused(decide.approve, draft.pk, **seen(mine, lea)).code == "not-allowed"


def test_a_disagreement_given_to_a_lead_who_leaves_comes_back_to_the_leads(team):
    ann, ben, lea, leo = team
    draft = make_draft()
    judge(draft, ann)
    judge(draft, ben, decide.reject, reasons=["spam"])
    mine = claim.claim(draft.pk, by=lea)
    handover.hand_over(draft.pk, by=lea, epoch=mine.epoch, to=leo.pk)
    User.objects.filter(pk=leo.pk).update(is_active=False)
    assert lanes.bring_back() == 1
    assert again(draft).lane.skills == ["lead"]


def test_a_vote_that_came_late_counts_as_long_as_nobody_else_had_the_draft(team, empty_redis):
    ann, ben, *_ = team
    draft = claim.claim(make_draft().pk, by=ann)
    Draft.objects.update(lease_until="2020-01-01T00:00Z")
    by_worker(lease.lapse)
    assert decide.approve(draft.pk, **seen(draft, ann)) is None
    assert claim.claim_next(by=ann) is None
    assert judge(draft, ben) is not None


def test_undo_begins_a_round_in_which_both_vote_anew(team, empty_redis):
    ann, ben, lea, _ = team
    draft = make_draft()
    judge(draft, ann)
    undone = settle.undo(judge(draft, ben).pk, by=ben)
    assert (undone.holder, undone.round) == (ben, 2)
    assert not Skip.objects.exists()
    assert decide.edit(undone.pk, text="Mine.", **seen(undone, ben)) is None
    assert [vote.seat for vote in Vote.objects.filter(round=2)] == [1]
    mine = claim.claim_next(by=ann)
    assert decide.approve(mine.pk, **seen(mine, ann)) is None
    settled = judge(draft, lea)
    undone = settle.undo(settled.pk, by=lea)
    assert (again(undone).lane.skills, undone.round) == ([], 3)
    assert decide.approve(undone.pk, **seen(undone, lea)) is None
    assert judge(draft, ann).verdict == "approved"


def test_one_of_two_may_be_escalated_and_handed_over_but_not_to_who_voted(team):
    ann, ben, lea, _ = team
    draft = make_draft()
    judge(draft, ann)
    mine = claim.claim(draft.pk, by=ben)
    assert refused(handover.hand_over, draft.pk, by=ben, epoch=mine.epoch, to=ann.pk).code == "nobody-there"
    handover.escalate(draft.pk, by=ben, epoch=mine.epoch, reason="legal")
    assert judge(draft, lea).verdict == "approved"  # the second vote, blind as any


def test_a_lead_who_voted_takes_nothing_over(team):
    ann, _, lea, leo = team
    draft = make_draft()
    judge(draft, lea)
    claim.claim(draft.pk, by=ann)
    assert refused(handover.take_over, draft.pk, by=lea).code == "already-voted"
    assert handover.take_over(draft.pk, by=leo).holder == leo


def test_an_edit_of_a_first_vote_is_a_text_of_its_own(team):
    ann = team[0]
    draft = make_draft()
    judge(draft, ann, decide.edit, text="Mine.")
    body = Vote.objects.get().final
    assert (body.text, body.ink, body.customer) == ("Mine.", "human", draft.customer)
    assert Body.objects.filter(text="Mine.").count() == 1


def test_a_decision_of_two_counts_once(team):
    ann, ben, *_ = team
    make_queue(hold_seconds=0)
    draft = make_draft()
    judge(draft, ann)
    judge(draft, ben)
    by_worker(settle.feed_final)
    assert by_worker(rollup.fold) == 1


def test_labels_are_judged_by_two_as_well(team):
    ann, ben, lea, _ = team
    draft = make_draft(kind="sentiment")
    judge(draft, ann, decide.edit, text="negative")
    assert judge(draft, ben) is None
    assert judge(draft, lea).by_vote.final.text == "positive"
