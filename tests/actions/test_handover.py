"""A draft goes from one person to another, with all that was typed, and is in nobody's and everybody's way never."""

import pytest
from django.utils import timezone

from reviewqueue import ready
from reviewqueue.actions import claim, decide, handover, index, lanes, lease
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, Event, Handover, Lane, Skip, Typed, User
from tests.factories import make_agent, make_draft, make_queue, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    """ann and ben, who are agents, and lea, who leads."""
    return make_agent("ann"), make_agent("ben"), make_agent("lea", role="lead")


def opened(by: User, **draft) -> Draft:
    return claim.claim(make_draft(**draft).pk, by=by)


def refused(act, *args, **form) -> Refused:
    before = list(Draft.objects.order_by("id").values()), Handover.objects.count(), Event.objects.count()
    with pytest.raises(Refused) as refusal:
        act(*args, **form)
    assert (list(Draft.objects.order_by("id").values()), Handover.objects.count(), Event.objects.count()) == before
    return refusal.value


def again(draft: Draft) -> Draft:
    return Draft.objects.select_related("lane").get(pk=draft.pk)


# --- To a lead --------------------------------------------------------------------------------------------------


def test_an_escalated_draft_is_handed_to_a_lead_and_to_nobody_else(team, empty_redis):
    ann, ben, lea = team
    draft = opened(ann)
    given = handover.escalate(draft.pk, by=ann, epoch=draft.epoch, reason="legal", note="They name a\r\nlawyer.")
    assert (given.kind, given.reason, given.to, given.by) == ("escalated", "legal", None, ann)
    assert (given.note.text, given.note.ink, given.note.customer) == ("They name a\nlawyer.", "human", draft.customer)
    now = again(draft)
    assert (now.status, now.epoch, now.holder, now.lane.skills) == ("waiting", draft.epoch + 1, None, ["lead"])
    assert Event.objects.filter(kind="draft.escalated", actor=f"agent:{ann.pk}", ids__draft=draft.pk).count() == 1
    assert claim.claim_next(by=ann) is None
    assert claim.claim_next(by=ben) is None
    assert claim.claim_next(by=lea) == draft


def test_who_gave_a_draft_away_decides_it_no_more(team):
    ann, ben, _ = team
    draft = opened(ann)
    form = seen(draft, ann)
    handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk)
    assert refused(decide.edit, draft.pk, text="typed", **form).facts["text"] == "typed"
    assert refused(decide.approve, draft.pk, **form).code == "lease-lost"
    newest = seen(again(draft), ann)  # an epoch is no secret
    assert refused(decide.approve, draft.pk, **newest).code == "lease-lost"
    assert refused(lease.renew, draft.pk, by=ann, epoch=draft.epoch).code == "lease-lost"
    assert refused(handover.escalate, draft.pk, by=ann, epoch=draft.epoch, reason="legal").code == "lease-lost"
    assert refused(lease.release, draft.pk, by=ann, epoch=draft.epoch).code == "lease-lost"


@pytest.mark.parametrize(("reason", "note"), [("", ""), ("spam", "x"), ("wrong-facts", "x"), ("other", " \n")])
def test_an_escalation_says_why(team, reason, note):
    ann = team[0]
    draft = opened(ann)
    refusal = refused(handover.escalate, draft.pk, by=ann, epoch=draft.epoch, reason=reason, note=note)
    assert refusal.code == "reason-missing"
    assert refusal.facts["text"] == note


def test_without_a_lead_who_reads_the_language_nothing_is_escalated(team):
    ann, _, lea = team
    for change in ({"languages": ["de"]}, {"is_active": False}, {"role": "agent"}):
        User.objects.filter(pk=lea.pk).update(languages=[], is_active=True, role="lead")
        User.objects.filter(pk=lea.pk).update(**change)
        draft = opened(ann, language="en")
        refusal = refused(handover.escalate, draft.pk, by=ann, epoch=draft.epoch, reason="legal", note="kept")
        assert (refusal.code, refusal.facts["text"]) == ("nobody-there", "kept")
    User.objects.filter(pk=lea.pk).update(languages=["en"], role="admin")
    assert handover.escalate(draft.pk, by=ann, epoch=draft.epoch, reason="legal")


