"""The desk: claim, look, decide, and the next one. All of it without any script."""

import pytest

from reviewqueue.actions import claim, conversation, lease
from reviewqueue.models import Body, Decision, Draft, Hold, Queue, Vote
from reviewqueue.queries import desk as queries
from tests.factories import make_agent, make_bot, make_content, make_draft, make_queue

EDIT = "\n  Hello Sam,\n\nit arrives   tomorrow.\n"


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


# --- What is shown ------------------------------------------------------------------------------------------


def test_three_inks_say_who_wrote_what(amina):
    draft = make_draft(text="Your parcel left today.", language="en-GB")
    page = amina.claim()
    assert page.root.one("h1").words == f"#{draft.pk} Late parcel"
    inks = {said.attributes["class"]: said for said in page.root.all("section") if "said" in said.attributes["class"]}
    assert inks["said customer"].words == "Customer wrote Where is order 4821?"
    assert inks["said machine"].one("div").words == "Your parcel left today."
    for ink in inks.values():
        words = ink.one("div").attributes
        assert (words["lang"], words["dir"]) == ("en-GB", "auto")


def test_the_page_that_a_link_asks_for_never_claims(amina):
    make_draft()
    amina.open("/desk")
    amina.open("/queue")
    assert Draft.objects.get().status == "waiting"


def test_keys_are_those_of_the_map_and_each_is_bound_once(amina):
    make_draft()
    assert sorted(amina.claim().keys) == ["A", "C", "Ctrl+Enter", "E", "F", "I", "R", "S"]


def test_earlier_messages_are_folded_and_a_newer_one_is_marked(amina):
    messages = [
        {"id": f"m{n}", "author": author, "text": f"Message {n}", "sent_at": None}
        for n, author in enumerate(("customer", "agent", "customer"))
    ]
    bot = make_bot()
    body = make_content()["conversation"] | {"messages": messages}
    make_draft(bot=bot, conversation=body)
    conversation.add_messages(
        body["id"], [{"id": "m9", "author": "customer", "text": "Hello?", "sent_at": None}], bot=bot
    )
    page = amina.claim()
    folded = page.root.one("details", class_="earlier")
    assert folded.one("summary").words == "3 earlier messages"
    assert "Customer wrote New since the draft Hello?" in page.words
    assert "The AI draft does not know the new message." in page.words


@pytest.mark.parametrize("more", [0, 2])
def test_only_the_last_messages_of_a_long_conversation_are_shown(amina, more):
    numbers = range(queries.MESSAGES + more)
    messages = [{"id": f"m{n}", "author": "customer", "text": f"Message {n}.", "sent_at": None} for n in numbers]
    draft = make_draft(conversation=make_content()["conversation"] | {"messages": messages})
    for page in (amina.claim(), amina.open(f"/drafts/{draft.pk}")):
        assert ("2 messages before these are not shown." in page.words) == bool(more)
        assert ("not shown" in page.words) == bool(more)
        assert [n for n in numbers if f"Message {n}." in page.words] == list(numbers[more:])


@pytest.mark.parametrize("seconds", [0, 3])
def test_it_is_said_before_what_is_sent_at_once(amina, seconds):
    make_queue(channel_holds={"email": seconds})
    draft = make_draft()
    assert ("Sends at once, cannot be undone." in amina.claim().words) == (seconds == 0)
    page = amina.decide(draft.pk, "approve")
    assert ("No decision is held." in page.words) == (seconds == 0)


@pytest.mark.parametrize(
    ("draft", "mode", "says"),
    [
        ({"kind": "sentiment"}, "", "Final"),
        ({}, "edit", "Sends"),
        ({}, "reject", "Final"),
        ({}, "hand", None),
    ],
)
def test_what_sends_nothing_is_final_at_once(amina, draft, mode, says):
    make_queue(hold_seconds=0)
    make_draft(**draft)
    amina.claim()
    assert at_once(amina.open(f"/desk?{mode}=1")) == says


