"""What an agent's desk shows: the draft on the screen, the held decisions, and why there may be nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from reviewqueue import checks
from reviewqueue.care import is_blind, points, reading_seconds, tier
from reviewqueue.checks import Finding
from reviewqueue.models import (
    AgentDay,
    Consent,
    Decision,
    Delivery,
    Draft,
    Hold,
    Lane,
    Message,
    Note,
    Reason,
    Skip,
    Typed,
    User,
)
from reviewqueue.models.draft import NEVER
from reviewqueue.queries.findings import of_text
from reviewqueue.queries.handovers import Before, before, voters_before
from reviewqueue.queries.lanes import lanes_of
from reviewqueue.queries.rates import MANY, Line, record
from reviewqueue.rows import ask, composed

# The last messages of a conversation are open on the desk; earlier ones are folded away.
OPEN_MESSAGES = 1

# Labels that have a digit; the others stand in a list.
DIGITS = 9

# In tier normal an approval waits so long in the browser; in tier high a first paint comes a little after the server's.
HOLD_SECONDS = 1.5
PAINT_SECONDS = 0.5

# The most messages of a conversation that a page shows, the last ones: a conversation has no end, a page must have one.
MESSAGES = 50

# Held decisions shown under the decision bar; the rest is under "My decisions".
HELD = 3

# Others who are named where all is open with others.
OTHERS = 5

# Decisions listed under "My decisions".
LAST = 10

DRAFT_WITH_ALL = (
    "bot",
    "body",
    "customer",
    "conversation__subject",
    "lane__queue",
    "submission__source",
    "submission__about",
    "submission__evidence",
)


@dataclass(frozen=True)
class Bench:
    """Everything about one draft that the desk shows."""

    draft: Draft
    unshown: int
    earlier: list[Message]
    latest: list[Message]
    evidence: list[dict[str, Any]]
    record: Line
    reasons: list[Reason]
    kept: str | None
    notes: list[Note]
    before: Before
    consents: list[Consent]
    tier: str
    blind: bool

    @property
    def text(self) -> str:
        return self.draft.body.text or ""

    @property
    def seen(self) -> str:
        """The digest of the text on the screen, for the form."""
        return bytes(self.draft.digest).hex()

    @cached_property
    def found(self) -> list[Finding]:
        """What the checks find in the draft today: the queue's lists may have changed since it was handed in."""
        return [] if self.purged else of_text(self.text, self.draft)

    @property
    def blocked(self) -> list[Finding]:
        """The findings that keep the draft from being approved as it stands."""
        return checks.errors(self.found)

    @property
    def editable(self) -> bool:
        return "edit" in self.draft.submission.allowed

    @property
    def own(self) -> bool:
        """Begun by a person: there is no machine's text."""
        return self.draft.origin == "agent"

    @property
    def at_once(self) -> bool:
        """What is decided here is not held; it may be the last vote of several."""
        return self.draft.hold_seconds == 0 and self.before.seat >= self.draft.seats

    @property
    def sends(self) -> bool:
        return self.draft.kind == "reply" and self.draft.mode == "live"

    @property
    def newer(self) -> bool:
        """The customer wrote again after the bot read the conversation."""
        known = self.draft.submission.conversation_rev
        return bool(self.draft.conversation and known and self.draft.conversation.rev > known)

    @property
    def first_labels(self) -> list[str]:
        """Those that have a digit."""
        return self.draft.submission.labels[:DIGITS]

    @property
    def more_labels(self) -> list[str]:
        return self.draft.submission.labels[DIGITS:]

    @property
    def points(self) -> list[str]:
        """What can be confirmed in tier high."""
        return points(self.draft)

    @property
    def segments(self) -> list[tuple[str, str]]:
        """What the bot said of the customer. Not read in a template: there, a segment called `items` is what
        `.items` finds first."""
        return list(self.draft.submission.segments.items())

    @property
    def hold_ms(self) -> int:
        """How long from now on an approval has to wait."""
        seconds = HOLD_SECONDS
        if self.tier == "high":
            seconds = reading_seconds(self.text, self.draft.submission.language) + PAINT_SECONDS
        gone = (timezone.now() - self.draft.shown_at).total_seconds() if self.draft.shown_at else 0
        return max(0, round((seconds - gone) * 1000))

    @property
    def purged(self) -> bool:
        return self.draft.body.text is None


def on_screen(user: User, slot: int = 0) -> Bench | None:
    """The draft on the agent's screen, in slot 1 the one leased ahead; None where there is none."""
    found = _IN_SLOT[slot](user.pk)
    return bench(found[0], user) if found else None


def _in_slot(slot: int) -> "composed[Draft]":
    held = Draft.objects.filter(status="claimed", slot=slot).select_related(*DRAFT_WITH_ALL)
    return composed(lambda holder: held.filter(holder=holder))


_IN_SLOT = [_in_slot(0), _in_slot(1)]


