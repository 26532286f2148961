"""What keeps a decision from being taken: each state says what happened and where to go, and nothing typed is lost."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from reviewqueue.actions import claim, conversation, decide, handover, lease, typed
from reviewqueue.actions.submit import submit
from reviewqueue.actions.withdraw import withdraw
from reviewqueue.care import READ
from reviewqueue.models import Body, Customer, Decision, Draft, User
from tests.conftest import acting_as
from tests.desk.conftest import Browser
from tests.desk.page import Page
from tests.factories import make_agent, make_content, make_draft, make_endpoint, make_queue, seen

EDIT = "\n  Hello Sam,\n\nit arrives   tomorrow.\n"
JSON = {"accept": "application/json"}


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


# --- What happens while somebody types -----------------------------------------------------------------------


def nobody_has_it(draft: Draft) -> None:
    lease.release(draft.pk, by=draft.holder, epoch=draft.epoch)


def ben_has_it(draft: Draft) -> Draft:
    nobody_has_it(draft)
    return claim.claim(draft.pk, by=make_agent("ben"))


def a_lead_took_it(draft: Draft) -> None:
    handover.take_over(draft.pk, by=make_agent("lea", role="lead"))


def ben_rejected_it(draft: Draft) -> None:
    his = ben_has_it(draft)
    decide.reject(his.pk, reasons=["wrong-facts"], **seen(his, his.holder))


def ben_sent_other_words(draft: Draft) -> None:
    his = ben_has_it(draft)
    decide.edit(his.pk, text="Hello Sam, it arrives on Friday.", **seen(his, his.holder))


def decided_in_another_tab(draft: Draft) -> None:
    decide.approve(draft.pk, **seen(draft, draft.holder))


def opted_out(draft: Draft) -> None:
    Customer.objects.update(opted_out_at=timezone.now())


def opted_out_and_withdrawn(draft: Draft) -> None:
    opted_out(draft)
    the_bot_took_it_back(draft)


def erased(draft: Draft) -> None:
    with acting_as("eraser"):
        Body.objects.filter(pk=draft.body_id).update(text=None, salt=None)


def the_customer_wrote(draft: Draft) -> None:
    message = {"id": "m9", "author": "customer", "text": "Hello?", "sent_at": None}
    conversation.add_messages(draft.conversation.ref, [message], bot=draft.bot)


def a_newer_draft_came(draft: Draft, **more: Any) -> None:
    content = make_content(
        supersedes=draft.external_id,
        customer={"id": draft.customer.ref, "name": None},
        conversation=None,
        **{"reply": {"text": "Your order 4821 left our warehouse yesterday."}} | more,
    )
    submit(content, content, bot=draft.bot)


def the_bot_took_it_back(draft: Draft) -> None:
    withdraw(draft.pk, bot=draft.bot)


def it_expired(draft: Draft) -> None:
    nobody_has_it(draft)
    with acting_as("worker"):
        Draft.objects.filter(pk=draft.pk).update(status="expired")


def the_role_was_lost(draft: Draft) -> None:
    User.objects.filter(pk=draft.holder_id).update(role="auditor")


def the_server_fails(draft: Draft) -> None:
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE vote ADD CONSTRAINT broken CHECK (draft_id < 0) NOT VALID")


def the_server_works_again() -> None:
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE vote DROP CONSTRAINT broken")


def nothing(draft: Draft) -> None:
    pass


def promises_warn(draft: Draft) -> None:
    make_queue(promise_words=["guarantee"])


@dataclass(frozen=True)
class State:
    """`says` stands in the panel; `main` is the way on that is offered first, `ways` are others."""

    happens: Callable[[Draft], Any]
    status: int
    code: str
    says: str
    main: str
    ways: tuple[str, ...] = ()
    text: str = EDIT


GO_ON, WITHOUT_AI = "Go on with your text", ("Write without AI",)

STATES = [
    State(ben_has_it, 409, "lease-lost", "ben has this draft since", "Next draft"),
    State(nobody_has_it, 409, "lease-lost", "You no longer have this draft.", "Next draft"),
    State(a_lead_took_it, 409, "taken-over", "lea has it now.", "Next draft"),
    State(ben_rejected_it, 409, "already-decided", "rejected. Reason: Wrong facts.", "Next draft"),
    State(ben_sent_other_words, 409, "already-decided", "From what was decided to your text", "Next draft"),
    State(opted_out, 409, "opted-out", "The AI draft and edits of it cannot be sent.", "Next draft", WITHOUT_AI),
    State(opted_out_and_withdrawn, 409, "opted-out", "answered by people only", "Next draft", WITHOUT_AI),
    State(erased, 410, "erased", "The customer's texts were erased.", "Next draft"),
    State(the_customer_wrote, 409, "newer-message", "does not know the new message.", GO_ON),
    State(a_newer_draft_came, 409, "newer-draft", "based on the old draft.", "Use the new draft", ("Keep my text",)),
    State(the_bot_took_it_back, 410, "withdrawn", "The bot took this draft back.", "Next draft", WITHOUT_AI),
    State(it_expired, 410, "expired", "This draft expired.", "Next draft", WITHOUT_AI),
    State(nothing, 422, "check-failed", "Nothing was decided. The draft is still yours.", GO_ON, text="Hi {{Name}}"),
    State(promises_warn, 422, "check-warning", "Nothing was decided.", GO_ON, text="We guarantee it."),
    State(the_role_was_lost, 403, "not-allowed", "it does not claim or decide drafts.", "To the start page"),
    State(decided_in_another_tab, 409, "other-tab", "You decided this at", "Next draft"),
    State(the_server_fails, 500, "server-error", "Not saved. Nothing was sent.", "Try again"),
]
NAMES = [f"{state.code}: {state.happens.__name__}" for state in STATES]


def typing(amina: Browser, text: str) -> tuple[Draft, dict[str, Any]]:
    """A draft in her editor, and the form she is about to send."""
    make_endpoint()
    draft = make_draft()
    amina.claim()
    page = amina.open("/desk?edit=1")
    form = page.form(f"/drafts/{draft.pk}/decision") | {"verdict": "edit", "text": text.replace("\n", "\r\n")}
    return Draft.objects.get(pk=draft.pk), form


def send(amina: Browser, draft: Draft, form: dict[str, Any], **how: Any) -> Any:
    amina.client.raise_request_exception = False
    return amina.client.post(f"/drafts/{draft.pk}/decision", form, **how)


@pytest.mark.parametrize("state", STATES, ids=NAMES)
def test_a_page_says_what_happened_and_keeps_the_text(amina, state):
    draft, form = typing(amina, state.text)
    state.happens(draft)
    before = Decision.objects.count()
    answer = send(amina, draft, form)
    page = Page(answer.content.decode())
    assert answer.status_code == state.status, page.words
    panel = page.root.one("section", data_code=state.code)
    assert state.says in panel.words
    assert panel.one("textarea", id="kept").text == state.text
    assert [way.words for way in page.root.one("main").all() if way.attributes.get("class") == "button main"] == [
        state.main
    ]
    assert set(state.ways) <= {way.words for way in panel.all("button")}
    assert Decision.objects.count() == before


@pytest.mark.parametrize("state", STATES, ids=NAMES)
def test_a_script_is_handed_the_same_as_a_panel(amina, state):
    draft, form = typing(amina, state.text)
    state.happens(draft)
    answer = send(amina, draft, form, headers=JSON)
    assert answer.status_code == state.status, answer.content
    told = answer.json()
    panel = Page(told["panel"]).root.one("section", data_code=state.code)
    assert told["code"] == state.code
    assert state.says in panel.words
    assert panel.one("textarea", id="kept").text == state.text
    assert panel.all("h1") == []


# --- Those that are no answer to a decision, or none that was typed ------------------------------------------


def pulse(amina: Browser, draft: Draft, **more: Any) -> dict[str, Any]:
    on = {"on-draft": draft.pk, "on-epoch": draft.epoch, "on-rev": draft.conversation.rev, "idle": 0}
    answer = amina.client.post("/pulse", on | more, headers=JSON)
    assert answer.status_code == 200, answer.content
    return answer.json()


TOLD_EARLY = [
    (ben_has_it, "lease-lost"),
    (a_lead_took_it, "taken-over"),
    (ben_rejected_it, "already-decided"),
    (opted_out, "opted-out"),
    (erased, "erased"),
    (the_customer_wrote, "newer-message"),
    (a_newer_draft_came, "newer-draft"),
    (the_bot_took_it_back, "withdrawn"),
    (decided_in_another_tab, "other-tab"),
]


@pytest.mark.parametrize(("happens", "code"), TOLD_EARLY, ids=[code for _, code in TOLD_EARLY])
@pytest.mark.parametrize("idle", [0, 600])
def test_the_pulse_tells_before_a_key_is_pressed(amina, happens, code, idle):
    draft, _ = typing(amina, EDIT)
    assert pulse(amina, draft, idle=idle)["stale"] is None
    happens(draft)
    told = pulse(amina, draft, idle=idle)["stale"]
    assert (told["code"], told["draft"]) == (code, draft.pk)
    assert code in told["panel"]


def test_1_a_lease_near_its_end_is_told_and_any_activity_keeps_it(amina):
    make_queue(lease_seconds=600)
    draft, _ = typing(amina, EDIT)
    Draft.objects.filter(pk=draft.pk).update(lease_until=timezone.now() + timedelta(seconds=58))
    assert 50 < pulse(amina, draft, idle=300)["left"] <= 58
    assert 590 < pulse(amina, draft, idle=0)["left"] <= 600
    assert "Yours for {n} more seconds. Any key keeps it." in amina.open("/desk").html


def test_2_a_lapsed_draft_that_nobody_took_is_decided_all_the_same(amina):
    draft, form = typing(amina, EDIT)
    Draft.objects.filter(pk=draft.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert lease.lapse() == 1
    assert send(amina, draft, form).status_code == 302
    assert Decision.objects.get().by_vote.final.text == EDIT


def test_5_an_opted_out_customer_is_answered_without_ai(amina):
    draft, form = typing(amina, EDIT)
    opted_out(draft)
    assert send(amina, draft, form | {"verdict": "approve"}).status_code == 409
    amina.page = Page(send(amina, draft, form).content.decode())
    page = amina.press(f"/drafts/{draft.pk}/answers")
    assert page.root.one("textarea", name="text").text == ""
    assert "Your order 4821 left" not in page.root.one("div", class_="bench").words
    assert send(amina, draft, form | {"verdict": "reject", "reasons": "wrong-facts"}).status_code == 302


def test_8_the_text_goes_on_in_the_newer_draft(amina):
    draft, form = typing(amina, EDIT)
    a_newer_draft_came(draft)
    amina.page = Page(send(amina, draft, form).content.decode())
    newer = Draft.objects.get(supersedes=draft)
    claim.claim(newer.pk, by=amina.user)
    page = amina.press(f"/drafts/{newer.pk}/preview")
    assert page.root.one("textarea", name="text").text == EDIT


def test_8_a_newer_draft_that_one_may_not_see_is_not_told(amina):
    make_queue("other")
    draft, form = typing(amina, EDIT)
    a_newer_draft_came(draft, queue="other", reply={"text": "For other eyes."})
    page = Page(send(amina, draft, form).content.decode())
    assert "The bot sent a newer draft" in page.words
    assert "other eyes" not in page.html


def test_11_an_undo_that_came_too_late_says_so_to_a_script_too(amina):
    draft, form = typing(amina, EDIT)
    send(amina, draft, form)
    address = f"/decisions/{Decision.objects.get().pk}/settlement"
    assert amina.client.post(address, {"outcome": "final"}).status_code == 302
    for headers, read in ((JSON, lambda answer: answer.json()["panel"]), ({}, lambda answer: answer.content.decode())):
        answer = amina.client.post(address, {"outcome": "undone"}, headers=headers)
        assert answer.status_code == 409
        words = Page(read(answer)).root.words
        assert "Too late to undo" in words
        assert "The hold had ended, so the decision stands." in words


def test_13_an_ended_session_keeps_the_text_and_decides_nothing(amina):
    draft, form = typing(amina, EDIT)
    amina.client.logout()
    answer = send(amina, draft, form)
    assert answer.status_code == 401
    page = Page(answer.content.decode())
    assert page.root.one("textarea", id="kept").text == EDIT
    assert page.root.one("a", class_="button main").words == "Sign in again"
    answer = send(amina, draft, form, headers=JSON)
    assert (answer.status_code, answer.json()) == (401, {"code": "signed-out"})
    amina.client.force_login(amina.user)
    assert Draft.objects.get().status == "claimed"
    assert Decision.objects.count() == 0


def test_13_a_form_from_before_a_new_session_keeps_the_text(amina):
    draft, form = typing(amina, EDIT)
    client = Client(enforce_csrf_checks=True)
    client.force_login(amina.user)
    answer = client.post(f"/drafts/{draft.pk}/decision", form | {"csrfmiddlewaretoken": "x" * 64})
    assert answer.status_code == 403
    assert Page(answer.content.decode()).root.one("textarea", id="kept").text == EDIT


def test_16_faster_than_reading_is_told_with_the_seconds(amina):
    make_queue(risk="high")
    draft = make_draft(text=" ".join(["word"] * 50))
    page = amina.claim()
    page = amina.open("/desk?confirm=1")
    form = page.form(f"/drafts/{draft.pk}/decision") | {"verdict": "approve", "viewed_ms": "10"}
    assert send(amina, draft, form).status_code == 422
    answer = send(amina, draft, form | {"confirmed": READ}, headers=JSON)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 10
    assert "Approve is available in 10 s." in answer.json()["panel"]


def test_17_try_again_sends_the_same_form_and_counts_once(amina):
    draft, form = typing(amina, EDIT)
    the_server_fails(draft)
    page = Page(send(amina, draft, form).content.decode())
    assert page.root.one("bdi", class_="id").words
    again = page.form(f"/drafts/{draft.pk}/decision")
    assert again == form | {"csrfmiddlewaretoken": again["csrfmiddlewaretoken"]}
    the_server_works_again()
    for _ in range(2):
        assert send(amina, draft, again).status_code == 302
    assert Decision.objects.get().by_vote.final.text == EDIT


def test_the_note_of_a_rejection_is_kept_too(amina):
    draft, form = typing(amina, EDIT)
    ben_has_it(draft)
    fields = form | {"verdict": "reject", "reasons": "other", "note": "It names another customer."}
    del fields["text"]
    assert "It names another customer." in send(amina, draft, fields).content.decode()
    assert "It names another customer." in json.dumps(send(amina, draft, fields, headers=JSON).json())


def test_who_types_too_late_is_told_who_has_the_draft(amina):
    draft, _ = typing(amina, EDIT)
    typed.keep(draft.pk, by=amina.user, text="Until now")
    ben_rejected_it(draft)
    answer = amina.client.post(f"/drafts/{draft.pk}/typed", {"text": EDIT}, headers=JSON)
    assert answer.status_code == 409
    assert "ben decided this at" in Page(answer.json()["panel"]).root.words
    assert Page(answer.json()["panel"]).root.one("textarea", id="kept").text == EDIT.strip("\r")