def test_a_lead_escalates_to_another_lead_only(team):
    lea = team[2]
    draft = opened(lea)
    assert refused(handover.escalate, draft.pk, by=lea, epoch=draft.epoch, reason="legal").code == "nobody-there"
    make_agent("leo", role="lead")
    handover.escalate(draft.pk, by=lea, epoch=draft.epoch, reason="legal")


def test_the_third_person_who_skips_a_draft_sends_it_to_the_leads(team):
    lea, draft = team[2], make_draft()
    skippers = [*team[:2], make_agent("cem"), make_agent("dan")]
    for agent in skippers[:2]:
        lease.skip(draft.pk, by=agent, epoch=claim.claim(draft.pk, by=agent).epoch)
    Skip.objects.update(until=timezone.now())  # over, but not forgotten; and one person counts once
    lease.skip(draft.pk, by=team[0], epoch=claim.claim(draft.pk, by=team[0]).epoch)
    assert again(draft).lane.skills == []
    lease.skip(draft.pk, by=skippers[2], epoch=claim.claim(draft.pk, by=skippers[2]).epoch)
    assert again(draft).lane.skills == ["lead"]
    given = Handover.objects.get()
    assert (given.kind, given.reason, given.by) == ("escalated", "skipped", skippers[2])
    assert claim.claim_next(by=skippers[3]) is None
    taken = claim.claim_next(by=lea)
    assert taken == draft
    lease.skip(draft.pk, by=lea, epoch=taken.epoch)
    assert (again(draft).lane.skills, Handover.objects.count()) == (["lead"], 1)


def test_without_a_lead_a_draft_may_be_skipped_for_ever(team):
    draft = make_draft()
    User.objects.filter(role="lead").update(is_active=False)
    for agent in [*team[:2], make_agent("cem")]:
        lease.skip(draft.pk, by=agent, epoch=claim.claim(draft.pk, by=agent).epoch)
    assert (again(draft).lane.skills, Handover.objects.count()) == ([], 0)


# --- To a person ------------------------------------------------------------------------------------------------


def test_a_draft_is_handed_to_one_person(team, empty_redis):
    ann, ben, lea = team
    draft = opened(ann)
    Typed.objects.create(draft=draft, agent=ann, text="Dear Sam, I have")
    given = handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note="He knows you.")
    assert (given.kind, given.to, given.note.text) == ("handed-over", ben, "He knows you.")
    assert again(draft).lane.skills == [f"agent:{ben.pk}"]
    assert Typed.objects.get().text == "Dear Sam, I have"
    for other in (ann, lea):
        assert claim.claim_next(by=other) is None
    assert claim.claim_next(by=ben) == draft


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"role": "auditor"}, {"languages": ["fr"]}, {"queue": "vip"}, {"me": True}, {}]
)
def test_nothing_is_handed_to_somebody_who_could_not_be_served_it(team, change):
    ann, ben, _ = team
    draft = opened(ann, language="en")
    if change.pop("me", None):
        ben = ann
    elif "queue" in change:
        ben.queues.set([make_queue(change.pop("queue"))])
    elif not change:
        ben = User(pk=10**9)
    User.objects.filter(pk=ben.pk).update(**change) if change else None
    refusal = refused(handover.hand_over, draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note="kept")
    assert (refusal.code, refusal.facts["text"]) == ("nobody-there", "kept")


def test_a_lane_made_anew_is_in_the_index_and_in_its_rebuild(team, empty_redis):
    ann, ben, _ = team
    draft = opened(ann)
    handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk)
    index.rebuild()
    [own] = Lane.objects.filter(skills=[f"agent:{ben.pk}"]).values_list("id", flat=True)
    assert ready.offer([own], []) == draft.pk


def test_what_was_handed_to_me_goes_back_to_all_when_i_release_it(team):
    ann, ben, _ = team
    draft = opened(ann)
    handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk)
    mine = claim.claim(draft.pk, by=ben)
    lease.skip(draft.pk, by=ben, epoch=mine.epoch)
    assert again(draft).lane.skills == [f"agent:{ben.pk}"]  # away for half an hour, still mine
    mine = claim.claim(draft.pk, by=ben)
    opened(ben)
    opened(ben)  # which pushes it off the desk, unasked
    assert again(draft).lane.skills == [f"agent:{ben.pk}"]
    lease.release(draft.pk, by=ben, epoch=claim.claim(draft.pk, by=ben).epoch)
    assert again(draft).lane.skills == []


