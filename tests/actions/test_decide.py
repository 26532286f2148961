"""Deciding: who may, on what they saw, for which reasons, and once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue.actions import claim, conversation, decide
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Decision, Delivery, Draft, Feedback, Hold, User
from tests.actions.test_submit import everything
from tests.factories import make_agent, make_bot, make_content, make_draft, make_endpoint, make_queue, seen


def claimed(agent: User, **draft: Any) -> Draft:
    return claim.claim(make_draft(**draft).pk, by=agent)


def refused(act: Callable[..., Decision], draft_id: int, **form: Any) -> Refused:
    """The refusal, which left nothing behind."""
    before, status = everything(), list(Draft.objects.order_by("id").values_list("status", "epoch", "holder"))
    with pytest.raises(Refused) as refusal:
        act(draft_id, **form)
    assert everything() == before
    assert list(Draft.objects.order_by("id").values_list("status", "epoch", "holder")) == status
    return refusal.value


# --- Once (races of two: tests/faults/test_races.py) ------------------------------------------------------------


@pytest.mark.django_db
def test_a_key_belongs_to_one_form():
    ann, ben = make_agent(), make_agent()
    draft = claimed(ann)
    form = seen(draft, ann)
    decision = decide.approve(draft.pk, **form)
    assert decide.approve(draft.pk, **form) == decision
    # The first press counts, and whoever meant another one is told.
    assert refused(decide.edit, draft.pk, text="Other.", **form).code == "already-decided"
    assert refused(decide.reject, draft.pk, reasons=["wrong-facts"], **form).code == "already-decided"
    other = claimed(ann)
    stale = seen(other, ann) | {"decision_key": form["decision_key"]}
    assert refused(decide.edit, other.pk, text="typed", **stale).facts == {"draft_id": other.pk, "text": "typed"}
    assert refused(decide.approve, draft.pk, **form | {"by": ben}).code == "already-decided"


# --- Who, and on what -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_the_holder_of_the_newest_claim_decides():
    ann, ben = make_agent(), make_agent()
    draft = claimed(ann)
    for by, epoch in ((ben, draft.epoch), (ann, draft.epoch - 1), (ann, draft.epoch + 1)):
        form = seen(draft, ann) | {"by": by, "epoch": epoch}
        assert refused(decide.approve, draft.pk, **form).code == "lease-lost"
    never = make_draft()
    assert refused(decide.approve, never.pk, **seen(never, ann)).code == "lease-lost"
    assert refused(decide.approve, 0, **seen(draft, ann)).code == "not-found"


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"role": "auditor"}, {"is_active": False}])
def test_who_may_not_decide_any_more(change):
    agent = make_agent()
    draft = claimed(agent)
    User.objects.filter(pk=agent.pk).update(**change)
    form = seen(draft, User.objects.get(pk=agent.pk))
    assert refused(decide.edit, draft.pk, text="typed", **form).code == "not-allowed"


@pytest.mark.django_db
def test_a_form_made_for_another_text_is_refused():
    agent = make_agent()
    draft, other = claimed(agent, text="one"), make_draft(text="two")
    for digest in (bytes(other.digest), b"", bytes(32)):
        refusal = refused(decide.edit, draft.pk, text="typed", **seen(draft, agent) | {"seen": digest})
        assert (refusal.code, refusal.facts["text"]) == ("draft-changed", "typed")


@pytest.mark.django_db
def test_a_newer_message_must_have_been_seen():
    agent = make_agent()
    draft = claimed(agent)
    newer = [{"id": "m2", "author": "customer", "text": "Never mind!", "sent_at": None}]
    conversation.add_messages(draft.conversation.ref, newer, bot=draft.bot)
    for rev in (1, None, 0, 3):
        form = seen(draft, agent) | {"rev": rev}
        assert refused(decide.approve, draft.pk, **form).code == "newer-message"
        assert refused(decide.edit, draft.pk, text="typed", **form).facts["text"] == "typed"
        assert refused(decide.reject, draft.pk, reasons=["spam"], **form).code == "newer-message"
    decision = decide.approve(draft.pk, **seen(draft, agent) | {"rev": 2})
    assert decision.by_vote.conversation_rev == 2


# --- What -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reasons", "note", "says"),
    [
        ([], "", "Choose a reason"),
        (["nonsense"], "", "no reason 'nonsense'"),
        (["cannot-tell"], "", "no reason 'cannot-tell'"),  # a reason for labels
        (["other"], "", "needs a note"),
        (["other"], " \n\t ", "needs a note"),
        (["spam", "other"], "", "needs a note"),
    ],
)
def test_a_rejection_says_why(reasons, note, says):
    agent = make_agent()
    draft = claimed(agent)
    refusal = refused(decide.reject, draft.pk, reasons=reasons, note=note, **seen(draft, agent))
    assert refusal.code == "reason-missing"
    assert says in refusal.detail


@pytest.mark.django_db
def test_reasons_note_and_causes_are_kept():
    agent = make_agent()
    draft = claimed(agent)
    form = seen(draft, agent)
    assert refused(decide.approve, draft.pk, **form, causes=["boredom"]).code == "reason-missing"
    assert refused(decide.edit, draft.pk, text="x", reasons=["nonsense"], **form).code == "reason-missing"
    decide.reject(draft.pk, reasons=["other", "spam"], note=" too\r\nlong ", causes=["slang"], **form)
    feedback = Feedback.objects.get()
    assert (feedback.reasons, feedback.causes) == (["other", "spam"], ["slang"])
    assert (feedback.note.text, feedback.note.ink, feedback.note.customer) == (" too\nlong ", "human", draft.customer)
    assert (feedback.after, feedback.edit_rate, feedback.edit_unit) == (None, None, None)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", " ", "\n\r\n", "\u00a0\u3000"])
def test_an_empty_text_is_not_sent(text):
    agent = make_agent()
    draft = claimed(agent)
    assert refused(decide.edit, draft.pk, text=text, **seen(draft, agent)).code == "check-failed"


@pytest.mark.django_db
def test_a_placeholder_is_not_sent_also_when_a_person_typed_it():
    agent = make_agent()
    draft = claimed(agent)
    refusal = refused(decide.edit, draft.pk, text="Dear {{name}}, {{name}}!", **seen(draft, agent))
    assert refusal.detail == "A placeholder is not filled in. Change the text, or reject the draft."
    assert refusal.facts["text"] == "Dear {{name}}, {{name}}!"
    unfilled = claimed(agent, text="Dear {{name}}")
    decide.reject(unfilled.pk, reasons=["wrong-facts"], **seen(unfilled, agent))


@pytest.mark.django_db
def test_a_warning_is_set_aside_by_name_and_that_is_recorded():
    make_queue(promise_words=["guarantee"], known_hosts=["acme.example"])
    agent = make_agent()
    text = "We guarantee it, see https://evil.example/a."
    draft = claimed(agent, text=text)
    refusal = refused(decide.approve, draft.pk, **seen(draft, agent))
    assert (refusal.code, refusal.facts["draft_id"]) == ("check-warning", draft.pk)
    refusal = refused(decide.approve, draft.pk, override=["promise"], **seen(draft, agent))
    assert refusal.detail.startswith("The queue does not know where this link leads.")
    decide.approve(draft.pk, override=["promise", "link", "language"], **seen(draft, agent))
    feedback = Feedback.objects.get()
    assert feedback.overridden == ["link", "promise"]
    assert [(found["check"], text[found["start"] : found["end"]]) for found in feedback.findings] == [
        ("promise", "guarantee"),
        ("link", "https://evil.example"),
    ]
    assert "words" not in str(feedback.findings)


@pytest.mark.django_db
def test_findings_take_no_further_statement(django_assert_num_queries):
    make_queue(promise_words=["guarantee"], known_hosts=["acme.example"])
    agent = make_agent()
    plain = claimed(agent, text="It left today.")
    with CaptureQueriesContext(connection) as statements:
        decide.approve(plain.pk, **seen(plain, agent))
    warned = claimed(agent, text="We guarantee it.")
    with django_assert_num_queries(len(statements)):
        decide.approve(warned.pk, override=["promise"], **seen(warned, agent))


@pytest.mark.django_db
def test_the_findings_kept_are_those_of_the_text_decided_on():
    make_queue(promise_words=["guarantee"])
    agent = make_agent()
    edited = claimed(agent, text="We guarantee {{name}}.")
    decide.edit(edited.pk, text="We try.", **seen(edited, agent))
    rejected = claimed(agent, text="We guarantee {{name}}.")
    decide.reject(rejected.pk, reasons=["wrong-tone"], override=["promise"], **seen(rejected, agent))
    kept = {row.decision.draft_id: row for row in Feedback.objects.select_related("decision")}
    assert (kept[edited.pk].findings, kept[edited.pk].overridden) == ([], [])
    assert [found["check"] for found in kept[rejected.pk].findings] == ["placeholder", "promise"]
    assert kept[rejected.pk].overridden == []


@pytest.mark.django_db
def test_what_the_customer_wrote_in_an_earlier_message_is_theirs_to_read():
    agent = make_agent()
    content = make_content()["conversation"]
    told = {"id": "m0", "author": "customer", "text": "Mine is jane.doe@mail.acme.io", "sent_at": None}
    said = {"id": "m1", "author": "bot", "text": "And joe.doe@mail.acme.io?", "sent_at": None}
    make_draft(
        bot=(bot := make_bot()), conversation=content | {"messages": [told, said]}, customer={"id": "c", "name": None}
    )
    later = {"conversation": content | {"messages": [{**told, "id": "m2", "text": "Hello?"}]}}
    fine = claimed(
        agent, bot=bot, text="We write to jane.doe@mail.acme.io.", customer={"id": "c", "name": None}, **later
    )
    assert decide.approve(fine.pk, **seen(fine, agent)).verdict == "approved"
    leak = claimed(
        agent, bot=bot, text="We write to joe.doe@mail.acme.io.", customer={"id": "c", "name": None}, **later
    )
    assert refused(decide.approve, leak.pk, **seen(leak, agent)).code == "check-failed"


@pytest.mark.django_db
def test_what_a_person_types_has_the_limit_of_a_bots_text(settings):
    settings.API_TEXT_BYTES = 60
    agent = make_agent()
    draft = claimed(agent)
    form = seen(draft, agent)
    long = "é" * 31
    for refusal in (
        refused(decide.edit, draft.pk, text=long, **form),
        refused(decide.edit, draft.pk, text="Short.", note=long, **form),
        refused(decide.reject, draft.pk, reasons=["other"], note=long, **form),
    ):
        assert (refusal.code, refusal.detail[:21]) == ("check-failed", "The text has 62 bytes")
    decide.reject(draft.pk, reasons=["other"], note="é" * 30, **form)


@pytest.mark.django_db
def test_a_label_is_one_of_the_bots_labels():
    agent = make_agent()
    draft = claimed(agent, kind="sentiment", labels=["glad", "sad"], label="glad")
    for text in ("positive", "Glad", "glad ", ""):
        assert refused(decide.edit, draft.pk, text=text, **seen(draft, agent)).code == "check-failed"
    assert refused(decide.reject, draft.pk, reasons=["wrong-tone"], **seen(draft, agent)).code == "reason-missing"
    decision = decide.edit(draft.pk, text="sad", **seen(draft, agent))
    assert (decision.verdict, decision.by_vote.final.text) == ("edited", "sad")
    assert Feedback.objects.get().edit_rate is None


@pytest.mark.django_db
def test_a_bot_that_allows_no_edits_gets_none():
    agent = make_agent()
    draft = claimed(agent, text="As is.", allowed=["approve", "reject"])
    refusal = refused(decide.edit, draft.pk, text="Changed.", **seen(draft, agent))
    assert (refusal.code, refusal.facts["text"]) == ("not-allowed", "Changed.")
    assert decide.edit(draft.pk, text="As is.", **seen(draft, agent)).verdict == "approved"


TYPED = {
    "emoji": "👩\u200d👩\u200d👧\u200d👦 🇩🇪",
    "right to left": "مرحبا\u200f",
    "separators": "a\u3000b\xa0",
    "spaces": " x ",
    "not normalised": "e\u0301",
    "long": "ä" * 5000,
    "no width": "x\u2060y",
}


@pytest.mark.django_db
@pytest.mark.parametrize("text", TYPED.values(), ids=TYPED)
def test_what_a_person_typed_is_kept_to_the_last_character(text):
    agent = make_agent()
    draft = claimed(agent)
    decision = decide.edit(draft.pk, text=text, **seen(draft, agent))
    assert Decision.objects.get(pk=decision.pk).by_vote.final.text == text


# --- What is recorded -----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "shown_ago", "least", "most"),
    [
        (5_000, 60, 5_000, 5_000),
        (10**9, 60, 60_000, 70_000),  # at most what the server saw
        (None, 60, 60_000, 70_000),
        (-7, 60, 0, 0),
        (0, 60, 0, 0),
        (10**9, 3 * 24 * 3600, 24 * 3600 * 1000, 24 * 3600 * 1000),
        (5_000, -60, 0, 0),  # the clocks of two machines
        (5_000, None, None, None),
    ],
)
def test_time_on_a_draft_is_the_browsers_within_reason(told, shown_ago, least, most):
    agent = make_agent()
    draft = claimed(agent)
    shown_at = None if shown_ago is None else timezone.now() - timedelta(seconds=shown_ago)
    Draft.objects.filter(pk=draft.pk).update(shown_at=shown_at)
    decide.approve(draft.pk, **seen(draft, agent), viewed_ms=told)
    viewed_ms = Feedback.objects.get().viewed_ms
    assert viewed_ms is None if least is None else least <= viewed_ms <= most


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, 10, 1800])
def test_the_hold_is_the_queues(seconds):
    make_queue(hold_seconds=seconds)
    make_endpoint()
    agent = make_agent()
    draft = claimed(agent)
    decision = decide.approve(draft.pk, **seen(draft, agent))
    hold = Hold.objects.get(pk=decision.pk)
    assert abs((hold.until - timezone.now()).total_seconds() - seconds) < 5
    assert (hold.settled_at is not None) == (seconds == 0)
    assert Delivery.objects.get().settled == ("final" if seconds == 0 else None)


@pytest.mark.django_db
def test_a_channel_has_a_hold_of_its_own():
    make_queue(hold_seconds=600, channel_holds={"chat": 30, "sms": 0})
    make_endpoint()
    agent = make_agent()
    for channel, seconds in (("chat", 30), ("sms", 0), ("email", 600), ("", 600)):
        draft = claimed(agent, conversation=_conversation(channel))
        decision = decide.approve(draft.pk, **seen(draft, agent))
        hold = Hold.objects.get(pk=decision.pk)
        assert hold.until - decision.at == timedelta(seconds=seconds), channel
        assert (hold.settled_at is not None) == (seconds == 0), channel
    for of_label in (None, _conversation("sms")):
        label = claimed(agent, kind="sentiment", conversation=of_label)
        decision = decide.approve(label.pk, **seen(label, agent))
        hold = Hold.objects.get(pk=decision.pk)
        assert hold.until - decision.at == timedelta(seconds=600), "nobody waits for a label"


@pytest.mark.django_db
def test_a_decision_in_a_chat_is_held_for_three_seconds_where_nobody_said_otherwise():
    agent = make_agent()
    draft = claimed(agent, conversation=_conversation("chat"))
    decision = decide.approve(draft.pk, **seen(draft, agent))
    assert Hold.objects.get(pk=decision.pk).until - decision.at == timedelta(seconds=3)


@pytest.mark.django_db
def test_a_reply_goes_to_the_endpoints_of_its_channel_or_else_to_those_of_all():
    agent = make_agent()
    mail, other = make_endpoint(channel="email"), make_endpoint()
    make_queue("vip")
    make_endpoint(queue="vip")
    by_mail = claimed(agent)
    chat = claimed(agent, conversation=_conversation("chat"))
    assert [d.endpoint for d in decide.approve(by_mail.pk, **seen(by_mail, agent)).deliveries.all()] == [mail]
    assert [d.endpoint for d in decide.approve(chat.pk, **seen(chat, agent)).deliveries.all()] == [other]
    rejected, label = claimed(agent), claimed(agent, kind="sentiment", bot=make_bot())
    assert not decide.reject(rejected.pk, reasons=["spam"], **seen(rejected, agent)).deliveries.exists()
    assert not decide.approve(label.pk, **seen(label, agent)).deliveries.exists()


def _conversation(channel: str) -> dict[str, Any]:
    messages = [{"id": "m1", "author": "customer", "text": "Hi", "sent_at": None}]
    return {"id": str(uuid4()), "channel": channel, "subject": None, "reply_to": None, "messages": messages}
