"""What a page with script asks for: the draft after the one on the screen, and whether all is still so."""

import pytest

from reviewqueue.actions import claim, lease
from reviewqueue.models import Decision, Draft, Presence
from tests.desk.page import Page
from tests.factories import make_agent, make_draft

JSON = {"accept": "application/json"}


@pytest.fixture
def kim(browse):
    return browse(make_agent("kim"))


def on(prefix, draft):
    rev = draft.conversation.rev if draft.conversation else ""
    return {f"{prefix}-draft": draft.pk, f"{prefix}-epoch": draft.epoch, f"{prefix}-rev": rev}


def pulse(kim, *, status=200, **fields):
    answer = kim.client.post("/pulse", {"idle": 0} | fields, headers=JSON)
    assert answer.status_code == status
    return answer.json()


def ahead(kim):
    answer = kim.client.post("/desk/ahead", headers=JSON)
    return Page(answer.content.decode()) if answer.status_code == 200 else None


def leased(kim):
    return dict(Draft.objects.filter(holder=kim.user, status="claimed").values_list("slot", "pk"))


def test_one_draft_is_leased_ahead_and_no_more(kim):
    first, second, _ = [make_draft() for _ in range(3)]
    kim.claim()
    for _ in range(3):
        assert ahead(kim).root.one("div", id="bench").attributes["data-draft"] == str(second.pk)
    assert leased(kim) == {0: first.pk, 1: second.pk}


def test_where_nothing_waits_nothing_is_ahead(kim):
    make_draft()
    kim.claim()
    assert ahead(kim) is None


def test_a_plain_form_brings_what_was_ahead_to_the_screen(kim):
    first, second, third = [make_draft() for _ in range(3)]
    kim.claim()
    ahead(kim)
    assert kim.decide(first.pk, "approve").root.one("h1").words.startswith(f"#{second.pk}")
    assert leased(kim) == {0: second.pk}
    assert Draft.objects.get(pk=third.pk).status == "waiting"


def test_the_answer_to_a_decision_brings_the_strip_and_the_draft_after_the_next(kim):
    first, second, third = [make_draft() for _ in range(3)]
    form = kim.claim().form(f"/drafts/{first.pk}/decision") | {"verdict": "approve"}
    ahead(kim)
    shown = Draft.objects.get(pk=second.pk)
    answer = kim.client.post(f"/drafts/{first.pk}/decision", form | on("on", shown), headers=JSON).json()
    assert f"#{first.pk}" in Page(answer["held"]).root.words
    assert f'data-draft="{third.pk}"' in answer["ahead"]
    assert (answer["bench"], answer["stale"]) == (None, None)
    assert leased(kim) == {0: second.pk, 1: third.pk}


def test_without_one_ahead_the_answer_brings_the_next(kim):
    first, second = make_draft(), make_draft()
    form = kim.claim().form(f"/drafts/{first.pk}/decision") | {"verdict": "approve"}
    answer = kim.client.post(f"/drafts/{first.pk}/decision", form, headers=JSON).json()
    assert f'data-draft="{second.pk}"' in answer["bench"]
    assert answer["ahead"] is None


def test_what_was_taken_from_ahead_of_the_screen_is_told_with_the_answer(kim):
    first, second = make_draft(), make_draft()
    form = kim.claim().form(f"/drafts/{first.pk}/decision") | {"verdict": "approve"}
    ahead(kim)
    shown = Draft.objects.get(pk=second.pk)
    lease.release(second.pk, by=kim.user, epoch=shown.epoch)
    claim.claim(second.pk, by=make_agent("ben"))
    answer = kim.client.post(f"/drafts/{first.pk}/decision", form | on("on", shown), headers=JSON).json()
    assert Decision.objects.get().draft_id == first.pk
    assert (answer["stale"]["code"], answer["stale"]["draft"]) == ("lease-lost", second.pk)


def test_a_page_that_nobody_sees_gives_back_what_is_ahead(kim):
    first, second = make_draft(), make_draft()
    kim.claim()
    ahead(kim)
    kept = Draft.objects.get(pk=second.pk)
    assert pulse(kim, **on("ahead", kept))["ahead"] is True
    assert pulse(kim, over=1, **on("ahead", kept))["ahead"] is False
    assert leased(kim) == {0: first.pk}
    assert Draft.objects.get(pk=second.pk).status == "waiting"


def test_a_page_that_nobody_sees_takes_nothing_from_the_screen_of_another(kim):
    first, second = make_draft(), make_draft()
    kim.claim()
    ahead(kim)
    kept = Draft.objects.get(pk=second.pk)
    kim.open("/desk")
    kim.decide(first.pk, "approve")
    pulse(kim, over=1, **on("ahead", kept))
    assert leased(kim) == {0: second.pk}


def test_a_sign_of_life_says_who_is_at_what_and_how(kim):
    make_draft()
    kim.claim()
    pulse(kim, idle=0, editing=1)
    row = Presence.objects.get()
    assert row.editing
    active = row.active_at
    pulse(kim, idle=180)
    row.refresh_from_db()
    assert not row.editing
    assert row.active_at == active, "an older page does not make anybody idle"
    pulse(kim, idle="soon", status=400)
