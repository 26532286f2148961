"""Conversations and the messages that arrive in them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.dateparse import parse_datetime

from reviewqueue.actions.log import log
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Bot, Conversation, Customer, Message
from reviewqueue.rows import ask, insert, read

Stated = Mapping[str, Any]

# Locks are taken in one order, so that two batches never wait for each other.
LOCK = """
SELECT conversation.*, (SELECT ref FROM customer WHERE id = conversation.customer_id) AS customer_ref
FROM conversation WHERE id = ANY (ARRAY(SELECT id FROM conversation WHERE space = %s AND ref = ANY(%s)))
ORDER BY id FOR NO KEY UPDATE
"""
KNOWN = "SELECT conversation_id, ref FROM message WHERE conversation_id = ANY(%s) AND ref = ANY(%s)"

INKS = {"customer": "customer", "agent": "human", "bot": "machine"}


def lock_conversations(refs: Iterable[str], space: str) -> dict[str, Conversation]:
    """The conversations that exist of these, by ref, locked to the end of the caller's transaction. `customer_ref` is
    their customer's."""
    return {found.ref: found for found in read(Conversation, LOCK, [space, sorted(refs)])}


def refuse_mismatch(conversation: Any, stated: Stated, customer_ref: str) -> None:
    """Refused: conversation-mismatch where it is another customer's, or is to be answered in another way."""
    if conversation.customer_ref != customer_ref:
        raise Refused(
            "conversation-mismatch",
            "This conversation belongs to another customer. Use another conversation id.",
            pointer="/conversation/id",
        )
    for field in ("reply_to", "channel"):
        if stated[field] and stated[field] != getattr(conversation, field):
            # The first statement stands: a later bot must not turn approved replies elsewhere unseen.
            raise Refused(
                "conversation-mismatch",
                f"This conversation has another {field}. Use another conversation id for another way to answer.",
                pointer=f"/conversation/{field}",
            )


def open_conversations(stated: Sequence[tuple[Stated, Customer]], space: str) -> list[Conversation]:
    """New conversations at rev 1, whose messages are appended next; IntegrityError where one was opened meanwhile."""
    subjects = [
        Body.of(one["subject"], ink="customer", customer_id=customer.pk) if one["subject"] else None
        for one, customer in stated
    ]
    insert([body for body in subjects if body])
    return insert(
        Conversation(
            space=space,
            ref=one["id"],
            customer=customer,
            channel=one["channel"],
            subject=subject,
            reply_to=one["reply_to"],
            rev=1,
        )
        for (one, customer), subject in zip(stated, subjects, strict=True)
    )


@transaction.atomic
def add_messages(ref: str, messages: Sequence[Stated], *, bot: Bot) -> Conversation:
    """Store the messages that are new by their id and raise the conversation's rev, so that a draft written before
    them is not decided unseen. Refused: not-found."""
    conversation = lock_conversations([ref], bot.space).get(ref)
    if conversation is None:
        raise Refused("not-found", "There is no such conversation.")
    if append([(conversation, messages)]):
        log("conversation.messages", bot, conversation=conversation.pk, rev=conversation.rev)
    return conversation


def append(arrived: Sequence[tuple[Conversation, Sequence[Stated]]], opened: Collection[Conversation] = ()) -> int:
    """Store the messages that are new to each conversation, which the caller has locked; how many.

    A conversation with new messages gets its next rev; those of one that was just opened belong to its first.
    """
    known = _known([(conversation, messages) for conversation, messages in arrived if conversation not in opened])
    fresh = [
        (conversation, [message for message in messages if (conversation.pk, message["id"]) not in known])
        for conversation, messages in arrived
    ]
    if raised := [conversation for conversation, new in fresh if new and conversation not in opened]:
        Conversation.objects.filter(pk__in=[conversation.pk for conversation in raised]).update(rev=F("rev") + 1)
        for conversation in raised:
            conversation.rev += 1
    stored = [(conversation, message) for conversation, new in fresh for message in new]
    bodies = insert(
        Body.of(message["text"], ink=INKS[message["author"]], customer_id=conversation.customer_id)
        for conversation, message in stored
    )
    insert(
        Message(
            conversation=conversation,
            ref=message["id"],
            author=message["author"],
            body=body,
            sent_at=parse_datetime(message["sent_at"] or ""),
            rev=conversation.rev,
        )
        for (conversation, message), body in zip(stored, bodies, strict=True)
    )
    return len(stored)


def _known(arrived: Sequence[tuple[Conversation, Sequence[Stated]]]) -> set[tuple[int, str]]:
    """(conversation id, message ref) of those that are stored already."""
    asked = [(conversation.pk, message["id"]) for conversation, messages in arrived for message in messages]
    if not asked:
        return set()
    return set(ask(KNOWN, [list({pk for pk, _ in asked}), list({ref for _, ref in asked})]))