def lease_left(user: User) -> int | None:
    """The seconds for which the draft on the agent's screen is still theirs."""
    until = Draft.objects.filter(holder=user, status="claimed", slot=0).values_list("lease_until", flat=True).first()
    return max(0, int((until - timezone.now()).total_seconds())) if until else None


def bench(draft: Draft, user: User) -> Bench:
    messages, unshown = last_messages(draft)
    fresh = _unknown_to_the_bot(draft, messages)
    split = max(0, len(messages) - max(OPEN_MESSAGES, len(fresh)))
    return Bench(
        draft=draft,
        unshown=unshown,
        earlier=messages[:split],
        latest=messages[split:],
        evidence=_evidence(draft),
        record=record(draft.bot_id, draft.kind),
        reasons=_REASONS[draft.kind](),
        kept=_kept(draft, user),
        notes=notes_on(draft),
        before=before(draft, user),
        consents=_consents(draft.customer_id),
        tier=tier(draft),
        blind=is_blind(draft),
    )


_REASONS = {kind: composed(Reason.objects.filter(kind=kind).all) for kind in ("reply", "sentiment")}


@composed
def _consents(customer: int) -> "QuerySet[Consent]":
    """The newest statement of each purpose."""
    return Consent.objects.filter(customer=customer).order_by("purpose", "-id").distinct("purpose")


def in_hand(draft_id: int, user: User) -> Draft | None:
    """A draft that the agent has, on the screen or ahead, or had last and nobody took since."""
    open_ones = Draft.objects.filter(pk=draft_id, status__in=("waiting", "claimed"))
    mine = Q(holder=user) | Q(holder=None, last_holder=user)
    return open_ones.filter(mine).select_related("body", "submission", "conversation", "lane__queue").first()


def notes_on(draft: Draft) -> list[Note]:
    """What colleagues wrote to each other about a draft, oldest first; without those who have judged it, as long as
    others are to judge it without a look at them."""
    hushed = voters_before(draft)
    return [note for note in _notes(draft.pk) if note.author_id not in hushed]


@composed
def _notes(draft: int) -> "QuerySet[Note]":
    return Note.objects.filter(draft=draft).select_related("author", "body").order_by("id")


def last_messages(draft: Draft) -> tuple[list[Message], int]:
    """(the last messages of the draft's conversation, oldest first; how many there are before them)"""
    last, before = _messages(draft.conversation_id), 0
    if len(last) == MESSAGES:
        before = Message.objects.filter(conversation=draft.conversation_id).count() - MESSAGES
    return last[::-1], before


@composed
def _messages(conversation: int) -> "QuerySet[Message]":
    return Message.objects.filter(conversation=conversation).select_related("body").order_by("-id")[:MESSAGES]


def _unknown_to_the_bot(draft: Draft, messages: list[Message]) -> list[Message]:
    known = draft.submission.conversation_rev
    return [message for message in messages if known and message.rev > known]


def _evidence(draft: Draft) -> list[dict[str, Any]]:
    """What the bot says it used. Only web addresses become links: `javascript:` is an address too."""
    body = draft.submission.evidence
    found: list[dict[str, Any]] = json.loads(body.text) if body and body.text else []
    for source in found:
        if not str(source.get("url", "")).startswith(("https://", "http://")):
            source["url"] = None
    return found


def _kept(draft: Draft, user: User) -> str | None:
    """What the agent has typed and not sent yet."""
    if draft.kind != "reply":
        return None
    typed = _typed(draft.pk, user.pk)
    return typed[0].text if typed else None


@composed
def _typed(draft: int, agent: int) -> "QuerySet[Typed]":
    return Typed.objects.filter(draft=draft, agent=agent)


def escalation_reasons() -> list[Reason]:
    return list(Reason.objects.filter(kind="escalation"))


def reasons_named(slugs: Sequence[str]) -> dict[str, Reason]:
    """The reasons there are of these, by slug."""
    return {reason.slug: reason for reason in Reason.objects.filter(slug__in=slugs)}


# --- Decisions of mine --------------------------------------------------------------------------------------


ALL_HELD = f"""
SELECT count(*) FROM (SELECT FROM hold JOIN decision ON decision.id = decision_id
WHERE by_agent_id = %s AND settled_at IS NULL LIMIT {MANY + 1}) AS few
"""  # noqa: S608  constants of this product


def held(user: User) -> tuple[list[Hold], int]:
    """(my last decisions that can still be undone, newest first; how many more there are, counted to MANY)"""
    last, more = _last_held(user.pk), 0
    if len(last) > HELD:
        ((held,),) = ask(ALL_HELD, [user.pk])
        more = held - HELD
    return last[:HELD], more


@composed
def _last_held(agent: int) -> "QuerySet[Hold]":
    found = Hold.objects.filter(decision__by_agent=agent, settled_at=None)
    return found.select_related("decision__draft__body", "decision__by_vote").order_by("-decision_id")[: HELD + 1]


