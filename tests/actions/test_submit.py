"""Handing in: what is ours once we said so, what is refused, and that a refusal leaves nothing behind."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from reviewqueue.actions import bots, claim, conversation, decide, lease, settle
from reviewqueue.actions.submit import submit
from reviewqueue.actions.wave import Submitted, order_key
from reviewqueue.actions.withdraw import withdraw
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Bot, Conversation, Customer, Decision, Delivery, Draft, Event, Hold, Lane, Message
from tests.factories import (
    make_agent,
    make_bot,
    make_content,
    make_decision,
    make_draft,
    make_endpoint,
    make_queue,
    seen,
)


def hand_in(content: dict[str, Any], bot: Bot) -> Submitted:
    canonical = {name: value for name, value in content.items() if name not in ("metadata", "confidence", "due_at")}
    return submit(content, canonical, bot=bot)


def everything() -> dict[str, int]:
    """How many rows each table of ours has."""
    return {model._meta.db_table: model.objects.count() for model in apps.get_app_config("reviewqueue").get_models()}


def refused(content: dict[str, Any], bot: Bot) -> Refused:
    """The refusal, which left nothing behind."""
    before = everything()
    with pytest.raises(Refused) as refusal:
        hand_in(content, bot)
    assert everything() == before
    return refusal.value


def again(draft: Draft) -> Draft:
    return Draft.objects.get(pk=draft.pk)


# --- The same draft again -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_content_again_is_the_same_draft():
    bot, content = make_bot(), make_content()
    first = hand_in(content, bot)
    before = everything()
    second = hand_in(content | {"metadata": {"a": 1}, "confidence": 0.1, "due_at": "2030-01-01T00:00:00Z"}, bot)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.draft == second.draft
    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"reply": {"text": "Something else."}},
        {"queue": "vip"},
        {"language": "de"},
        {"risk": "high"},
        {"customer": {"id": "somebody-else", "name": "Sam"}},
        {"source": {"vendor": "acme", "model": "small", "version": "2", "prompt_version": "p1"}},
        {"allowed": ["approve", "reject"]},
        {"segments": {"tier": "gold"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_content_under_the_same_id_is_refused(change):
    bot, content = make_bot(), make_content()
    draft = hand_in(content, bot).draft
    refusal = refused(content | change, bot)
    assert (refusal.code, refusal.facts) == ("external-id-reused", {"pointer": "/external_id", "draft_id": draft.pk})


@pytest.mark.django_db
def test_an_id_is_a_bots_own():
    content = make_content()
    ours, theirs = hand_in(content, make_bot()), hand_in(content | {"reply": {"text": "Other."}}, make_bot())
    assert ours.draft != theirs.draft
    assert (ours.replayed, theirs.replayed) == (False, False)


@pytest.mark.usefixtures("committed")
def test_twenty_drafts_of_one_new_customer_at_once_are_twenty_drafts(in_threads):
    """One customer, one conversation, one lane and one source, all new, and none made twice."""
    bot, content = make_bot(), make_content(language="ja")
    answers = in_threads(20, lambda n: hand_in(content | {"external_id": f"parallel-{n}"}, bot))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert Draft.objects.count() == 20
    counts = everything()
    assert [counts[table] for table in ("customer", "conversation", "message", "source")] == [1, 1, 1, 1]


@pytest.mark.django_db
def test_a_replay_is_answered_before_any_policy():
    bot, content = make_bot(), make_content()
    draft = hand_in(content, bot).draft
    Customer.objects.update(opted_out_at=timezone.now())
    assert hand_in(content, bot) == (draft, True)


@pytest.mark.django_db
def test_an_erased_draft_keeps_its_id_for_ever(as_role):
    bot, content = make_bot(), make_content()
    hand_in(content, bot)
    with as_role("eraser"):
        Customer.objects.update(ref=None, name=None, key=None)
    for again_or_changed in (content, content | {"reply": {"text": "Other."}}):
        assert refused(again_or_changed, bot).code == "erased"


# --- What is refused ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_customer_who_opted_out_gets_no_drafts():
    bot, content = make_bot(), make_content()
    hand_in(content, bot)
    Customer.objects.update(opted_out_at=timezone.now())
    refusal = refused(content | {"external_id": "other"}, bot)
    assert (refusal.code, refusal.facts["pointer"]) == ("opted-out", "/customer/id")
    # In another space the same id is somebody else.
    assert not hand_in(content, make_bot(space="other")).replayed


@pytest.mark.django_db
def test_a_queue_must_be_there():
    refusal = refused(make_content(queue="nowhere"), make_bot())
    assert (refusal.code, refusal.facts) == ("unknown-queue", {"pointer": "/queue"})


@pytest.mark.django_db
def test_a_conversation_belongs_to_one_customer():
    bot, content = make_bot(), make_content()
    hand_in(content, bot)
    refusal = refused(content | {"external_id": "other", "customer": {"id": "thief", "name": None}}, bot)
    assert (refusal.code, refusal.facts) == ("conversation-mismatch", {"pointer": "/conversation/id"})


@pytest.mark.django_db
def test_what_is_superseded_must_be_there_and_the_bots_own():
    draft = make_draft()
    for name in ("nothing", draft.external_id):
        refusal = refused(make_content(supersedes=name), make_bot())
        assert (refusal.code, refusal.facts) == ("not-found", {"pointer": "/supersedes"})


# --- Conversations --------------------------------------------------------------------------------------------


def message(number: int, text: str = "And?") -> dict[str, Any]:
    return {"id": f"m{number}", "author": "customer", "text": text, "sent_at": None}


@pytest.mark.django_db
def test_new_messages_raise_the_revision_and_known_ones_do_not():
    bot, content = make_bot(), make_content()
    draft = hand_in(content, bot).draft
    ref = draft.conversation.ref
    assert (draft.conversation.rev, draft.submission.conversation_rev) == (1, 1)
    assert conversation.add_messages(ref, [message(1, "changed")], bot=bot).rev == 1
    assert conversation.add_messages(ref, [message(1), message(2), message(3)], bot=bot).rev == 2
    longer = content["conversation"] | {"messages": [message(2), message(4)]}
    later = hand_in(content | {"external_id": "later", "conversation": longer}, bot).draft
    assert (later.conversation.rev, later.submission.conversation_rev) == (3, 3)
    said = list(Message.objects.values_list("ref", "rev", "body__text"))
    assert said == [("m1", 1, "Where is order 4821?"), ("m2", 2, "And?"), ("m3", 2, "And?"), ("m4", 3, "And?")]
    with pytest.raises(Refused, match="not-found"):
        conversation.add_messages(ref, [message(9)], bot=make_bot(space="other"))
    with pytest.raises(Refused, match="not-found"):
        conversation.add_messages("nothing", [message(9)], bot=bot)


@pytest.mark.django_db
def test_a_conversation_that_is_known_stores_no_subject_again():
    bot, content = make_bot(), make_content()
    hand_in(content, bot)
    before = Body.objects.count()
    hand_in(content | {"external_id": "second"}, bot)
    assert Body.objects.count() == before + 1  # the draft's own text
    assert Conversation.objects.get().subject.text == "Late parcel"


@pytest.mark.usefixtures("committed")
def test_messages_that_arrive_at_once_each_get_a_revision(in_threads):
    bot, content = make_bot(), make_content()
    ref = hand_in(content, bot).draft.conversation.ref
    answers = in_threads(10, lambda n: conversation.add_messages(ref, [message(2 + n % 5)], bot=bot))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert Conversation.objects.get().rev == 6
    assert sorted(Message.objects.values_list("rev", flat=True)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_who_said_something_decides_its_ink():
    messages = [message(1) | {"author": author, "id": author} for author in ("customer", "agent", "bot")]
    make_draft(conversation=make_content()["conversation"] | {"messages": messages})
    assert list(Message.objects.values_list("author", "body__ink")) == [
        ("customer", "customer"),
        ("agent", "human"),
        ("bot", "machine"),
    ]


# --- Superseding ----------------------------------------------------------------------------------------------


@pytest.fixture
def newer(db) -> Callable[..., Draft]:
    """newer(draft): the draft that takes its place, by the same bot and for the same customer."""

    def make(draft: Draft, **changes: Any) -> Draft:
        content = make_content(supersedes=draft.external_id, customer={"id": draft.customer.ref, "name": None})
        return hand_in(content | changes, draft.bot).draft

    return make


def test_a_waiting_draft_is_withdrawn_for_the_newer_one(newer):
    old = make_draft()
    new = newer(old)
    assert (again(old).status, new.status, new.supersedes) == ("withdrawn", "waiting", old)
    assert again(old).epoch == 1


@pytest.mark.parametrize("slot", [0, 1])
def test_a_claimed_draft_is_replaced_under_the_agents_hands(newer, slot):
    old, agent = make_draft(), make_agent()
    claimed = claim.claim_next(by=agent, slot=slot)
    new = newer(old)
    assert (again(old).status, again(old).holder, again(old).epoch) == ("withdrawn", None, 2)
    assert (new.status, new.holder, new.slot, new.lease_until) == ("claimed", agent, slot, claimed.lease_until)
    with pytest.raises(Refused, match="newer-draft") as refusal:
        decide.edit(old.pk, text="typed", **seen(claimed, agent))
    assert refusal.value.facts["text"] == "typed"
    # Also when that lease lapses first, the agent's decision counts.
    Draft.objects.filter(pk=new.pk).update(lease_until="2020-01-01T00:00Z")
    lease.lapse()
    assert decide.approve(new.pk, **seen(new, agent)).by_agent == agent


def test_a_draft_that_moves_to_a_lane_not_of_the_agent_waits_there(newer):
    make_queue("vip")
    agent = make_agent(languages=["en"])
    for changes in ({"queue": "vip"}, {"language": "de"}):
        old = make_draft()
        claim.claim(old.pk, by=agent)
        new = newer(old, **changes)
        assert (new.status, new.holder, again(old).status) == ("waiting", None, "withdrawn")


def test_a_held_decision_is_undone(newer):
    make_endpoint()
    decision = make_decision()
    new = newer(decision.draft)
    assert (again(decision.draft).status, new.status) == ("withdrawn", "waiting")
    assert Decision.objects.get().settlement.outcome == "undone"
    assert Delivery.objects.get().status == "cancelled"
    assert not Hold.objects.exists()


def test_a_final_decision_is_not(newer):
    make_endpoint()
    decision = make_decision()
    settle.send_now(decision.pk, by=decision.by_agent)
    content = make_content(
        supersedes=decision.draft.external_id, customer={"id": decision.draft.customer.ref, "name": None}
    )
    assert refused(content, decision.draft.bot).code == "already-decided"
    assert again(decision.draft).status == "decided"
    _deliver()
    assert refused(content, decision.draft.bot).code == "already-delivered"


def _deliver() -> None:
    for status in ("queued", "sending", "delivered"):
        delivery = Delivery.objects.get()
        delivery.status = status
        delivery.save(update_fields=["status"])


def test_a_draft_is_superseded_once(newer):
    old = make_draft()
    newer(old)
    content = make_content(supersedes=old.external_id, customer={"id": old.customer.ref, "name": None})
    refusal = refused(content, old.bot)
    assert (refusal.code, refusal.facts) == ("already-decided", {"pointer": "/supersedes"})


def test_a_withdrawn_draft_can_be_superseded_and_a_chain_goes_on(newer):
    first = make_draft()
    withdraw(first.pk, bot=first.bot)
    second = newer(first)
    third = newer(second)
    assert [again(draft).status for draft in (first, second, third)] == ["withdrawn", "withdrawn", "waiting"]


def test_a_draft_for_another_customer_supersedes_nothing(newer):
    old = make_draft()
    assert refused(make_content(supersedes=old.external_id), old.bot).code == "conversation-mismatch"


@pytest.mark.usefixtures("committed")
def test_superseding_against_undoing_leaves_one_truth(in_threads):
    """The bot replaces while the agent takes the decision back: no hold is left, and the old draft is gone."""
    for _ in range(6):
        decision = make_decision()
        draft = decision.draft
        content = make_content(supersedes=draft.external_id, customer={"id": draft.customer.ref, "name": None})

        def act(n: int, decision: Decision = decision, content: dict[str, Any] = content) -> object:
            bot = decision.draft.bot
            return hand_in(content, bot) if n else settle.undo(decision.pk, by=decision.by_agent)

        answers = in_threads(2, act)
        assert [a for a in answers if isinstance(a, Exception) and not isinstance(a, Refused)] == []
        assert isinstance(answers[1], Submitted)
        assert again(draft).status == "withdrawn"
        assert not Hold.objects.filter(decision__draft=draft).exists()


@pytest.mark.usefixtures("committed")
def test_superseding_and_undoing_take_their_locks_in_one_order(in_threads):
    """The draft, then its hold. The other way round, the two would wait for each other."""
    decision = make_decision()

    def act(n: int) -> None:
        if n == 1:
            time.sleep(0.2)
            settle.undo(decision.pk, by=decision.by_agent)
            return
        with transaction.atomic():  # as a bot's newer draft does
            Draft.objects.select_for_update().get(pk=decision.draft_id)
            time.sleep(0.6)
            Hold.objects.select_for_update().get(pk=decision.pk)

    assert in_threads(2, act) == [None, None]
    assert decision.settlement.outcome == "undone"


# --- Withdrawing ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_withdrawing_is_for_the_bot_itself_and_before_a_final_decision():
    waiting, agent = make_draft(), make_agent()
    claimed = claim.claim(make_draft().pk, by=agent)
    for draft in (waiting, claimed):
        assert withdraw(draft.pk, bot=draft.bot).status == "withdrawn"
        assert withdraw(draft.pk, bot=draft.bot).status == "withdrawn"
    assert Event.objects.filter(kind="draft.withdrawn").count() == 2
    with pytest.raises(Refused, match="withdrawn"):
        decide.approve(claimed.pk, **seen(claimed, agent))
    with pytest.raises(Refused, match="not-found"):
        withdraw(make_draft().pk, bot=make_bot())
    with pytest.raises(Refused, match="not-found"):
        withdraw(0, bot=waiting.bot)
    decision = make_decision()
    decided = decision.draft
    settle.send_now(decision.pk, by=decision.by_agent)
    with pytest.raises(Refused, match="already-decided"):
        withdraw(decided.pk, bot=decided.bot)


@pytest.mark.django_db
def test_made_up_languages_share_one_lane_and_keep_their_tag():
    drafts = [make_draft(language=f"q{letter}-Latn") for letter in "abcd"] + [make_draft(language="xyzzy")]
    assert {draft.lane.language for draft in drafts} == {"und"}
    assert drafts[0].submission.language == "qa-Latn"
    assert make_draft(language="pt-BR").lane.language == "pt"
    assert Lane.objects.filter(queue__name="default").count() == 2


# --- The rest -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_sandbox_draft_is_decided_like_any_other_and_leaves_for_nowhere():
    make_endpoint()
    make_queue(hold_seconds=0)
    decision = make_decision(bot=make_bot(sandbox=True))
    assert (decision.mode, decision.settlement.outcome) == ("sandbox", "final")
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_a_bot_that_is_known_keeps_its_space_and_its_sandbox():
    bot = bots.register("twice", sandbox=True)
    assert bots.register("twice") == bot
    assert Bot.objects.get(name="twice").sandbox is True


@pytest.mark.django_db
def test_the_log_holds_no_word_of_anybody():
    make_draft(text="SECRET reply", customer={"id": "SECRET-ref", "name": "SECRET name"}, external_id="SECRET-id")
    make_decision(verdict="edit", text="SECRET two")
    told = str(list(Event.objects.values_list("kind", "actor", "ids")))
    assert "SECRET" not in told
    assert "A person wrote this" not in told


@pytest.mark.parametrize(
    ("priority", "due", "key"),
    [
        (0, "1970-01-01T00:00:00+00:00", 0),
        (5, "2026-01-01T00:00:00+00:00", 5 * 10**13 + 1_767_225_600_000),
        (1, "0001-01-01T00:00:00+00:00", 10**13),
        (1, "9999-12-31T23:59:59+00:00", 2 * 10**13 - 1),
    ],
)
def test_due_time_never_leaves_its_priority_class(priority, due, key):
    assert order_key(priority, timezone.datetime.fromisoformat(due)) == key
    assert int(float(key)) == key