# --- Help -------------------------------------------------------------------------------------------------------


def test_who_asked_for_help_gets_the_draft_back_when_the_helper_releases_it(team):
    ann, ben, _ = team
    draft = opened(ann)
    refusal = refused(handover.ask_help, draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note=" ")
    assert refusal.code == "reason-missing"
    given = handover.ask_help(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note="Is 3.2 still true?")
    assert (given.kind, given.to) == ("help", ben)
    lease.release(draft.pk, by=ben, epoch=claim.claim(draft.pk, by=ben).epoch)
    assert again(draft).lane.skills == [f"agent:{ann.pk}"]
    mine = claim.claim_next(by=ann)
    lease.release(draft.pk, by=ann, epoch=mine.epoch)
    assert again(draft).lane.skills == []


def test_a_helper_may_decide_what_they_were_asked_about(team):
    ann, ben, _ = team
    draft = opened(ann)
    handover.ask_help(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note="Yours?")
    mine = claim.claim(draft.pk, by=ben)
    assert decide.approve(mine.pk, **seen(mine, ben)).by_agent == ben


def test_help_comes_back_to_all_where_who_asked_is_gone(team):
    ann, ben, _ = team
    draft = opened(ann)
    handover.ask_help(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk, note="Yours?")
    User.objects.filter(pk=ann.pk).update(is_active=False)
    lease.release(draft.pk, by=ben, epoch=claim.claim(draft.pk, by=ben).epoch)
    assert again(draft).lane.skills == []


# --- Nothing is stuck -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "auditor"}, {"languages": ["fr"]}, "queue"])
def test_what_waits_for_somebody_who_is_gone_comes_back_to_all(team, change, empty_redis):
    ann, ben, _ = team
    draft = opened(ann, language="en")
    handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk)
    assert (lanes.bring_back(), claim.claim_next(by=ann)) == (0, None)
    if change == "queue":
        ben.queues.clear()
    else:
        User.objects.filter(pk=ben.pk).update(**change)
    assert claim.claim_next(by=ann) == draft
    assert Event.objects.filter(kind="draft.brought back").count() == 1


def test_a_lead_may_pick_a_draft_of_any_lane(team):
    ann, ben, lea = team
    draft = opened(ann)
    handover.hand_over(draft.pk, by=ann, epoch=draft.epoch, to=ben.pk)
    assert refused(claim.claim, draft.pk, by=ann).code == "not-found"
    assert claim.claim(draft.pk, by=lea) == draft


# --- Taken over -------------------------------------------------------------------------------------------------


def test_a_lead_takes_a_draft_over_and_the_other_is_told_so(team):
    ann, ben, lea = team
    draft, shown = opened(ann), opened(lea)
    form = seen(draft, ann)
    assert refused(handover.take_over, draft.pk, by=ben).code == "not-allowed"
    taken = handover.take_over(draft.pk, by=lea)
    assert (taken.status, taken.holder, taken.slot, taken.epoch) == ("claimed", lea, 0, draft.epoch + 1)
    assert again(shown).slot == 1
    refusal = refused(decide.edit, draft.pk, text="typed", **form)
    assert (refusal.code, refusal.detail, refusal.facts["text"]) == ("taken-over", "lea has it now.", "typed")
    assert handover.take_over(draft.pk, by=lea).epoch == taken.epoch  # a second press
    given = Handover.objects.get()
    assert (given.kind, given.by, given.to) == ("taken-over", lea, ann)
    assert decide.approve(taken.pk, **seen(taken, lea)).by_agent == lea


def test_one_that_waits_is_claimed_and_one_that_is_gone_is_refused(team):
    ann, _, lea = team
    waits = make_draft()
    assert handover.take_over(waits.pk, by=lea).holder == lea
    over = opened(ann)
    decide.approve(over.pk, **seen(over, ann))
    assert refused(handover.take_over, over.pk, by=lea).code == "already-decided"
    assert refused(handover.take_over, 0, by=lea).code == "not-found"
