"""A draft goes back to its bot with instructions, and the new version to who knows what they asked for."""

import pytest

from reviewqueue.actions import claim, decide, rollup, settle
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Decision, Draft, Feedback, SourceDay, User
from reviewqueue.queries import rates
from reviewqueue.queries.returns import rounds_left
from tests.actions.conftest import by_worker
from tests.actions.test_decide import refused
from tests.factories import make_agent, make_bot, make_content, make_draft, make_queue, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    make_queue(hold_seconds=0)
    return make_agent("ann")


def returned(draft: Draft, by: User, note: str = "Name the date.") -> Decision:
    mine = claim.claim(draft.pk, by=by)
    return decide.return_to_bot(mine.pk, note=note, **seen(mine, by))


def newer(old: Draft, **changes) -> Draft:
    return make_draft(
        bot=old.bot,
        supersedes=old.external_id,
        customer={"id": old.customer.ref, "name": None},
        conversation=make_content()["conversation"] | {"id": old.conversation.ref, "messages": []},
        **changes,
    )


def test_instructions_are_kept_and_nothing_is_sent(ann):
    draft = make_draft()
    mine = claim.claim(draft.pk, by=ann)
    for note in ("", " \n"):
        assert refused(decide.return_to_bot, draft.pk, note=note, **seen(mine, ann)).code == "reason-missing"
    decision = decide.return_to_bot(draft.pk, note="Name the\r\ndate.", reasons=["wrong-facts"], **seen(mine, ann))
    assert (decision.verdict, decision.by_vote.final, decision.deliveries.count()) == ("returned", None, 0)
    assert decision.settlement.outcome == "final"
    feedback = Feedback.objects.get()
    assert (feedback.note.text, feedback.reasons, feedback.after) == ("Name the\ndate.", ["wrong-facts"], None)


def test_the_new_version_comes_back_to_who_returned_the_old_one(ann):
    ben, old = make_agent("ben"), make_draft()
    returned(old, ann)
    new = newer(old, text="It arrives on Monday.")
    assert (new.supersedes, new.status, new.lane.skills) == (old, "waiting", [f"agent:{ann.pk}"])
    assert Draft.objects.get(pk=old.pk).status == "decided"
    assert claim.claim_next(by=ben) is None
    assert claim.claim_next(by=ann) == new


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "auditor"}, {"languages": ["fr"]}, "queue"])
def test_it_goes_to_everybody_where_that_person_is_not_there_any_more(ann, change):
    old = make_draft()
    returned(old, ann)
    if change == "queue":
        ann.queues.clear()
    else:
        User.objects.filter(pk=ann.pk).update(**change)
    assert newer(old).lane.skills == []


def test_a_bot_answers_a_return_once(ann):
    old = make_draft()
    returned(old, ann)
    newer(old)
    with pytest.raises(Refused, match="superseded before"):
        newer(old)


def test_what_was_decided_otherwise_is_not_answered(ann):
    draft = make_draft()
    mine = claim.claim(draft.pk, by=ann)
    decide.reject(mine.pk, reasons=["spam"], **seen(mine, ann))
    with pytest.raises(Refused, match="already decided, finally"):
        newer(draft)


def test_a_return_that_is_still_held_is_undone_by_a_newer_draft(ann):
    make_queue(hold_seconds=600)
    old = make_draft()
    decision = returned(old, ann)
    new = newer(old)
    assert Draft.objects.get(pk=old.pk).status == "withdrawn"
    assert Decision.objects.get(pk=decision.pk).settlement.outcome == "undone"
    assert new.lane.skills == []


def test_a_return_is_undone_like_any_decision(ann):
    make_queue(hold_seconds=600)
    old = make_draft()
    settle.undo(returned(old, ann).pk, by=ann)
    assert rounds_left(Draft.objects.get(pk=old.pk)) == 3
    mine = Draft.objects.get(pk=old.pk)
    assert decide.approve(mine.pk, **seen(mine, ann)).round == 2


def test_a_bot_has_only_so_many_tries(ann):
    make_queue(return_rounds=2)
    first = make_draft()
    returned(first, ann)
    second = newer(first)
    assert rounds_left(second) == 1
    returned(second, ann)
    third = newer(second)
    assert rounds_left(third) == 0
    mine = claim.claim(third.pk, by=ann)
    refusal = refused(decide.return_to_bot, third.pk, note="Again!", **seen(mine, ann))
    assert (refusal.code, refusal.facts["text"]) == ("rounds-used", "Again!")
    decide.approve(third.pk, **seen(mine, ann))


@pytest.mark.parametrize(("how", "code"), [({"return_rounds": 0}, "rounds-used"), ({}, "not-allowed")])
def test_a_queue_or_a_bot_may_want_no_returns(ann, how, code):
    make_queue(**how)
    draft = make_draft(allowed=["approve", "edit", "reject", *(["return"] if how else [])])
    mine = claim.claim(draft.pk, by=ann)
    assert refused(decide.return_to_bot, draft.pk, note="Again!", **seen(mine, ann)).code == code


def test_returned_is_in_what_rates_are_out_of(ann):
    bot = make_bot()
    for number in range(4):
        draft = make_draft(bot=bot)
        if number == 0:
            returned(draft, ann)
        else:
            mine = claim.claim(draft.pk, by=ann)
            decide.approve(mine.pk, **seen(mine, ann))
    by_worker(settle.feed_final)
    by_worker(rollup.fold)
    day = SourceDay.objects.get()
    assert (day.approved, day.returned) == (3, 1)
    line = rates.record(bot.pk, "reply")
    assert (line.n, line.rate("approved").n, line.rate("approved").count) == (4, 4, 3)