def test_a_sandbox_sends_nothing_at_once(amina):
    make_queue(hold_seconds=0)
    make_draft(bot=make_bot(sandbox=True))
    assert at_once(amina.claim()) == "Final"


def test_a_first_vote_is_no_end(browse):
    make_queue(hold_seconds=0, seats=2)
    amina, ben = browse(make_agent("amina")), browse(make_agent("ben"))
    draft = make_draft()
    assert at_once(amina.claim()) is None
    amina.decide(draft.pk, "approve")
    assert at_once(ben.claim()) == "Sends"


def at_once(page):
    """What the bar says of it, which is also what it is described by."""
    said = [word for word in ("Final", "Sends") if f"{word} at once, cannot be undone." in page.words]
    described = page.root.one("section", id="decide").attributes.get("aria-describedby")
    assert bool(said) == (described == "at-once")
    return said[0] if said else None


def test_evidence_links_lead_to_the_web_only(amina):
    make_draft(
        evidence=[
            {"title": "Order", "url": "https://shop.example/4821", "quote": "shipped"},
            {"title": "Trap", "url": "javascript:alert(1)", "quote": None},
        ]
    )
    page = amina.claim()
    links = [link.attributes["href"] for link in page.root.one("aside").all("a", target="_blank")]
    assert "javascript:" not in page.html
    assert [link for link in links if not link.startswith("/")] == ["https://shop.example/4821"]
    assert "Trap" in page.root.one("aside").words


def test_what_a_bot_calls_its_segments_breaks_no_page(amina):
    make_draft(segments={"items": "3", "keys": "two"})
    facts = amina.claim().root.one("aside").words
    assert "keystwoitems3" in facts


def test_an_error_found_at_submit_takes_approve_away_and_marks_the_place(amina):
    draft = make_draft(text="Order {{Order Number}} is on its way.")
    page = amina.claim()
    assert page.root.one("mark").text == "{{Order Number}}"
    assert "It cannot be approved as it is" in page.words
    assert "A" not in page.keys
    page = amina.decide(draft.pk, "approve", status=422)
    assert "A placeholder is not filled in." in page.words
    assert Decision.objects.count() == 0


def test_a_warning_makes_approve_a_second_thought(amina):
    make_queue(promise_words=["guarantee"])
    draft = make_draft(text="We guarantee that it arrives.")
    page = amina.claim()
    assert "Warning: The queue's list of promises has these words. guarantee" in page.words
    assert (
        page.root.one("ul", class_="found").one("a").attributes["href"] == f"#{page.root.one('mark').attributes['id']}"
    )
    assert "A" not in page.keys
    assert page.keys["Shift+A"] == "Approve anyway"
    page = amina.decide(draft.pk, "approve", status=422)
    assert "The text needs a second look" in page.words
    button = amina.open("/desk").root.one("button", name="override")
    amina.decide(draft.pk, "approve", override=button.attributes["value"])
    assert Decision.objects.get().feedback.overridden == ["promise"]


def test_an_edit_with_a_warning_is_sent_by_a_second_button(amina):
    make_queue(promise_words=["guarantee"])
    draft = make_draft(text="It arrives.")
    amina.claim()
    assert not amina.open("/desk?edit=1").root.all("button", name="override")
    typed = "We guarantee it."
    page = amina.decide(draft.pk, "edit", status=422, text=typed)
    assert page.root.one("textarea", name="text").text == typed
    page = amina.press(f"/drafts/{draft.pk}/preview", text=typed)
    button = page.root.one("button", name="override")
    assert (button.words, button.attributes["value"]) == ("Send anyway", "promise")
    amina.decide(draft.pk, "edit", text=typed, override="promise")
    assert Decision.objects.get().feedback.overridden == ["promise"]
    assert "Warnings set aside" in amina.open(f"/drafts/{draft.pk}").words


