"""A draft given away or taken, by plain forms; and what the next one sees of it."""

import pytest

from reviewqueue.actions import claim, decide, handover, lease
from reviewqueue.actions.withdraw import withdraw
from reviewqueue.models import Decision, Draft, Handover, Typed, Vote
from tests.factories import make_agent, make_draft, make_queue, seen


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


@pytest.fixture
def ben(browse):
    return browse(make_agent("ben"))


@pytest.fixture
def lea(browse):
    return browse(make_agent("lea", role="lead"))


def send(who, address, fields=None, status=200):
    """A form of no page that is open."""
    return who._read(who.client.post(address, fields or {}, follow=True), status)


def post(who, page, address, status=200, **fields):
    return send(who, address, {**page.form(address), **fields}, status)


def test_a_draft_is_escalated_with_a_reason_and_the_lead_reads_it(amina, lea):
    draft = make_draft()
    amina.claim()
    page = amina.open("/desk?escalate=1")
    address = f"/drafts/{draft.pk}/handovers"
    assert page.keys["1"].startswith("Needs a decision that is not mine")
    page = post(amina, page, address, reason="other", status=422)
    assert "Other needs a note that says more." in page.words
    page = post(amina, page, address, reason="legal", note="They name a lawyer.")
    assert "Nothing waits for you" in page.words
    given = Handover.objects.get()
    assert (given.kind, given.reason, given.note.text) == ("escalated", "legal", "They name a lawyer.")
    page = lea.claim()
    assert "amina · escalated it: Legal or press" in page.words
    assert "They name a lawyer." in page.words


def test_a_draft_is_handed_over_with_what_was_typed(amina, ben, lea):
    draft = make_draft()
    amina.claim()
    Typed.objects.create(draft=draft, agent=amina.user, text="Dear Sam, I have\nlooked.")
    address = f"/drafts/{draft.pk}/handovers"
    page = amina.open("/desk?hand=1")
    assert [option.words for option in page.root.one("select", id="to").all("option")] == [
        "Choose a colleague",
        "ben",
        "lea",
    ]
    page = post(amina, page, address, kind="help", to=str(ben.user.pk), status=422)
    assert "Write what you ask." in page.words
    page = post(amina, page, address, kind="handed-over", status=422)
    assert "Choose who gets the draft." in page.words
    post(amina, page, address, kind="help", to=str(ben.user.pk), note="Is 3.2 still true?")
    page = ben.claim()
    assert "amina · asked for help: you" in page.words
    assert "Is 3.2 still true?" in page.words
    assert "Dear Sam, I have\nlooked." in page.html
    post(ben, page, f"/drafts/{draft.pk}/release")
    assert "What" not in amina.claim().words.split("AI draft")[0]  # her own typing is hers, not an offer


def test_with_nobody_there_the_page_says_so(amina):
    make_draft()
    amina.claim()
    assert "Nobody else is served from this queue" in amina.open("/desk?hand=1").words


def test_a_lead_takes_over_and_the_other_is_told(amina, lea):
    draft = make_draft()
    page = amina.claim()
    form = page.form(f"/drafts/{draft.pk}/decision")
    address = f"/drafts/{draft.pk}/holder"
    assert "Take over" in lea.open(f"/drafts/{draft.pk}").words
    send(lea, address, {})
    assert Draft.objects.get().holder == lea.user
    page = send(amina, f"/drafts/{draft.pk}/decision", {**form, "verdict": "approve"}, status=409)
    assert "A lead took this draft over" in page.words
    send(amina, address, {}, status=403)
    assert "amina" in lea.open(f"/drafts/{draft.pk}").words


def test_a_draft_is_returned_and_the_new_version_says_what_was_asked(amina):
    make_queue(hold_seconds=0)
    old = make_draft()
    amina.claim()
    page = amina.open("/desk?return=1")
    address = f"/drafts/{old.pk}/decision"
    page = post(amina, page, address, note=" ", status=422)
    assert "Write what the bot should do otherwise." in page.words
    post(amina, page, address, note="Name the date.")
    assert Decision.objects.get().verdict == "returned"
    new = make_draft(bot=old.bot, supersedes=old.external_id, customer={"id": old.customer.ref, "name": None})
    page = amina.claim()
    assert f"you, #{old.pk} Name the date." in page.words
    assert f"Its newer version is #{new.pk}" in amina.open(f"/drafts/{old.pk}").words
    assert f"A newer version of #{old.pk}" in amina.open(f"/drafts/{new.pk}").words


def test_return_is_offered_only_while_the_bot_may_try(amina):
    make_queue(return_rounds=0)
    make_draft()
    assert "Return to the bot" not in amina.claim().words
    make_queue(return_rounds=1)
    assert "Return to the bot" in amina.open("/desk").words


