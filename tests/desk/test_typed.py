"""What an agent is typing: kept until the decision, whatever happens in between."""

import time
from typing import Any

import pytest
from django.db import transaction

from reviewqueue.actions import claim, decide, lease, settle, typed, withdraw
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, Typed
from reviewqueue.queries import desk as queries
from tests.desk.page import Page
from tests.factories import make_agent, make_bot, make_content, make_draft, seen

JSON = {"accept": "application/json"}
FRAGMENT = {"accept": "text/fragment+html"}


@pytest.fixture
def kim(browse):
    return browse(make_agent("kim"))


def claimed(by: Any, **how: Any) -> Draft:
    return claim.claim(make_draft(**how).pk, by=by)


def texts() -> dict[str, str]:
    return {row.agent.username: row.text for row in Typed.objects.select_related("agent")}


# --- The row ------------------------------------------------------------------------------------------------


def test_the_last_text_is_kept_and_the_drafts_own_is_none(kim):
    draft = claimed(kim.user, text="As it was.")
    first = typed.keep(draft.pk, by=kim.user, text="One")
    assert typed.keep(draft.pk, by=kim.user, text="One\r\ntwo") > first
    assert texts() == {"kim": "One\ntwo"}
    assert queries.on_screen(kim.user).kept == "One\ntwo"
    typed.keep(draft.pk, by=kim.user, text="As it was.")
    assert texts() == {}


def test_it_outlives_release_skip_lapse_and_a_lost_lease(kim):
    draft = claimed(kim.user)
    typed.keep(draft.pk, by=kim.user, text="Mine")
    lease.release(draft.pk, by=kim.user, epoch=draft.epoch)
    typed.keep(draft.pk, by=kim.user, text="Mine, released")
    draft = claim.claim(draft.pk, by=kim.user)
    lease.skip(draft.pk, by=kim.user, epoch=draft.epoch)
    draft = claim.claim(draft.pk, by=make_agent("ben"))
    typed.keep(draft.pk, by=kim.user, text="Mine, still")
    typed.keep(draft.pk, by=draft.holder, text="Ben's")
    assert texts() == {"kim": "Mine, still", "ben": "Ben's"}
    Draft.objects.update(lease_until="2020-01-01T00:00Z")
    assert lease.lapse() == 1
    assert len(texts()) == 2


@pytest.mark.parametrize("verdict", ["approve", "edit", "reject"])
def test_it_goes_with_the_decision(kim, verdict):
    draft, other = claimed(kim.user), make_draft()
    typed.keep(draft.pk, by=kim.user, text="Mine")
    Typed.objects.create(draft=other, agent=kim.user, text="Of another")
    more = {"edit": {"text": "Sent"}, "reject": {"reasons": ["wrong-facts"]}}.get(verdict, {})
    getattr(decide, verdict)(draft.pk, **seen(draft, kim.user), **more)
    assert [(row.draft_id, row.text) for row in Typed.objects.all()] == [(other.pk, "Of another")]
    with pytest.raises(Refused, match="other-tab"):
        typed.keep(draft.pk, by=kim.user, text="Late")


def test_a_refused_decision_leaves_it(kim):
    draft = claimed(kim.user)
    typed.keep(draft.pk, by=kim.user, text="Mine {{Name}}")
    with pytest.raises(Refused), transaction.atomic():
        decide.edit(draft.pk, text="Mine {{Name}}", **seen(draft, kim.user))
    assert texts() == {"kim": "Mine {{Name}}"}


def test_undo_brings_the_sent_text_back(kim):
    draft = claimed(kim.user)
    typed.keep(draft.pk, by=kim.user, text="On the way to")
    decision = decide.edit(draft.pk, text="Sent", **seen(draft, kim.user))
    settle.undo(decision.pk, by=kim.user)
    assert texts() == {"kim": "Sent"}


def test_undoing_a_label_or_an_approval_types_nothing(kim):
    for draft, act in ((claimed(kim.user, kind="sentiment"), "edit"), (claimed(kim.user), "approve")):
        more = {"text": "negative"} if act == "edit" else {}
        settle.undo(getattr(decide, act)(draft.pk, **seen(draft, kim.user), **more).pk, by=kim.user)
    assert texts() == {}


def test_a_withdrawn_draft_takes_it_along_and_a_newer_one_takes_it_over(kim):
    bot = make_bot()
    old = claimed(kim.user, bot=bot)
    typed.keep(old.pk, by=kim.user, text="Mine")
    customer = {"id": old.customer.ref, "name": None}
    conversation = make_content()["conversation"] | {"id": old.conversation.ref}
    newer = make_draft(bot=bot, supersedes=old.external_id, customer=customer, conversation=conversation)
    assert [(row.draft_id, row.text) for row in Typed.objects.all()] == [(newer.pk, "Mine")]
    withdraw.withdraw(newer.pk, bot=bot)
    assert texts() == {}


def test_who_never_had_the_draft_keeps_nothing(kim):
    draft = claimed(make_agent("ben"))
    for pk in (draft.pk, 10**9):
        with pytest.raises(Refused) as refused:
            typed.keep(pk, by=kim.user, text="Mine")
        assert refused.value.code in ("lease-lost", "not-found")
    assert texts() == {}


@pytest.mark.usefixtures("committed")
def test_a_save_that_meets_the_decision_leaves_no_text_behind(in_threads):
    kim = make_agent("kim")
    for _ in range(10):
        draft = claimed(kim)

        def act(n: int, draft: Draft = draft) -> object:
            if n:
                return typed.keep(draft.pk, by=kim, text="Mine")
            time.sleep(0.002)
            return decide.approve(draft.pk, **seen(draft, kim))

        answers = in_threads(2, act)
        assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refused)] == []
        assert texts() == {}