def test_without_the_right_to_edit_there_is_no_edit(amina):
    make_draft(allowed=["approve", "reject"])
    assert set(amina.claim().keys) == {"A", "C", "F", "I", "R", "S", "Ctrl+Enter"}
    assert "Your edit" not in amina.open("/desk?edit=1").words


def test_an_erased_text_says_so(amina, as_role):
    draft = make_draft()
    claim.claim(draft.pk, by=amina.user)
    with as_role("eraser"):
        Body.objects.filter(pk=draft.body_id).update(text=None, salt=None)
    assert "This text was erased." in amina.open("/desk").words


# --- Deciding -----------------------------------------------------------------------------------------------


def test_approve_then_the_next_draft(amina):
    first, second = make_draft(), make_draft()
    amina.claim()
    page = amina.decide(first.pk, "approve")
    assert page.root.one("h1").words.startswith(f"#{second.pk}")
    decision = Decision.objects.get()
    assert (decision.draft_id, decision.verdict, decision.by_agent) == (first.pk, "approved", amina.user)
    assert f"Held: #{first.pk} approved. Sends at" in page.words


def test_a_double_click_decides_once(amina):
    first, second = make_draft(), make_draft()
    amina.claim()
    page = amina.page
    amina.decide(first.pk, "approve")
    amina.page = page
    assert amina.decide(first.pk, "approve").root.one("h1").words.startswith(f"#{second.pk}")
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("other", [{"text": "second thoughts"}, {"verdict": "approve"}, {"verdict": "discard"}])
def test_a_form_that_was_used_says_nothing_else_later(amina, other):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?edit=1")
    address = f"/drafts/{draft.pk}/decision"
    form = amina.page.form(address) | {"text": "first thoughts"}
    assert amina.client.post(address, form).status_code == 302
    page = amina._read(amina.client.post(address, form | other), 409)
    assert "you decided this at" in page.words
    assert amina.client.post(address, form).status_code == 302
    assert Vote.objects.get().final.text == "first thoughts"


def test_an_edit_survives_as_typed_leading_line_end_and_all(amina):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?edit=1")
    amina.decide(draft.pk, "edit", text=EDIT.replace("\n", "\r\n"))
    assert Decision.objects.get().by_vote.final.text == EDIT


def test_an_untouched_editor_approves_even_a_text_that_begins_with_a_line_end(amina):
    draft = make_draft(text="\nHello\nworld\n")
    amina.claim()
    amina.open("/desk?edit=1")
    amina.decide(draft.pk, "edit")
    assert Decision.objects.get().verdict == "approved"


def test_preview_shows_the_changes_and_keeps_the_text(amina):
    draft = make_draft(text="We will refund you within 14 days.")
    amina.claim()
    amina.open("/desk?edit=1")
    typed = "\r\nWe will refund you within 5 days. {{Name}}"
    page = amina.press(f"/drafts/{draft.pk}/preview", form=f"/drafts/{draft.pk}/decision", text=typed)
    assert page.root.one("textarea", name="text").text == "\nWe will refund you within 5 days. {{Name}}"
    assert page.root.all("del")[0].words == "deleted: 14"
    assert "Error: A placeholder is not filled in. {{Name}}" in page.words
    assert Draft.objects.get().status == "claimed"
    assert Decision.objects.count() == 0


def test_a_text_that_is_too_long_is_neither_compared_nor_lost(amina, settings):
    settings.API_TEXT_BYTES = 100
    draft = make_draft()
    amina.claim()
    amina.open("/desk?edit=1")
    typed = "é" * 51
    path = f"/drafts/{draft.pk}"
    page = amina.press(f"{path}/preview", 422, form=f"{path}/decision", text=typed)
    assert "102 bytes; 100 are the limit" in page.words
    assert page.root.one("textarea", id="kept").text == typed


