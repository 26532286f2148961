"""A person's own words take the road of every draft, and never pass as a machine's or the other way round."""

import pytest

from reviewqueue.actions import bots, claim, decide, deliver, handover, lease, rollup, settle, withdraw, write
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Bot, Customer, Draft, Feedback, SourceDay, User
from reviewqueue.queries import drafts, exports, feedback
from tests.actions.conftest import by_worker
from tests.actions.test_decide import refused
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_endpoint, make_queue, seen
from tests.receiver import receiving

pytestmark = pytest.mark.django_db

OWN = "Dear Sam,\n\nI looked it up myself: it arrives on Monday."


@pytest.fixture
def ann() -> User:
    return make_agent("ann")


def test_it_is_claimed_at_birth_and_what_was_on_the_screen_moves_ahead(ann):
    shown = claim.claim(make_draft(language="de").pk, by=ann)
    own = write.write(shown.pk, by=ann)
    assert (own.status, own.holder, own.slot, own.epoch, own.origin) == ("claimed", ann, 0, 1, "agent")
    assert Draft.objects.get(pk=shown.pk).slot == 1
    assert (own.bot.name, own.bot.internal, own.conversation, own.customer) == (
        "people",
        True,
        shown.conversation,
        shown.customer,
    )
    assert (own.body.text, own.body.ink, own.submission.language, own.corrects) == ("", "human", "de", None)


def test_a_second_press_shows_the_one_that_was_begun(ann):
    base = make_draft()
    own = write.write(base.pk, by=ann)
    assert write.write(base.pk, by=ann) == own
    claim.claim(make_draft().pk, by=ann)
    assert write.write(own.pk, by=ann) == own  # from its own page, and from behind another draft
    lease.release(own.pk, by=ann, epoch=own.epoch)
    assert claim.claim_next(by=make_agent("ben")) == base
    assert write.write(base.pk, by=ann) == own
    assert write.write(base.pk, by=make_agent("cem")) != own


def test_it_is_decided_held_and_delivered_as_written(ann):
    with receiving() as receiver:
        make_endpoint(receiver.url)
        make_queue(hold_seconds=0)
        own = write.write(make_draft().pk, by=ann)
        decision = decide.edit(own.pk, text=OWN, **seen(own, ann))
        assert (decision.verdict, decision.by_agent, decision.by_vote.final.ink) == ("written", ann, "human")
        taught = Feedback.objects.get()
        assert (taught.edit_rate, taught.edit_unit) == (None, None)
        delivery = decision.deliveries.get()
        by_worker(deliver._queue, [delivery.pk])
        by_worker(deliver.deliver_now, delivery.pk, 1)
        [data] = receiver.datas()
    assert (data["verdict"], data["text"], data["draft_id"]) == ("written", OWN, str(own.pk))


def test_an_empty_answer_is_not_sent_and_discarding_one_asks_for_no_reason(ann):
    own = write.write(make_draft().pk, by=ann)
    assert refused(decide.approve, own.pk, **seen(own, ann)).code == "check-failed"
    assert refused(decide.edit, own.pk, text=" \n", **seen(own, ann)).code == "check-failed"
    assert refused(decide.edit, own.pk, text="Dear {{name}}", **seen(own, ann)).code == "check-failed"
    assert refused(decide.return_to_bot, own.pk, note="Try.", **seen(own, ann)).code == "not-allowed"
    decision = decide.discard(own.pk, **seen(own, ann))
    assert (decision.verdict, decision.deliveries.count()) == ("rejected", 0)
    machine = claim.claim(make_draft().pk, by=ann)
    assert refused(decide.discard, machine.pk, **seen(machine, ann)).code == "not-allowed"


def test_undo_gives_the_text_back_to_its_author(ann):
    own = write.write(make_draft().pk, by=ann)
    undone = settle.undo(decide.edit(own.pk, text=OWN, **seen(own, ann)).pk, by=ann)
    assert (undone.holder, undone.round) == (ann, 2)
    assert decide.edit(own.pk, text="Better.", **seen(undone, ann)).verdict == "written"


def test_bots_exports_and_rates_know_nothing_of_it(ann):
    make_queue(hold_seconds=0)
    bot = make_bot()
    own = write.write(make_draft(bot=bot).pk, by=ann)
    decide.edit(own.pk, text=OWN, **seen(own, ann))
    by_worker(settle.feed_final)
    by_worker(rollup.fold)
    people = Bot.objects.get(internal=True)
    for asks in (bot, people):
        assert drafts.find(asks, own.pk) is None
        assert feedback.page(asks, after=0, limit=10).feedback == []
    assert not SourceDay.objects.exists()
    assert list(exports.feedback(exports.Window())) == []
    with pytest.raises(Exception, match="stands for people"):
        bots.new_key(people)


