"""A bot hands in a draft. It is ours once the transaction has committed, and only then do we answer."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import rfc8785
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from reviewqueue import checks, languages
from reviewqueue.actions.conversation import open_conversation
from reviewqueue.actions.log import log
from reviewqueue.actions.order import now_waiting
from reviewqueue.actions.supersede import supersede
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Body, Bot, Conversation, Customer, Draft, Lane, Queue, Source, Submission
from reviewqueue.queries.lanes import lanes_of

Content = Mapping[str, Any]

# Priority classes are this far apart in order_key: more than any due time in ms has.
PRIORITY_STEP = 10**13


class Submitted(NamedTuple):
    draft: Draft
    replayed: bool


def submit(content: Content, canonical: Content, *, bot: Bot) -> Submitted:
    """Store a draft, or find it again: the same external_id with the same content is a replay, before any policy.

    `content` is the validated body with all defaults, `canonical` the part that makes it "the same content".
    Refused: external-id-reused, erased, opted-out, unknown-queue, conversation-mismatch, not-found (supersedes),
    already-decided, already-delivered. After any of them nothing is stored.
    """
    if found := _replay(content, canonical, bot):
        return found
    try:
        return _store(content, canonical, bot)
    except IntegrityError:
        # The same external_id arrived twice at once, and the other one won the unique index.
        if found := _replay(content, canonical, bot):
            return found
        raise


def _replay(content: Content, canonical: Content, bot: Bot) -> Submitted | None:
    draft = Draft.objects.filter(bot=bot, external_id=content["external_id"]).select_related("customer").first()
    if draft is None:
        return None
    if draft.customer.key is None or draft.submit_mac is None:
        raise Refused("erased", "This draft was erased; its external_id stays used.", draft_id=draft.pk)
    if not hmac.compare_digest(bytes(draft.submit_mac), mac(bytes(draft.customer.key), canonical)):
        raise Refused(
            "external-id-reused",
            "This external_id was used with other content. Send changed content under a new external_id.",
            pointer="/external_id",
            draft_id=draft.pk,
        )
    return Submitted(draft, replayed=True)


def mac(key: bytes, canonical: Content) -> bytes:
    """HMAC-SHA256 under the customer's key over the RFC 8785 form of what was submitted: 32 bytes."""
    return hmac.digest(key, rfc8785.dumps(dict(canonical)), hashlib.sha256)


@transaction.atomic
def _store(content: Content, canonical: Content, bot: Bot) -> Submitted:
    queue = Queue.objects.filter(name=content["queue"]).first()
    if queue is None:
        raise Refused("unknown-queue", f"There is no queue named {content['queue']!r}.", pointer="/queue")
    customer = _customer(content["customer"], bot)
    conversation = open_conversation(content["conversation"], customer=customer, bot=bot)
    text, about = _texts(content, customer)
    now = timezone.now()
    due_at = parse_datetime(content["due_at"] or "") or now + timedelta(seconds=queue.target_seconds)
    draft = Draft(
        bot=bot,
        external_id=content["external_id"],
        submit_mac=mac(bytes(customer.key or b""), canonical),
        mode="sandbox" if bot.sandbox else "live",
        kind=content["kind"],
        customer=customer,
        conversation=conversation,
        body=text,
        digest=text.digest,
        lane=_lane(queue, content["language"]),
        order_key=order_key(queue.priority, due_at),
        submitted_at=now,
        # Policy and checks run in this very transaction, so a draft is admitted at birth.
        status="waiting",
    )
    takes_over = supersede(content["supersedes"], draft, bot=bot) if content["supersedes"] else None
    draft.save()
    _submission(content, draft, about, conversation, due_at)
    log("draft.submitted", bot, draft=draft.pk, external_id_sha256=_sha256(draft.external_id))
    if takes_over and takes_over.holder and draft.lane_id in lanes_of(takes_over.holder):
        draft = _hand_over(draft, takes_over)
    else:
        now_waiting(draft)
    return Submitted(draft, replayed=False)


def _hand_over(draft: Draft, takes_over: Draft) -> Draft:
    """The draft it replaces was on somebody's screen: the same agent goes on with the new one."""
    (draft,) = move(
        Draft.objects.filter(pk=draft.pk),
        DRAFT["claim"],
        holder=takes_over.holder_id,
        last_holder=takes_over.holder_id,
        slot=takes_over.slot,
        lease_until=takes_over.lease_until,
        shown_at=timezone.now(),
        epoch=draft.epoch + 1,
    )
    return draft


def _customer(stated: Content, bot: Bot) -> Customer:
    """The customer's row, locked against an opt-out until the draft is stored."""
    Customer.objects.bulk_create(
        [Customer(space=bot.space, ref=stated["id"], name=stated["name"])], ignore_conflicts=True
    )
    customer = Customer.objects.select_for_update(no_key=True).get(space=bot.space, ref=stated["id"])
    if customer.opted_out_at is not None:
        raise Refused("opted-out", "This customer chose to be answered by people only.", pointer="/customer/id")
    return customer


def _texts(content: Content, customer: Customer) -> tuple[Body, Body | None]:
    """(the draft's own text or label, the text a label is about), stored."""
    if content["kind"] == "reply":
        text = Body.of(content["reply"]["text"], ink="machine", customer_id=customer.pk)
        text.save()
        return text, None
    label = Body.of(content["sentiment"]["label"], ink="machine", customer_id=customer.pk)
    about = Body.of(content["sentiment"]["text"], ink="customer", customer_id=customer.pk)
    label.save()
    about.save()
    return label, about


def _lane(queue: Queue, tag: str) -> Lane:
    """The lane of the language, as far as it is one: bots make no lanes without end. The submission keeps the tag."""
    lane, _ = Lane.objects.get_or_create(queue=queue, language=languages.primary(tag), skills=[])
    return lane


def order_key(priority: int, due_at: datetime) -> int:
    """Priority class first, then due time in ms (1970 to 2286); also the Redis score, exact in a double."""
    return priority * PRIORITY_STEP + min(max(int(due_at.timestamp() * 1000), 0), PRIORITY_STEP - 1)


def _submission(
    content: Content, draft: Draft, about: Body | None, conversation: Conversation | None, due_at: datetime
) -> None:
    sentiment = content["sentiment"] or {}
    source, _ = Source.objects.get_or_create(bot=draft.bot, **content["source"])
    evidence = None
    if content["evidence"]:
        evidence = Body.of(json.dumps(content["evidence"]), ink="machine", customer_id=draft.customer_id)
        evidence.save()
    Submission.objects.create(
        draft=draft,
        source=source,
        conversation_rev=conversation.rev if conversation else None,
        about=about,
        language=content["language"],
        confidence=content["confidence"],
        score=sentiment.get("score"),
        risk=content["risk"],
        due_at=due_at,
        labels=sentiment.get("labels", []),
        evidence=evidence,
        segments=content["segments"],
        topics=content["topics"],
        allowed=content["allowed"],
        findings=[asdict(finding) for finding in checks.run(draft.body.text or "", draft.kind)],
        metadata=content["metadata"],
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
