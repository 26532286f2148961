"""A draft's page: what was said, drafted, decided and sent, in the order in which it happened."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from reviewqueue.care import is_blind
from reviewqueue.edits import word_diff
from reviewqueue.models import Decision, Delivery, Draft, Handover, Message, Note, User, Vote
from reviewqueue.queries.desk import DRAFT_WITH_ALL, last_messages, notes_on
from reviewqueue.queries.drafts import OPEN
from reviewqueue.queries.handovers import Handed, Judged, handed_on, judged
from reviewqueue.queries.lanes import lanes_of, may_write
from reviewqueue.queries.reasons import reason_words


@dataclass(frozen=True)
class Round:
    """One decision and what came of it."""

    decision: Decision
    text: str | None
    diff: list[tuple[str, str]]
    reasons: list[str]
    votes: list[Judged]
    marks: list[str]
    deliveries: list[Delivery]

    @property
    def state(self) -> str:
        """held, final or undone."""
        settlement = getattr(self.decision, "settlement", None)
        return settlement.outcome if settlement else "held"

    @property
    def seconds(self) -> float | None:
        """Time on the draft."""
        viewed_ms = self.decision.feedback.viewed_ms
        return None if viewed_ms is None else viewed_ms / 1000


@dataclass(frozen=True)
class Timeline:
    draft: Draft
    unshown: int
    messages: list[Message]
    rounds: list[Round]
    claimable: bool
    hidden: bool
    notes: list[Note]
    handed: list[Handed]
    corrections: list[Draft]
    newer: Draft | None
    writable: bool
    correctable: bool


def visible(user: User) -> "QuerySet[Draft]":
    """The drafts whose page the user may open: those of the own lanes, the ones judged or given away, and all for
    a lead."""
    if user.leads:
        return Draft.objects.all()
    if not user.decides:
        return Draft.objects.none()
    judged_by = Vote.objects.filter(agent=user).values("draft")
    given_by = Handover.objects.filter(by=user).values("draft")
    return Draft.objects.filter(Q(lane__in=lanes_of(user)) | Q(pk__in=judged_by) | Q(pk__in=given_by))


def timeline(draft_id: int, user: User) -> Timeline | None:
    """The page of one draft, or None where there is none or the user may not see it."""
    draft = visible(user).select_related(*DRAFT_WITH_ALL, "holder").filter(pk=draft_id).first()
    if draft is None:
        return None
    reasons = reason_words(draft.kind)
    messages, unshown = last_messages(draft)
    writable = may_write(draft, user)
    return Timeline(
        draft=draft,
        unshown=unshown,
        messages=messages,
        rounds=[_round(decision, draft, reasons) for decision in _decisions(draft)],
        claimable=draft.status == "waiting"
        and (user.leads or draft.lane_id in lanes_of(user))
        and not _voted(draft, user),
        handed=handed_on(draft),
        corrections=list(draft.corrections.order_by("id")),
        newer=Draft.objects.filter(supersedes=draft).first(),
        writable=writable,
        correctable=writable and draft.deliveries.filter(status__in=("delivered", "unknown")).exists(),
        hidden=draft.status in OPEN and is_blind(draft),
        notes=notes_on(draft),
    )


def delivery(delivery_id: int, user: User) -> Delivery | None:
    """A delivery of a draft that the user may see."""
    return Delivery.objects.filter(pk=delivery_id, draft__in=visible(user)).first()


def _decisions(draft: Draft) -> "QuerySet[Decision]":
    return (
        Decision.objects.filter(draft=draft)
        .select_related("by_agent", "settlement", "hold", "by_vote__final", "feedback__note")
        .prefetch_related("deliveries__tries", "deliveries__endpoint")
        .order_by("round")
    )


def _voted(draft: Draft, user: User) -> bool:
    """Nobody votes twice in a round."""
    return draft.seats > 1 and Vote.objects.filter(draft=draft, round=draft.round, agent=user).exists()


def _votes(decision: Decision) -> list[Vote]:
    found = Vote.objects.filter(draft=decision.draft_id, round=decision.round)
    return list(found.select_related("agent", "final", "remark__note").order_by("seat"))


def _round(decision: Decision, draft: Draft, reasons: dict[str, str]) -> Round:
    final = decision.by_vote.final
    text = final.text if final else None
    about = draft.submission.about.text if draft.submission.about else None
    edited = decision.verdict == "edited" and draft.kind == "reply"
    diff = word_diff(draft.body.text, text) if edited and draft.body.text is not None and text is not None else []
    return Round(
        decision=decision,
        text=text,
        diff=diff,
        marks=[about[start:end] for start, end in decision.feedback.spans] if about else [],
        reasons=[reasons.get(slug, slug) for slug in decision.feedback.reasons],
        votes=judged(draft, _votes(decision)) if decision.seats > 1 else [],
        deliveries=list(decision.deliveries.all()),
    )