def test_reject_needs_a_reason_and_keeps_the_note(amina):
    draft = make_draft()
    amina.claim()
    page = amina.open("/desk?reject=1")
    reasons = [option.attributes["value"] for option in page.root.all("input", type="radio")]
    assert reasons == [
        "wrong-facts",
        "wrong-tone",
        "unsafe",
        "wrong-language",
        "no-answer",
        "policy",
        "person",
        "spam",
        "other",
    ]
    page = amina.decide(draft.pk, "reject", status=422, note="Because\r\nof this")
    assert "Nothing was decided Choose a reason for the rejection." in page.words
    assert page.root.one("textarea", id="note").text == "Because\nof this"
    assert page.root.one("title").words.startswith("Error:")
    amina.decide(draft.pk, "reject", reasons="other", note="Because\r\nof this")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.feedback.reasons, decision.feedback.note.text) == (
        "rejected",
        ["other"],
        "Because\nof this",
    )


def test_a_reason_that_needs_a_note_is_refused_without_one(amina):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?reject=1")
    page = amina.decide(draft.pk, "reject", status=422, reasons="other", note=" ")
    assert "Nothing was decided Other needs a note that says more." in page.words
    assert "checked" in page.root.one("input", value="other").attributes
    note = page.root.one("textarea", id="note").attributes
    assert note["aria-invalid"] == "true"
    assert "Other needs a note" in page.root.one("p", id=note["aria-describedby"]).words
    amina.decide(draft.pk, "reject", note="Because of this")
    assert Decision.objects.get().feedback.reasons == ["other"]


def test_a_reason_that_there_is_not_is_refused_inside_the_form(amina):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?reject=1")
    page = amina.decide(draft.pk, "reject", status=422, reasons="weather", note="Because of this")
    assert "There is no reason 'weather'." in page.words
    assert page.root.one("textarea", id="note").text == "Because of this"


@pytest.mark.parametrize("viewed", ["", "4200", "-3", "soon", "9" * 30, "9" * 5000])
def test_a_damaged_clock_costs_nobody_a_decision(amina, viewed):
    draft = make_draft()
    amina.claim()
    amina.decide(draft.pk, "approve", viewed_ms=viewed)
    assert Decision.objects.get().feedback.viewed_ms is not None


@pytest.mark.parametrize(
    "damage",
    [{"seen": "zz"}, {"epoch": ""}, {"decision_key": "1"}, {"verdict": "written"}, {"rev": "x"}, {"rev": 2**31}],
)
def test_a_damaged_form_decides_nothing_and_shows_the_draft_again(amina, damage):
    draft = make_draft()
    amina.claim()
    page = amina.press(f"/drafts/{draft.pk}/decision", 422, **{"verdict": "approve", **damage})
    assert "The form is damaged. Open the draft again." in page.words
    assert Decision.objects.count() == 0


def test_a_damaged_form_of_a_draft_that_has_left_the_desk_keeps_the_text(amina):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?edit=1")
    lease.release(draft.pk, by=amina.user, epoch=1)
    page = amina.decide(draft.pk, "edit", status=409, text="My words", decision_key="1")
    assert page.root.one("textarea", id="kept").text == "My words"


# --- Sentiment ----------------------------------------------------------------------------------------------


def test_labels_are_buttons_and_causes_go_along(amina):
    draft = make_draft(kind="sentiment", text="brilliant service 🙃", label="positive")
    page = amina.claim()
    assert page.root.one("section", class_="said customer").one("div").words == "brilliant service 🙃"
    labels = page.root.all("button", name="text")
    assert [(label.attributes["value"], label.attributes["data-key"]) for label in labels] == [
        ("positive", "1"),
        ("neutral", "2"),
        ("negative", "3"),
    ]
    amina.press(f"/drafts/{draft.pk}/decision", text="negative", causes=["sarcasm", "unclear"])
    decision = Decision.objects.get()
    assert (decision.verdict, decision.by_vote.final.text) == ("edited", "negative")
    assert decision.feedback.causes == ["sarcasm", "unclear"]


def test_the_ai_label_is_accepted_by_a_or_by_its_own_button(amina):
    first, second = (make_draft(kind="sentiment", label="neutral") for _ in range(2))
    amina.claim()
    amina.decide(first.pk, "approve")
    amina.press(f"/drafts/{second.pk}/decision", text="neutral")
    assert [decision.verdict for decision in Decision.objects.all()] == ["approved", "approved"]
    assert "label confirmed" in amina.page.words


