"""A draft's page: what was said, drafted, decided and sent."""

import pytest

from reviewqueue.actions import settle
from reviewqueue.actions.lease import release
from reviewqueue.lifecycle import DELIVERY, move
from reviewqueue.models import Attempt, Body, Decision, Delivery, Draft
from tests.factories import TRIED, make_agent, make_decision, make_draft, make_endpoint, make_queue


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def delivered(decision: Decision, as_role, *, status: str, code: int | None) -> Delivery:
    """Bring the held delivery of a decision to where a worker would, with one attempt."""
    with as_role("worker"):
        settle.settle_due()
        last, outcome = TRIED[status]
        for step in ("dispatch", "start", last):
            (delivery,) = move(Delivery.objects.filter(decision=decision), DELIVERY[step])
        Attempt.objects.create(delivery=delivery, number=1, outcome=outcome, code=code, took_ms=84, error="It said no.")
    return delivery


def test_an_edit_is_shown_as_a_word_diff(amina):
    decision = make_decision(by=amina.user, verdict="edit", text="A machine wrote this.", language="en")
    page = amina.open(f"/drafts/{decision.draft_id}")
    round_ = next(said for said in page.root.all("section", class_="said human"))
    assert [change.words for change in round_.all("del")] == ["deleted: machine"]
    assert [change.words for change in round_.all("ins")] == ["inserted: person"]
    assert "1 change: 1 word deleted, 1 word inserted." in round_.words
    assert "edited by you" in round_.words
    assert "held until" in round_.words


def test_every_round_is_there_the_undone_one_too(amina):
    decision = make_decision(by=amina.user, verdict="reject")
    settle.undo(decision.pk, by=amina.user)
    page = amina.open(f"/drafts/{decision.draft_id}")
    assert "rejected by you" in page.words
    assert "undone" in page.words
    assert "ReasonWrong facts" in page.words
    assert "claimed by you" in page.words


def test_a_label_and_its_causes(amina):
    decision = make_decision(by=amina.user, verdict="edit", kind="sentiment", label="positive")
    page = amina.open(f"/drafts/{decision.draft_id}")
    assert "label corrected by you" in page.words
    assert page.root.one("span", class_="label human").words == "negative"


def test_each_attempt_of_a_delivery(amina, as_role):
    make_queue(hold_seconds=0)
    make_endpoint("https://helpdesk.example/in")
    decision = make_decision(by=amina.user)
    delivery = delivered(decision, as_role, status="delivered", code=200)
    page = amina.open(f"/drafts/{decision.draft_id}")
    assert f"Delivery {delivery.webhook_id} delivered" in page.words
    assert "https://helpdesk.example/in" in page.words
    cells = [cell.words for cell in page.root.one("tbody").all("td")]
    assert (cells[0], *cells[2:]) == ("1", "delivered", "200", "It said no.", "84")
    assert "Send again" not in page.words


@pytest.mark.parametrize("status", ["failed", "unknown", "retry"])
def test_a_failed_unknown_or_waiting_delivery_is_sent_again_by_a_person(amina, as_role, status):
    make_queue(hold_seconds=0)
    make_endpoint()
    decision = make_decision(by=amina.user)
    delivery = delivered(decision, as_role, status=status, code=None)
    page = amina.open(f"/drafts/{decision.draft_id}")
    assert ("twice, under the same id" in page.words) == (status == "unknown")
    button = page.root.one("form", action=f"/deliveries/{delivery.pk}/attempts").one("button")
    assert button.words == ("Send now" if status == "retry" else "Send again")
    page = amina.press(f"/deliveries/{delivery.pk}/attempts")
    assert "queued" in page.words
    assert Delivery.objects.get().status == "queued"
    assert amina.client.post(f"/deliveries/{delivery.pk}/attempts").status_code == 409


def test_a_delivery_that_one_may_not_see_does_not_exist(amina, browse, as_role):
    make_queue(hold_seconds=0)
    make_endpoint()
    delivery = delivered(make_decision(by=amina.user), as_role, status="failed", code=None)
    stranger = browse(make_agent(queues=()))
    assert stranger.client.post(f"/deliveries/{delivery.pk}/attempts").status_code == 404
    assert Delivery.objects.get().status == "failed"


def test_without_an_endpoint_the_page_says_that_nothing_is_sent(amina):
    make_queue(hold_seconds=0)
    decision = make_decision(by=amina.user)
    assert "No endpoint of this queue takes this channel" in amina.open(f"/drafts/{decision.draft_id}").words


def test_who_decided_sees_it_after_leaving_the_queue(amina):
    decision = make_decision(by=amina.user)
    amina.user.queues.clear()
    amina.open(f"/drafts/{decision.draft_id}")
    amina.open(f"/drafts/{make_draft().pk}", status=404)


def test_a_waiting_draft_can_be_claimed_from_its_page(amina, browse):
    draft = make_draft()
    amina.open(f"/drafts/{draft.pk}")
    assert amina.press("/claims", draft=draft.pk).root.one("h1").words.startswith(f"#{draft.pk}")
    release(draft.pk, by=amina.user, epoch=Draft.objects.get().epoch)
    lead = browse(make_agent(role="lead", queues=()))  # a lead may pick from any lane
    assert "Claim this draft" in lead.open(f"/drafts/{draft.pk}").words


def test_what_was_erased_is_gone_and_what_happened_stays(amina, as_role):
    decision = make_decision(by=amina.user, verdict="edit")
    with as_role("eraser"):
        Body.objects.all().update(text=None, salt=None)
    page = amina.open(f"/drafts/{decision.draft_id}")
    assert page.words.count("This text was erased.") == 3
    assert "edited by you" in page.words


def test_the_number_of_queries_does_not_grow_with_rounds_and_deliveries(amina, django_assert_num_queries):
    draft = make_draft()
    make_endpoint()
    amina.claim()
    for rounds in (1, 3):
        while Decision.objects.count() < rounds:
            amina.open("/desk")
            amina.decide(draft.pk, "approve")
            if Decision.objects.count() < rounds:
                settle.undo(Decision.objects.latest("id").pk, by=amina.user)
        with django_assert_num_queries(16):
            amina.open(f"/drafts/{draft.pk}")
        if rounds == 1:
            settle.undo(Decision.objects.latest("id").pk, by=amina.user)
