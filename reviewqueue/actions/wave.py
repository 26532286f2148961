"""One wave of drafts that have nothing in common, stored together: each step is one statement for all of them."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import rfc8785
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from reviewqueue import checks, languages
from reviewqueue.actions.conversation import append, lock_conversations, open_conversations, refuse_mismatch
from reviewqueue.actions.log import line
from reviewqueue.actions.order import now_waiting
from reviewqueue.actions.supersede import supersede
from reviewqueue.actions.typed import move_on
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Body, Bot, Conversation, Customer, Draft, Lane, Queue, Source, Submission
from reviewqueue.queries.findings import one_text
from reviewqueue.queries.lanes import lanes_of
from reviewqueue.rows import insert, read

Content = Mapping[str, Any]

# Priority classes are this far apart in order_key: more than any due time in ms has.
PRIORITY_STEP = 10**13

# Locked against an opt-out until the drafts are stored. Locks are taken and rows with a name are stored in one order,
# so that two batches wait for each other in one direction.
# Found first, then locked in the order of ids: asked for at once, a plan made beside few customers walks through all.
CUSTOMERS = """
SELECT * FROM customer WHERE id = ANY (ARRAY(SELECT id FROM customer WHERE space = %s AND ref = ANY(%s)))
ORDER BY id FOR NO KEY UPDATE
"""
QUEUES = "SELECT * FROM queue WHERE name = ANY(%s)"
LANES = "SELECT * FROM lane WHERE queue_id = ANY(%s) AND language = ANY(%s) AND skills = '{}'"
SOURCES = """
SELECT * FROM source WHERE bot_id = %s AND (vendor, model, version, prompt_version)
  IN (SELECT unnest(%s::text[]), unnest(%s::text[]), unnest(%s::text[]), unnest(%s::text[]))
"""


class HandedIn(NamedTuple):
    """`content` is the validated body with all defaults, `canonical` the part that makes it "the same content"."""

    content: Content
    canonical: Content

    @property
    def touches(self) -> set[tuple[str, str]]:
        """What no other draft of its wave may touch."""
        conversation = self.content["conversation"]
        keys = {("draft", self.content["external_id"]), ("customer", self.content["customer"]["id"])}
        return keys | {("conversation", conversation["id"])} if conversation else keys

    def mac(self, key: bytes) -> bytes:
        """HMAC-SHA256 under the customer's key over the RFC 8785 form of what was handed in: 32 bytes."""
        return hmac.digest(key, rfc8785.dumps(dict(self.canonical)), hashlib.sha256)


class Submitted(NamedTuple):
    draft: Draft
    replayed: bool


@dataclass
class Entry:
    """One draft on its way into the database, and the rows that it will refer to."""

    handed_in: HandedIn
    queue: Queue
    customer: Customer
    conversation: Conversation | None

    @property
    def content(self) -> Content:
        return self.handed_in.content

    def due_at(self, now: datetime) -> datetime:
        stated = self.content["due_at"]
        return (stated and parse_datetime(stated)) or now + timedelta(seconds=self.queue.target_seconds)


@transaction.atomic
def store(wave: Mapping[int, HandedIn], bot: Bot) -> dict[int, Submitted | Refused]:
    """How each draft of the wave fares. IntegrityError, and nothing stored, where somebody else stored one of its rows.

    One that supersedes another must be alone; its refusal is raised.
    """
    refused, entries = _admitted(wave, bot)
    fared: dict[int, Submitted | Refused] = {**refused}
    if not entries:
        return fared
    new = [entry.customer for entry in entries.values() if entry.customer.pk is None]
    insert(sorted(new, key=lambda customer: customer.ref or ""))
    _conversations([entry for entry in entries.values() if entry.content["conversation"]], bot)
    stored = _drafts(list(entries.values()), bot)
    return fared | dict(zip(entries, stored, strict=True))


# --- What is there already, and whether it lets the drafts in -----------------------------------------------


