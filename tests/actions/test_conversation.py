"""Where a conversation is answered, and what a decision knows of it."""

import threading

import pytest
from django.db import connection, transaction

from reviewqueue.actions import claim, decide
from reviewqueue.actions.conversation import add_messages
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Conversation, Draft
from tests.factories import make_agent, make_bot, make_content, make_draft, seen

LATER = [{"id": "m2", "author": "customer", "text": "And now?", "sent_at": None}]


def answered_at(address: str | None, channel: str = "email") -> dict:
    reply_to = address and {"address": address, "message_id": None, "references": []}
    return make_content()["conversation"] | {"id": "conv-x", "reply_to": reply_to, "channel": channel}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("later", "pointer"),
    [
        (answered_at("evil@example.org"), "/conversation/reply_to"),
        (answered_at("sam@example.org", "chat"), "/conversation/channel"),
    ],
)
def test_a_later_draft_cannot_turn_the_answers_of_a_conversation_elsewhere(later, pointer):
    customer = {"id": "cust-x", "name": None}
    make_draft(customer=customer, conversation=answered_at("sam@example.org"))
    with pytest.raises(Refused, match="conversation-mismatch") as refused:
        make_draft(customer=customer, conversation=later)
    assert refused.value.facts["pointer"] == pointer
    assert Draft.objects.count() == 1
    make_draft(customer=customer, conversation=answered_at(None, ""))
    assert Conversation.objects.get().reply_to["address"] == "sam@example.org"


@pytest.mark.django_db
def test_what_a_sandbox_bot_makes_up_stays_in_a_space_of_its_own():
    customer = {"id": "cust-x", "name": None}
    make_draft(bot=make_bot(sandbox=True), customer=customer, conversation=answered_at("made-up@example.org"))
    make_draft(customer=customer, conversation=answered_at("sam@example.org"))
    assert Conversation.objects.get(space="main").reply_to["address"] == "sam@example.org"


def test_a_message_is_either_seen_by_a_decision_or_waits_for_it(committed, in_threads):
    """The draft is locked by somebody else, so that deciding takes long; meanwhile the customer writes."""
    agent, bot = make_agent(), make_bot()
    draft = claim.claim(make_draft(bot=bot).pk, by=agent)
    conversation, form = draft.conversation, seen(draft, agent)
    locked = threading.Event()

    def hold_the_draft() -> None:
        with transaction.atomic():
            Draft.objects.select_for_update().get(pk=draft.pk)
            locked.set()
            _until_waiting(2)

    def approve() -> None:
        assert locked.wait(20)
        decide.approve(draft.pk, **form)

    def write() -> str:
        assert locked.wait(20)
        _until_waiting(1)
        add_messages(conversation.ref, LATER, bot=bot)
        return Draft.objects.get(pk=draft.pk).status

    answers = in_threads(3, lambda number: (hold_the_draft, approve, write)[number]())
    assert answers == [None, None, "decided"]


def _until_waiting(sessions: int) -> None:
    """Returns once so many sessions wait for locks that others hold."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= sessions:
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    raise AssertionError(f"not {sessions} sessions wait")