def test_the_second_voter_sees_nothing_of_the_first_and_the_lead_sees_both(amina, ben, lea):
    make_queue(seats=2)
    draft = make_draft(text="Your parcel left today.")
    page = amina.claim()
    assert "1 of 2" in page.words
    mine = Draft.objects.get()
    decide.edit(mine.pk, text="AMINAS WORDS", note="AMINAS NOTE", **seen(mine, amina.user))
    assert "1 that you judged waits for somebody else." in amina.open("/desk").words
    assert "Claim this draft" not in amina.open(f"/drafts/{draft.pk}").words
    send(amina, "/claims", {"draft": draft.pk}, status=409)
    page = ben.claim()
    assert "2 of 2" in page.words
    for shown in (page, ben.open(f"/drafts/{draft.pk}"), ben.open("/queue")):
        assert "AMINA" not in shown.html
        assert "amina" not in shown.html
    mine = Draft.objects.get()
    decide.reject(mine.pk, reasons=["wrong-tone"], **seen(mine, ben.user))
    page = lea.claim()
    assert "Their votes disagree: yours decides" in page.words
    votes = [section.words for section in page.root.one("div", class_="votes").all("section")]
    assert "editedby amina" in votes[0]
    assert "AMINAS NOTE" in votes[0]
    assert "rejectedby ben" in votes[1]
    assert "Wrong tone" in votes[1]
    mine = Draft.objects.get()
    decide.approve(mine.pk, **seen(mine, lea.user))
    assert Vote.objects.count() == 3
    assert "AMINAS NOTE" in amina.open(f"/drafts/{draft.pk}").words


def test_the_second_voter_is_not_told_what_the_first_asked_a_colleague(amina, ben, lea):
    make_queue(seats=2)
    draft = claim.claim(make_draft().pk, by=amina.user)
    handover.ask_help(draft.pk, by=amina.user, epoch=draft.epoch, to=ben.user.pk, note="I WOULD REJECT IT")
    draft = claim.claim(draft.pk, by=ben.user)
    assert "I WOULD REJECT IT" in ben.open("/desk").words
    lease.release(draft.pk, by=ben.user, epoch=draft.epoch)
    draft = claim.claim(draft.pk, by=amina.user)
    decide.reject(draft.pk, reasons=["wrong-tone"], **seen(draft, amina.user))
    draft = claim.claim(draft.pk, by=ben.user)
    for shown in (ben.open("/desk"), ben.open(f"/drafts/{draft.pk}")):
        assert "I WOULD REJECT IT" not in shown.html
    decide.approve(draft.pk, **seen(draft, ben.user))
    claim.claim(draft.pk, by=lea.user)
    assert "I WOULD REJECT IT" in lea.open("/desk").words


def test_an_answer_of_ones_own_is_written_sent_and_found_again(amina):
    base = make_draft()
    page = amina.claim()
    page = send(amina, f"/drafts/{base.pk}/answers", {})
    own = Draft.objects.get(origin="agent")
    assert page.root.one("label", for_="text").words == "Your answer"
    assert "AI draft" not in page.words
    assert page.root.one("textarea", id="text").text == ""
    assert 'class="due' not in page.html, "nobody waits for what was just begun"
    address = f"/drafts/{own.pk}/decision"
    post(amina, page, address, text="Dear Sam.\nI looked.")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.by_vote.final.text) == ("written", "Dear Sam.\nI looked.")
    page = amina.open(f"/drafts/{own.pk}")
    assert "written by you" in page.words
    assert "Dear Sam." in page.words
    assert "AI draft" not in page.words


def test_one_is_discarded_without_a_reason(amina):
    base = make_draft()
    amina.claim()
    page = send(amina, f"/drafts/{base.pk}/answers", {})
    own = Draft.objects.get(origin="agent")
    post(amina, page, f"/drafts/{own.pk}/decision", verdict="discard")
    assert Decision.objects.get().verdict == "rejected"


def test_who_may_not_see_a_conversation_does_not_answer_it(browse):
    base = make_draft()
    stranger = browse(make_agent(queues=()))
    send(stranger, f"/drafts/{base.pk}/answers", {}, status=404)
    send(stranger, f"/drafts/{base.pk}/corrections", {}, status=404)
    assert Draft.objects.count() == 1


def test_nothing_that_was_sent_nothing_to_correct(amina):
    base = make_draft()
    amina.claim()
    assert "Write a correction" not in amina.open(f"/drafts/{base.pk}").words
    page = send(amina, f"/drafts/{base.pk}/corrections", {}, status=409)
    assert "There is nothing to correct" in page.words


def test_a_draft_the_bot_took_back_may_be_answered_by_hand(amina):
    draft = make_draft()
    page = amina.claim()
    form = page.form(f"/drafts/{draft.pk}/decision")
    withdraw(draft.pk, bot=draft.bot)
    page = send(amina, f"/drafts/{draft.pk}/decision", {**form, "verdict": "approve"}, status=410)
    page = post(amina, page, f"/drafts/{draft.pk}/answers")
    assert "Your answer" in page.words


def test_claims_of_handed_drafts_work_for_leads(lea, amina):
    draft = make_draft()
    mine = claim.claim(draft.pk, by=amina.user)
    handover.escalate(draft.pk, by=amina.user, epoch=mine.epoch, reason="legal")
    lea.open(f"/drafts/{draft.pk}")
    assert "Claim this draft" in lea.open(f"/drafts/{draft.pk}").words