def _admitted(wave: Mapping[int, HandedIn], bot: Bot) -> tuple[dict[int, Refused], dict[int, Entry]]:
    """(the drafts that are refused, the others with what they refer to: rows that are there are locked)"""
    stated = [draft.content for draft in wave.values()]
    queues = {queue.name: queue for queue in read(Queue, QUEUES, [list({one["queue"] for one in stated})])}
    refs = [one["customer"]["id"] for one in stated]
    customers = {customer.ref: customer for customer in read(Customer, CUSTOMERS, [bot.space, refs])}
    known = [one["conversation"]["id"] for one in stated if one["conversation"]]
    conversations = lock_conversations(known, bot.space) if known else {}
    refused: dict[int, Refused] = {}
    entries: dict[int, Entry] = {}
    for number, draft in wave.items():
        try:
            entries[number] = _admit(draft, bot, queues, customers, conversations)
        except Refused as refusal:
            refused[number] = refusal
    return refused, entries


def _admit(
    draft: HandedIn,
    bot: Bot,
    queues: Mapping[str, Queue],
    customers: Mapping[str | None, Customer],
    conversations: Mapping[str, Conversation],
) -> Entry:
    """Refused: unknown-queue, opted-out, conversation-mismatch."""
    stated = draft.content["customer"]
    queue = queues.get(draft.content["queue"])
    if queue is None:
        raise Refused("unknown-queue", f"There is no queue named {draft.content['queue']!r}.", pointer="/queue")
    customer = customers.get(stated["id"]) or Customer(space=bot.space, ref=stated["id"], name=stated["name"])
    if customer.opted_out_at is not None:
        raise Refused("opted-out", "This customer chose to be answered by people only.", pointer="/customer/id")
    conversation = None
    if draft.content["conversation"]:
        conversation = conversations.get(draft.content["conversation"]["id"])
    if conversation:
        refuse_mismatch(conversation, draft.content["conversation"], stated["id"])
    return Entry(draft, queue, customer, conversation)


# --- The rows -----------------------------------------------------------------------------------------------


def _conversations(entries: list[Entry], bot: Bot) -> None:
    new = sorted((entry for entry in entries if entry.conversation is None), key=_talk)
    opened = open_conversations([(entry.content["conversation"], entry.customer) for entry in new], bot.space)
    for entry, conversation in zip(new, opened, strict=True):
        entry.conversation = conversation
    arrived = [
        (entry.conversation, entry.content["conversation"]["messages"]) for entry in entries if entry.conversation
    ]
    append(arrived, set(opened))


def _talk(entry: Entry) -> str:
    return str(entry.content["conversation"]["id"])


def _drafts(entries: list[Entry], bot: Bot) -> list[Submitted]:
    texts = [_texts(entry) for entry in entries]
    insert([body for of_one in texts for body in of_one.values()])
    lanes, sources = _lanes(entries), _sources(entries, bot)
    now = timezone.now()
    drafts = [_draft(entry, bot, of_one["text"], lanes, now) for entry, of_one in zip(entries, texts, strict=True)]
    takes_over = None
    for entry, draft in zip(entries, drafts, strict=True):
        if entry.content["supersedes"]:
            takes_over = supersede(entry.content["supersedes"], draft, bot=bot)
    insert(drafts)
    for draft in drafts:
        if draft.supersedes_id:
            move_on(draft.supersedes_id, draft.pk)
    insert(
        _submission(entry, draft, of_one, sources, now)
        for entry, draft, of_one in zip(entries, drafts, texts, strict=True)
    )
    insert(
        line("draft.submitted", bot, draft=draft.pk, external_id_sha256=_sha256(draft.external_id)) for draft in drafts
    )
    if takes_over and takes_over.holder and drafts[0].lane_id in lanes_of(takes_over.holder):
        drafts = [_hand_over(drafts[0], takes_over)]
    else:
        now_waiting(*drafts)
    return [Submitted(draft, replayed=False) for draft in drafts]


def _texts(entry: Entry) -> dict[str, Body]:
    """Unsaved: the draft's own text or label, the text a label is about, and what the bot says it used."""
    content, customer_id = entry.content, entry.customer.pk
    if content["kind"] == "reply":
        texts = {"text": Body.of(content["reply"]["text"], ink="machine", customer_id=customer_id)}
    else:
        texts = {
            "text": Body.of(content["sentiment"]["label"], ink="machine", customer_id=customer_id),
            "about": Body.of(content["sentiment"]["text"], ink="customer", customer_id=customer_id),
        }
    if content["evidence"]:
        texts["evidence"] = Body.of(json.dumps(content["evidence"]), ink="machine", customer_id=customer_id)
    return texts