def test_cannot_tell_is_a_rejection_with_a_reason(amina):
    draft = make_draft(kind="sentiment")
    amina.claim()
    page = amina.open("/desk?reject=1")
    assert "cannot-tell" in [option.attributes["value"] for option in page.root.all("input", type="radio")]
    amina.decide(draft.pk, "reject", reasons="cannot-tell", causes="slang")
    decision = Decision.objects.get()
    assert (decision.verdict, decision.feedback.causes) == ("rejected", ["slang"])


# --- Giving back, and what is held ---------------------------------------------------------------------------


def test_skip_brings_the_next_and_not_the_same_again(amina):
    first, second = make_draft(), make_draft()
    amina.claim()
    page = amina.press(f"/drafts/{first.pk}/skip")
    assert page.root.one("h1").words.startswith(f"#{second.pk}")
    page = amina.press(f"/drafts/{second.pk}/skip")
    assert "2 were skipped by you. The first comes back at" in page.words


def test_release_leaves_the_desk_clear(amina):
    draft = make_draft()
    amina.claim()
    page = amina.press(f"/drafts/{draft.pk}/release")
    assert "Ready for your next draft 1 draft waits in your queues." in page.words


def test_undo_brings_the_draft_back_with_what_was_typed(amina):
    draft = make_draft()
    amina.claim()
    amina.open("/desk?edit=1")
    amina.decide(draft.pk, "edit", text="My words")
    decision = Decision.objects.get()
    page = amina.press(f"/decisions/{decision.pk}/settlement", outcome="undone")
    assert page.root.one("textarea", name="text").text == "My words"
    page = amina.open("/desk")
    assert "Your edit is kept." in page.words
    amina.decide(draft.pk, "approve")
    assert [d.verdict for d in Decision.objects.order_by("id")] == ["edited", "approved"]


def test_send_now_ends_the_hold(amina):
    draft = make_draft()
    amina.claim()
    amina.decide(draft.pk, "approve")
    decision = Decision.objects.get()
    page = amina.press(f"/decisions/{decision.pk}/settlement", outcome="final")
    assert "No decision is held." in page.words
    assert decision.settlement.outcome == "final"


def test_held_longer_it_waits_for_who_decided(amina):
    draft = make_draft()
    amina.claim()
    page = amina.decide(draft.pk, "approve")
    decision = Decision.objects.get()
    assert "Hold longer" in page.words
    page = amina.press(f"/decisions/{decision.pk}/settlement", outcome="held")
    assert "Hold longer" not in page.words
    assert "Held as long as possible." in page.words
    assert decision.hold.until == decision.at + Hold.LONGEST
    amina.press(f"/decisions/{decision.pk}/settlement", outcome="final")
    amina.page = page
    page = amina.press(f"/decisions/{decision.pk}/settlement", 409, outcome="held")
    assert "The hold had ended, so the decision stands." in page.words


def test_undo_too_late_says_so(amina):
    draft = make_draft()
    amina.claim()
    page = amina.decide(draft.pk, "approve")
    decision = Decision.objects.get()
    amina.press(f"/decisions/{decision.pk}/settlement", outcome="final")
    amina.page = page
    page = amina.press(f"/decisions/{decision.pk}/settlement", 409, outcome="undone")
    assert "The hold had ended, so the decision stands." in page.words


def test_three_held_decisions_are_shown_and_z_undoes_the_newest(amina):
    drafts = [make_draft() for _ in range(5)]
    amina.claim()
    for draft in drafts:
        amina.decide(draft.pk, "approve")
    strip = amina.page.root.one("section", class_="strip")
    assert [item.words.split()[1] for item in strip.all("li")[:3]] == [f"#{draft.pk}" for draft in drafts[:1:-1]]
    assert "2 more held" in strip.words
    assert amina.page.keys["Z"] == f"Undo #{drafts[-1].pk}"