def test_who_chose_people_only_is_answered_by_people(ann):
    """The bot's draft is not sent any more; a person's answer is."""
    with receiving() as receiver:
        make_endpoint(receiver.url)
        make_queue(hold_seconds=0)
        base = make_draft()
        Customer.objects.update(opted_out_at="2026-01-01T00:00Z")
        own = write.write(base.pk, by=ann)
        delivery = decide.edit(own.pk, text=OWN, **seen(own, ann)).deliveries.get()
        by_worker(deliver._queue, [delivery.pk])
        by_worker(deliver.deliver_now, delivery.pk, 1)
        assert [data["text"] for data in receiver.datas()] == [OWN]


def test_who_may_write(ann):
    base = make_draft(language="en")
    auditor, stranger = make_agent(role="auditor"), make_agent(queues=())
    french = make_agent(languages=["fr"])
    for other in (auditor, stranger, french):
        assert refused(write.write, base.pk, by=other).code == "not-allowed"
    lead = make_agent(role="lead", queues=())
    own = write.write(base.pk, by=lead)
    assert own.holder == lead
    assert refused(write.write, 0, by=ann).code == "not-found"
    label = make_draft(kind="sentiment", conversation=None)
    assert refused(write.write, label.pk, by=ann).code == "not-found"


def test_where_two_judge_only_a_lead_writes(ann):
    make_queue(seats=2)
    base = make_draft()
    assert refused(write.write, base.pk, by=ann).code == "not-allowed"
    assert write.write(base.pk, by=make_agent(role="lead")).seats == 1


def test_a_correction_names_what_it_corrects(ann):
    with receiving() as receiver:
        make_endpoint(receiver.url)
        make_queue(hold_seconds=0)
        base = make_decision(by=ann)
        assert refused(write.correct, base.draft_id, by=ann).code == "not-delivered"
        delivery = base.deliveries.get()
        by_worker(deliver._queue, [delivery.pk])
        by_worker(deliver.deliver_now, delivery.pk, 1)
        own = write.correct(base.draft_id, by=ann)
        assert (own.corrects, own.conversation) == (base.draft, base.draft.conversation)
        assert write.correct(base.draft_id, by=ann) == own
        assert write.write(base.draft_id, by=ann) != own
        own = write.correct(base.draft_id, by=ann)
        delivery = decide.edit(own.pk, text=OWN, **seen(own, ann)).deliveries.get()
        by_worker(deliver._queue, [delivery.pk])
        by_worker(deliver.deliver_now, delivery.pk, 1)
        assert receiver.datas()[-1]["text"] == OWN
        assert write.correct(own.pk, by=ann).corrects == own


def test_a_text_of_ones_own_may_be_handed_over_and_what_a_leaver_began_goes_to_the_leads(ann):
    ben, lea = make_agent("ben"), make_agent("lea", role="lead")
    own = write.write(make_draft().pk, by=ann)
    handover.hand_over(own.pk, by=ann, epoch=own.epoch, to=ben.pk)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    while (mine := claim.claim_next(by=lea)) and mine.origin == "bot":
        decide.reject(mine.pk, reasons=["spam"], **seen(mine, lea))
    assert mine == own


@pytest.mark.parametrize("share", [1, 10**9], ids=["PostgreSQL asked first", "Redis asked first"])
def test_the_claim_that_brings_a_draft_back_gets_it(ann, monkeypatch, share):
    """Also where nothing else waits, and into a lane that there was not before."""
    ben, lea = make_agent("ben"), make_agent("lea", role="lead")
    base = make_draft()
    own = write.write(base.pk, by=ann)
    handover.hand_over(own.pk, by=ann, epoch=own.epoch, to=ben.pk)
    withdraw.withdraw(base.pk, bot=base.bot)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    monkeypatch.setattr(claim, "POSTGRES_SHARE", share)
    assert claim.claim_next(by=lea) == own


def test_the_newer_message_must_have_been_seen_here_too(ann):
    own = write.write(make_draft().pk, by=ann)
    assert refused(decide.edit, own.pk, text=OWN, **seen(own, ann) | {"rev": 0}).code == "newer-message"


def test_refusals_leave_nothing_begun(ann):
    make_queue(seats=2)
    base = make_draft()
    with pytest.raises(Refused):
        write.write(base.pk, by=ann)
    assert Draft.objects.count() == 1
