"""What I did: my decisions, what I skipped, and what did not arrive."""

import pytest

from reviewqueue.actions import claim, lease
from reviewqueue.models import Delivery, Draft, Skip
from reviewqueue.models.draft import NEVER
from tests.desk.test_draft_page import delivered
from tests.factories import make_agent, make_decision, make_draft, make_endpoint, make_queue


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def skipped(by) -> Draft:
    draft = claim.claim(make_draft().pk, by=by)
    lease.skip(draft.pk, by=by, epoch=draft.epoch)
    return draft


def test_a_skip_is_listed_and_taken_back(amina):
    draft = skipped(amina.user)
    assert claim.claim_next(by=amina.user) is None
    page = amina.open("/skipped")
    assert f"#{draft.pk} Late parcel" in page.root.one("tbody").words
    page = amina.press(f"/skipped/{draft.pk}")
    assert "You have skipped nothing that still waits." in page.words
    assert claim.claim_next(by=amina.user).pk == draft.pk


def test_what_others_skipped_is_theirs(amina):
    draft = skipped(make_agent("ben"))
    assert "skipped nothing" in amina.open("/skipped").words
    assert amina.client.post(f"/skipped/{draft.pk}").status_code == 404
    assert Skip.objects.count() == 1


def test_a_voter_cannot_come_back_to_the_second_seat(amina):
    """What keeps the first judge of a careful queue away is stored as a skip without end; it is no skip of theirs."""
    draft = make_draft()
    Skip.objects.create(draft=draft, agent=amina.user, until=NEVER)
    assert "skipped nothing" in amina.open("/skipped").words
    assert "skipped by you" not in amina.open("/desk").words
    assert amina.client.post(f"/skipped/{draft.pk}").status_code == 404
    assert "No draft matches." in amina.open("/queue?q=is:skipped").words


def test_what_did_not_arrive_is_listed_for_who_decided_and_for_leads(amina, browse, as_role):
    make_endpoint()
    make_queue(hold_seconds=0)
    ben = browse(make_agent("ben"))
    for by, status in ((amina.user, "failed"), (ben.user, "unknown"), (ben.user, "delivered")):
        delivered(make_decision(by=by), as_role, status=status, code=None)
    rows = amina.open("/deliveries").root.one("tbody").all("tr")
    assert len(rows) == 1
    assert "failed" in rows[0].words
    assert "unknown: it may have arrived" in ben.open("/deliveries").root.one("tbody").words
    lead = browse(make_agent(role="lead"))
    assert len(lead.open("/deliveries").root.one("tbody").all("tr")) == 2
    failed = Delivery.objects.get(status="failed")
    amina.open("/deliveries")
    amina.press(f"/deliveries/{failed.pk}/attempts")
    assert Delivery.objects.get(pk=failed.pk).status == "queued"
    assert "has arrived, or is on its way" in amina.open("/deliveries").words


def test_the_time_on_a_draft_stands_beside_the_decision(amina):
    make_decision(by=amina.user)
    row = amina.open("/decisions").root.one("tbody").one("tr")
    assert "Time on it 0 s" in row.words or "Time on it 0." in row.words


def test_what_was_sent_is_corrected_from_the_list(amina, as_role):
    make_endpoint()
    make_queue(hold_seconds=0)
    decision = make_decision(by=amina.user)
    delivered(decision, as_role, status="delivered", code=200)
    amina.open("/decisions")
    amina.press(f"/drafts/{decision.draft_id}/corrections")
    assert Draft.objects.get(corrects=decision.draft_id).holder == amina.user
