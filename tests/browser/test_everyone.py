"""Each core task where no script runs, and by Tab and Enter alone with single keys off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from reviewqueue.models import Decision, Draft, Hold, Note, User
from tests.browser.hands import Hand, Keyboard, Mouse
from tests.browser.pages import Visit, sarcasm
from tests.system import PASSWORD

pytestmark = pytest.mark.timeout(180)

WAYS: dict[str, tuple[type[Hand], dict[str, Any]]] = {
    "without-script": (Mouse, {"java_script_enabled": False}),
    "by-tab-and-enter": (Keyboard, {"preferences": {"single_keys": "off"}}),
}


@pytest.fixture(params=WAYS)
def worker(request, visits) -> Callable[..., Any]:
    """`with worker("reply") as (visit, hand):`"""
    kind, how = WAYS[request.param]

    @contextmanager
    def working(view: str = "decisions-empty") -> Iterator[tuple[Visit, Hand]]:
        with visits(view, **how) as visit:
            yield visit, kind(visit.tab)

    return working


def heading(visit: Visit, words: str) -> None:
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(words)


def told(visit: Visit, words: str) -> None:
    expect(visit.page.get_by_role("region", name="Held decisions")).to_contain_text(words)


def verdict(draft: Draft) -> str:
    return Decision.objects.get(draft=draft).verdict


def test_open_from_the_list_and_approve(worker):
    with worker() as (visit, hand):
        # Else Approve waits until there was time to read.
        draft = visit.waiting(risk="low")
        hand.press("Queue")
        heading(visit, "Queue")
        hand.fill("Filter", "lang:en")
        hand.press("Apply")
        hand.press(f"#{draft.pk}")
        heading(visit, f"#{draft.pk}")
        hand.press("Approve")
        told(visit, f"#{draft.pk} approved")
        assert verdict(draft) == "approved"


def test_edit_look_at_the_changes_and_approve(worker):
    with worker() as (visit, hand):
        draft = visit.claimed()
        hand.press("Desk")
        heading(visit, f"#{draft.pk}")
        hand.press("Edit")
        hand.fill("Your edit", "Your order 4821 left on Monday.")
        hand.press("Preview changes")
        expect(visit.page.locator("ins").first).to_contain_text("Monday")
        hand.press("Approve edited")
        told(visit, f"#{draft.pk} edited")
        assert Decision.objects.get(draft=draft).by_vote.final.text == "Your order 4821 left on Monday."


def test_reject_for_a_reason_with_a_note(worker):
    with worker() as (visit, hand):
        draft = visit.claimed()
        hand.press("Desk")
        hand.press("Reject")
        hand.check("Wrong tone")
        hand.fill("Note for the bot's team", "Too jolly.")
        hand.press("Reject")
        told(visit, f"#{draft.pk} rejected")
        assert verdict(draft) == "rejected"


def test_label_with_a_cause(worker):
    with worker() as (visit, hand):
        draft = sarcasm(visit)
        hand.press("Desk")
        heading(visit, f"#{draft.pk}")
        hand.check("Sarcasm or irony")
        hand.press("negative")
        told(visit, f"#{draft.pk} label corrected")
        assert verdict(draft) == "edited"


def test_undo_and_skip(worker):
    with worker() as (visit, hand):
        decision = visit.decided()
        hand.press("Desk")
        hand.press("Undo")
        heading(visit, f"#{decision.draft_id}")
        hand.press("Skip")
        expect(visit.page.get_by_role("heading", level=1)).not_to_contain_text(f"#{decision.draft_id}")
        assert Draft.objects.get(pk=decision.draft_id).status == "waiting"


def test_hold_longer(worker):
    with worker() as (visit, hand):
        decision = visit.decided()
        hand.press("Desk")
        hand.press("Hold longer")
        expect(visit.page.locator("#held")).not_to_contain_text("Hold longer")
        assert Hold.objects.get(pk=decision.pk).until == decision.at + Hold.LONGEST


def test_send_now(worker):
    with worker() as (visit, hand):
        decision = visit.decided()
        hand.press("Desk")
        hand.press("Send now")
        told(visit, "No decision is held.")
        assert Decision.objects.get(pk=decision.pk).settlement.outcome == "final"


def test_a_note_for_colleagues(worker):
    with worker() as (visit, hand):
        draft = visit.claimed()
        hand.press("Desk")
        hand.press("Write a note")
        hand.fill("Never sent, never shown to bots or customers", "She called yesterday.")
        hand.press("Save the note")
        expect(visit.page.locator(".notes")).to_contain_text("She called yesterday.")
        assert Note.objects.get(draft=draft).body.text == "She called yesterday."


def test_settings(worker):
    with worker() as (visit, hand):
        hand.press("Settings")
        hand.check("Dark")
        hand.choose("Language of the pages", "Deutsch")
        with visit.page.expect_navigation():
            hand.press("Save")
        expect(visit.page.locator("html[data-theme=dark][lang=de]")).to_have_count(1)
        assert User.objects.get(pk=visit.user.pk).preferences["theme"] == "dark"


def test_the_keys_are_a_page(worker):
    with worker() as (visit, hand):
        hand.press("Keys")
        expect(visit.page.get_by_role("heading", name="Keys").first).to_be_visible()


def test_sign_out_and_in(worker, system):
    with worker() as (visit, hand):
        hand.press("Sign out")
        heading(visit, "Sign in")
        hand.fill("Name", "amina")
        hand.fill("Password", PASSWORD)
        hand.press("Sign in")
        expect(visit.page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_lead_filters_the_board(worker):
    with worker("board") as (visit, hand):
        hand.press("7 days")
        expect(visit.page.locator(".periods [aria-current]")).to_have_text("7 days")