@dataclass(frozen=True)
class Counters:
    """How many drafts wait in the agent's lanes, and how many the agent decided today; both counted to MANY."""

    left: int
    today: int


# The last of them first, and only then those of today: no more are read than are counted.
TODAY = f"""
SELECT count(*) FROM (SELECT id, at FROM decision WHERE by_agent_id = %s ORDER BY id DESC LIMIT {MANY + 1}) AS last
WHERE at >= %s AND (SELECT outcome FROM settlement WHERE decision_id = last.id) IS DISTINCT FROM 'undone'
"""  # noqa: S608  constants of this product
LEFT = f"""
SELECT count(*) FROM (SELECT FROM draft WHERE status = 'waiting' AND lane_id = ANY (%s) LIMIT {MANY + 1}) AS few
"""  # noqa: S608  constants of this product


def counters(user: User) -> Counters:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    ((today,),) = ask(TODAY, [user.pk, midnight])
    ((left,),) = ask(LEFT, [lanes_of(user)])
    return Counters(left, today)


def last_decisions(user: User) -> list[Decision]:
    """My last decisions, each with what became of it, newest first."""
    return list(
        Decision.objects.filter(by_agent=user)
        .select_related("draft__conversation__subject", "draft__submission", "hold", "settlement", "feedback")
        .prefetch_related("deliveries")
        .order_by("-id")[:LAST]
    )


def skips(user: User) -> list[Skip]:
    """The drafts that wait and stay away from me, the first to come back first."""
    return list(
        Skip.objects.filter(
            agent=user,
            until__gt=timezone.now(),
            until__lt=NEVER,
            draft__status="waiting",
            draft__lane__in=lanes_of(user),
        )
        .select_related("draft__conversation__subject", "draft__submission", "draft__lane__queue")
        .order_by("until", "pk")[:MANY]
    )


# The youngest deliveries in trouble that are looked at for those of one agent.
TROUBLES_LOOKED_AT = 1000
TROUBLES = 50


def troubles(user: User) -> list[Delivery]:
    """What only a person can take further, newest first: for a lead all of it, for an agent what they decided."""
    found = Delivery.objects.filter(status__in=("failed", "unknown")).order_by("-id")
    if not user.leads:
        young = list(found.values_list("pk", flat=True)[:TROUBLES_LOOKED_AT])
        found = found.filter(pk__in=young, decision__by_agent=user)
    with_names = ("draft__conversation__subject", "draft__submission", "draft__bot", "decision__by_agent", "endpoint")
    return list(found.select_related(*with_names).prefetch_related("tries")[:TROUBLES])


# --- Nothing on the screen ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nothing:
    """Why the desk is empty. Counts stop at MANY; `others` are those who have most of what is open with others."""

    waiting: int
    elsewhere: int
    with_others: int
    others: list[tuple[User, int]]
    first_lease_ends: datetime | None
    skipped: int
    voted: int
    first_skip_ends: datetime | None
    in_a_queue: bool
    decided_today: int


def nothing(user: User) -> Nothing:
    lanes = lanes_of(user)
    others = list(Lane.objects.exclude(pk__in=lanes).values_list("id", flat=True))
    skips = dict(
        Skip.objects.filter(
            agent=user, until__gt=timezone.now(), draft__status="waiting", draft__lane__in=lanes
        ).values_list("draft_id", "until")
    )
    ends = [until for until in skips.values() if until < NEVER]
    open_now = Draft.objects.filter(status="claimed", lane__in=lanes).exclude(holder=user)
    return Nothing(
        waiting=_some(_waiting(lanes).exclude(pk__in=list(skips))),
        elsewhere=_some(_waiting(others)),
        with_others=_some(open_now),
        others=_holders(open_now),
        first_lease_ends=open_now.aggregate(first=Min("lease_until"))["first"],
        skipped=len(ends),
        voted=len(skips) - len(ends),
        first_skip_ends=min(ends, default=None),
        in_a_queue=user.queues.exists(),
        decided_today=_decided_today(user),
    )


def _holders(drafts: "QuerySet[Draft]") -> list[tuple[User, int]]:
    most = drafts.values("holder").annotate(n=Count("pk")).order_by("-n", "holder")[:OTHERS]
    counts = dict(most.values_list("holder", "n"))
    people = User.objects.in_bulk(counts)
    return [(people[holder], n) for holder, n in counts.items()]


def _decided_today(user: User) -> int:
    """Final decisions of the UTC day in the user's queues, as far as they are counted."""
    days = AgentDay.objects.filter(day=datetime.now(UTC).date(), queue__in=user.queues.all())
    return sum(sum(row) for row in days.values_list("approved", "edited", "rejected", "returned"))


def _waiting(lanes: list[int]) -> "QuerySet[Draft]":
    return Draft.objects.filter(status="waiting", lane__in=lanes)


def _some(rows: "QuerySet[Any]") -> int:
    """How many there are, counted to one more than MANY: the cost does not grow with the queue."""
    return rows.order_by()[: MANY + 1].count()