def test_my_last_ten_decisions(amina):
    for _ in range(12):
        make_draft()
    amina.claim()
    for draft in Draft.objects.order_by("id"):
        amina.decide(draft.pk, "approve")
    page = amina.open("/decisions")
    assert len(page.root.one("tbody").all("tr")) == 10
    assert f"#{Draft.objects.latest('id').pk}" in page.root.one("tbody").all("tr")[0].words


# --- Nothing on the screen -----------------------------------------------------------------------------------


def test_the_empty_desk_names_its_reason(amina, browse):
    assert "Your queues are empty." in amina.open("/desk").words
    make_queue("other")
    make_draft(queue="other")
    assert "1 waits in queues or languages that are not yours." in amina.open("/desk").words
    make_draft()
    browse(make_agent("ben")).claim()
    assert "1 is open with others. ben (1). The first of these leases ends at" in amina.open("/desk").words


def test_somebody_without_a_queue_is_told(browse):
    page = browse(make_agent(queues=())).open("/desk")
    assert page.root.one("h1").words == "You are in no queue yet"


def test_claim_next_where_nothing_waits_stays_on_the_empty_desk(amina):
    assert "Nothing waits for you" in amina.claim().words


# --- Lease ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("epoch", "status"), [("7", 409), ("", 400), ("x", 400)])
def test_a_lease_of_somebody_else_is_not_renewed(amina, epoch, status):
    draft = make_draft()
    amina.claim()
    for verb in ("release", "skip"):
        assert amina.client.post(f"/drafts/{draft.pk}/{verb}", {"epoch": epoch}).status_code == status


# --- Conflicts -----------------------------------------------------------------------------------------------


def test_a_lost_lease_keeps_the_text_and_offers_the_next_draft(amina, browse):
    draft, _ = make_draft(), make_draft()
    amina.claim()
    page = amina.open("/desk?edit=1")
    lease.release(draft.pk, by=amina.user, epoch=1)
    claim.claim(draft.pk, by=make_agent("ben"))
    page = amina.decide(draft.pk, "edit", status=409, text="\nMy words")
    assert "ben has this draft since" in page.words
    assert page.root.one("textarea", id="kept").text == "\nMy words"
    assert page.root.one("button", class_="button main").words == "Next draft"
    assert amina.press("/claims").root.one("h1").words.startswith("#")


def test_a_newer_message_sends_the_agent_back_with_the_text(amina):
    bot = make_bot()
    draft = make_draft(bot=bot)
    amina.claim()
    amina.open("/desk?edit=1")
    conversation.add_messages(
        draft.conversation.ref, [{"id": "m9", "author": "customer", "text": "Hello?", "sent_at": None}], bot=bot
    )
    page = amina.decide(draft.pk, "edit", status=409, text="My words")
    assert "Nothing was decided. The draft is still yours, now with the new message." in page.words
    page = amina.press(f"/drafts/{draft.pk}/preview")
    assert page.root.one("textarea", name="text").text == "My words"
    assert "Hello?" in page.words
    amina.decide(draft.pk, "edit")
    assert Decision.objects.get().verdict == "edited"


def test_the_number_of_queries_of_the_desk_does_not_grow(amina, django_assert_num_queries):
    for length in (1, 3):
        messages = [{"id": f"m{n}", "author": "customer", "text": "?", "sent_at": None} for n in range(length)]
        draft = make_draft(conversation=make_content()["conversation"] | {"messages": messages})
        claim.claim(draft.pk, by=amina.user)
        amina.open("/desk")
        with django_assert_num_queries(15):
            amina.open("/desk")


def test_priority_queues_come_first(amina):
    Queue.objects.create(name="urgent", priority=0).agents.add(amina.user)
    make_draft()
    urgent = make_draft(queue="urgent")
    assert amina.claim().root.one("h1").words.startswith(f"#{urgent.pk}")