# --- The door -------------------------------------------------------------------------------------------------


def test_a_script_saves_and_is_told_when(kim):
    draft = claimed(kim.user)
    answer = kim.client.post(f"/drafts/{draft.pk}/typed", {"text": "Mine\r\n"}, headers=JSON)
    assert answer.json()["says"].startswith("Saved ")
    assert texts() == {"kim": "Mine\n"}


def test_without_script_a_preview_saves_and_the_draft_can_be_gone_back_to(kim):
    draft = make_draft(text="As it was.")
    kim.claim()
    kim.open("/desk?edit=1")
    path = f"/drafts/{draft.pk}"
    kim.press(f"{path}/preview", form=f"{path}/decision", text="As it is.")
    assert texts() == {"kim": "As it is."}
    page = kim.open("/desk")
    assert "As it was." in page.words
    assert "Your edit is kept. Go on with it" in page.words
    assert kim.open("/desk?edit=1").root.one("textarea", name="text").text == "As it is."
    kim.open("/desk")
    page = kim.press(f"{path}/typed")
    assert texts() == {}
    assert page.root.one("form", action=f"{path}/typed").attributes.get("hidden") == ""


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("inline", "within deleted: 14inserted: 5 days"),
        ("side", "AI draftwithin 14 days Your editwithin 5 days"),
        ("final", "Final text within 5 days"),
        ("unheard-of", "within deleted: 14inserted: 5 days"),
    ],
)
def test_the_changes_in_three_views(kim, view, shown):
    draft = claimed(kim.user, text="within 14 days")
    sent = {"text": "within 5 days", "view": view}
    answer = kim.client.post(f"/drafts/{draft.pk}/preview", sent, headers=FRAGMENT)
    part = Page(answer.content.decode())
    assert "<html" not in part.html
    assert shown in part.root.words
    pressed = [button.words for button in part.root.all("button") if button.attributes["aria-pressed"] == "true"]
    assert pressed == [{"side": "Side by side", "final": "Final text"}.get(view, "Inline")]
    assert Typed.objects.count() == 0


def test_what_cannot_be_stored_takes_the_place_of_nothing(kim):
    draft = claimed(kim.user)
    typed.keep(draft.pk, by=kim.user, text="Mine.")
    for address in ("typed", "preview"):
        answer = kim.client.post(f"/drafts/{draft.pk}/{address}", {"text": "a\x00b"}, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (422, "check-failed")
    assert texts() == {"kim": "Mine."}


def test_many_changes_come_with_a_list_of_them(kim):
    words = [f"word{n}" for n in range(40)]
    draft = claimed(kim.user, text=" ".join(words))
    words[3:40:2] = [f"new{n}" for n in range(3, 40, 2)]
    part = Page(_preview(kim, draft, " ".join(words[1:]) + " end"))
    assert part.root.all("li")[0].words == "deleted word0"
    assert part.root.all("li")[1].words == "replaced word3 by new3"
    assert "deleted: " not in part.html
    assert part.root.one("summary").words == "List of changes"


def test_a_preview_names_hidden_characters_and_findings(kim):
    draft = claimed(kim.user, text="Hello")
    part = Page(_preview(kim, draft, "Hello\u202e {{Name}}"))
    assert "1 hidden character: RIGHT-TO-LEFT OVERRIDE at 6" in part.root.words
    assert "\u202e" not in part.html
    assert "A placeholder is not filled in." in part.root.words


def test_each_paragraph_of_a_diff_is_read_its_own_way(kim):
    draft = claimed(kim.user, text="Hello\n\nكل لك\n14")
    part = Page(_preview(kim, draft, "مرحبا\n\nThank you كل\n15"))
    assert [p.attributes["dir"] for p in part.root.all("p")] == ["rtl", "rtl", "ltr", "rtl"]


def test_a_preview_of_a_text_beyond_the_limit_only_says_so(kim, settings):
    settings.API_TEXT_BYTES = 10
    draft = claimed(kim.user)
    assert Page(_preview(kim, draft, "é" * 6)).root.words == "The text has 12 bytes; 10 are the limit. Shorten it."


def test_a_preview_is_for_who_has_the_draft(kim):
    draft = claimed(make_agent("ben"))
    answer = kim.client.post(f"/drafts/{draft.pk}/preview", {"text": "x"}, headers=FRAGMENT)
    assert answer.status_code == 409
    assert draft.body.text not in answer.content.decode()


def _preview(browser: Any, draft: Draft, text: str) -> str:
    answer = browser.client.post(f"/drafts/{draft.pk}/preview", {"text": text}, headers=FRAGMENT)
    assert answer.status_code == 200
    return answer.content.decode()


# --- Hidden characters on the pages ---------------------------------------------------------------------------


def test_no_hidden_character_reaches_a_page_unnamed(kim):
    bad = "pay\u202eyap \u200b<b>\U000e0068\U000e0069"
    message = {"id": "m1", "author": "customer", "text": bad, "sent_at": None}
    conversation = make_content()["conversation"] | {"subject": bad, "messages": [message]}
    draft = make_draft(text=bad, conversation=conversation, customer={"id": "bad", "name": bad})
    for page in (kim.claim(), kim.open(f"/drafts/{draft.pk}")):
        chips = [chip.words for chip in page.root.one("main").all("bdi", class_="unseen")]
        assert chips.count("RIGHT-TO-LEFT OVERRIDE") >= 3
        assert "TAGS “hi”" in chips
        for block in page.root.one("main").all("div", class_="words"):
            assert not {"\u202e", "\u200b"} & set(block.text)
