"""Conversations and the messages that arrive in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from reviewqueue.actions.log import log
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Bot, Conversation, Customer, Message


def open_conversation(stated: Mapping[str, Any] | None, *, customer: Customer, bot: Bot) -> Conversation | None:
    """The conversation a bot named, with the messages that were new to us; None for a label without one.

    Runs inside the caller's transaction. Refused: conversation-mismatch where its id belongs to another customer.
    """
    if stated is None:
        return None
    conversation = _find(stated["id"], bot) or _new(stated, customer, bot)
    if conversation.customer_id != customer.pk:
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
    _append(conversation, stated["messages"], customer)
    return conversation


def _find(ref: str, bot: Bot) -> Conversation | None:
    """The conversation, locked."""
    return Conversation.objects.select_for_update(no_key=True).filter(space=bot.space, ref=ref).first()


def _new(stated: Mapping[str, Any], customer: Customer, bot: Bot) -> Conversation:
    subject = _body(stated["subject"], customer, ink="customer") if stated["subject"] else None
    Conversation.objects.bulk_create(
        [
            Conversation(
                space=bot.space,
                ref=stated["id"],
                customer=customer,
                channel=stated["channel"],
                subject=subject,
                reply_to=stated["reply_to"],
                rev=0,
            )
        ],
        ignore_conflicts=True,
    )
    return Conversation.objects.select_for_update(no_key=True).get(space=bot.space, ref=stated["id"])


@transaction.atomic
def add_messages(ref: str, messages: Sequence[Mapping[str, Any]], *, bot: Bot) -> Conversation:
    """Store the messages that are new by their id and raise the conversation's rev, so that a draft written before
    them is not decided unseen. Refused: not-found."""
    conversation = _find(ref, bot)
    if conversation is None:
        raise Refused("not-found", "There is no such conversation.")
    if _append(conversation, messages, conversation.customer):
        log("conversation.messages", bot, conversation=conversation.pk, rev=conversation.rev)
    return conversation


def _append(conversation: Conversation, messages: Sequence[Mapping[str, Any]], customer: Customer) -> int:
    """How many messages were new. The conversation's row is locked by the caller."""
    known = set(conversation.messages.values_list("ref", flat=True)) if conversation.rev else set()
    new = [message for message in messages if message["id"] not in known]
    if not new and conversation.rev:
        return 0
    conversation.rev += 1
    conversation.save(update_fields=["rev"])
    inks = {"customer": "customer", "agent": "human", "bot": "machine"}
    bodies = [Body.of(message["text"], ink=inks[message["author"]], customer_id=customer.pk) for message in new]
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            ref=message["id"],
            author=message["author"],
            body=body,
            sent_at=parse_datetime(message["sent_at"] or ""),
            rev=conversation.rev,
        )
        for message, body in zip(new, Body.objects.bulk_create(bodies), strict=True)
    )
    return len(new)


def _body(text: str, customer: Customer, *, ink: str) -> Body:
    body = Body.of(text, ink=ink, customer_id=customer.pk)
    body.save()
    return body