def _lanes(entries: list[Entry]) -> dict[tuple[int, str], Lane]:
    """The lane of each queue and language, as far as it is one: bots make no lanes without end. The submission keeps
    the tag."""
    asked = {(entry.queue.pk, languages.primary(entry.content["language"])) for entry in entries}
    found = read(Lane, LANES, [[queue for queue, _ in asked], [language for _, language in asked]])
    lanes = {(lane.queue_id, lane.language): lane for lane in found}
    new = [Lane(queue_id=queue, language=language, skills=[]) for queue, language in sorted(asked - lanes.keys())]
    return lanes | {(lane.queue_id, lane.language): lane for lane in insert(new)}


def _sources(entries: list[Entry], bot: Bot) -> dict[tuple[str, ...], Source]:
    asked = {_named(entry.content["source"]): entry.content["source"] for entry in entries}
    found = read(Source, SOURCES, [bot.pk, *map(list, zip(*asked, strict=True))])
    sources = {_named(vars(source)): source for source in found}
    new = [Source(bot=bot, **asked[name]) for name in sorted(asked.keys() - sources.keys())]
    return sources | {_named(vars(source)): source for source in insert(new)}


def _named(source: Mapping[str, str]) -> tuple[str, ...]:
    return source["vendor"], source["model"], source["version"], source["prompt_version"]


def _draft(entry: Entry, bot: Bot, text: Body, lanes: Mapping[tuple[int, str], Lane], now: datetime) -> Draft:
    content = entry.content
    return Draft(
        bot=bot,
        external_id=content["external_id"],
        submit_mac=entry.handed_in.mac(bytes(entry.customer.key or b"")),
        mode="sandbox" if bot.sandbox else "live",
        kind=content["kind"],
        seats=entry.queue.seats,
        customer=entry.customer,
        conversation=entry.conversation,
        body=text,
        digest=text.digest,
        lane=lanes[entry.queue.pk, languages.primary(content["language"])],
        order_key=order_key(entry.queue.priority, entry.due_at(now)),
        submitted_at=now,
        # Policy and checks run in this very transaction, so a draft is admitted at birth.
        status="waiting",
    )


def order_key(priority: int, due_at: datetime) -> int:
    """Priority class first, then due time in ms (1970 to 2286); also the Redis score, exact in a double."""
    return priority * PRIORITY_STEP + min(max(int(due_at.timestamp() * 1000), 0), PRIORITY_STEP - 1)


def _submission(
    entry: Entry, draft: Draft, texts: Mapping[str, Body], sources: Mapping[tuple[str, ...], Source], now: datetime
) -> Submission:
    content, sentiment = entry.content, entry.content["sentiment"] or {}
    return Submission(
        draft=draft,
        source=sources[_named(content["source"])],
        conversation_rev=entry.conversation.rev if entry.conversation else None,
        about=texts.get("about"),
        language=content["language"],
        confidence=content["confidence"],
        score=sentiment.get("score"),
        risk=content["risk"],
        due_at=entry.due_at(now),
        labels=sentiment.get("labels", []),
        evidence=texts.get("evidence"),
        segments=content["segments"],
        topics=content["topics"],
        allowed=content["allowed"],
        findings=[asdict(finding) for finding in checks.run(texts["text"].text or "", content["kind"], _about(entry))],
        metadata=content["metadata"],
    )


def _about(entry: Entry) -> checks.About:
    """For the checks: what came with the draft, and the queue's own lists."""
    content, talk = entry.content, entry.content["conversation"] or {}
    said = [message["text"] for message in talk.get("messages", ()) if message["author"] != "bot"]
    address = (talk.get("reply_to") or {}).get("address")
    return checks.About(
        language=content["language"],
        theirs=one_text(content["customer"]["name"], address, *said),
        promise_words=tuple(entry.queue.promise_words),
        known=tuple(entry.queue.known_hosts),
    )


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


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
