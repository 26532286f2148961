"""What others did with a draft before it came to this desk, as far as whoever has it now may know."""

from dataclasses import dataclass

from django.db.models import QuerySet

from reviewqueue.edits import word_diff
from reviewqueue.models import Decision, Draft, Handover, Typed, User, Vote
from reviewqueue.queries.lanes import is_writable, receivers
from reviewqueue.queries.reasons import reason_words
from reviewqueue.queries.returns import rounds_left
from reviewqueue.rows import composed


@dataclass(frozen=True)
class Handed:
    """One time that the draft changed hands, with the words of its reason."""

    handover: Handover
    why: str


@dataclass(frozen=True)
class Judged:
    """One of several votes, as the lead sees it who settles them."""

    vote: Vote
    diff: list[tuple[str, str]]
    reasons: list[str]

    @property
    def text(self) -> str | None:
        return self.vote.final.text if self.vote.final else None


@dataclass(frozen=True)
class Before:
    """`votes` are there only where they disagree and a lead looks: who is still to vote learns nothing of the others.
    `seat` is whose turn it is. `returned` is the decision that asked for this version."""

    handed: list[Handed]
    typed: list[Typed]
    votes: list[Judged]
    seat: int
    returned: Decision | None
    returnable: bool
    writable: bool


def before(draft: Draft, user: User) -> Before:
    handed = handed_on(draft)
    votes = list(_votes(draft)) if draft.seats > 1 else []
    disagree = len(votes) >= draft.seats and user.leads
    return Before(
        handed=handed,
        typed=_typed(draft, user, [one.handover for one in handed]),
        votes=judged(draft, votes) if disagree else [],
        seat=len(votes) + 1,
        returned=_returned(draft),
        returnable="return" in draft.submission.allowed and rounds_left(draft) > 0,
        writable=draft.origin == "bot" and is_writable(draft, user),
    )


def handed_on(draft: Draft) -> list[Handed]:
    """Without the words of those who have judged it, as long as others are to judge it without a look at them."""
    handovers = _handovers(draft.pk)
    hushed = voters_before(draft)
    for handover in handovers:
        if handover.by_id in hushed:
            handover.note = None
    escalated = any(handover.kind == "escalated" for handover in handovers)
    words = reason_words("escalation") if escalated else {}
    return [Handed(handover, words.get(handover.reason, handover.reason)) for handover in handovers]


@composed
def _handovers(draft: int) -> "QuerySet[Handover]":
    return Handover.objects.filter(draft=draft).select_related("by", "to", "note")


def voters_before(draft: Draft) -> list[int]:
    """Who has judged a draft that others are still to judge, knowing nothing of it."""
    if draft.seats == 1 or draft.status not in ("waiting", "claimed"):
        return []
    voters = list(draft.votes.filter(round=draft.round).values_list("agent", flat=True))
    return voters if len(voters) < draft.seats else []


def judged(draft: Draft, votes: list[Vote]) -> list[Judged]:
    labels = reason_words(draft.kind)
    return [_judged(draft, vote, labels) for vote in votes]


def _judged(draft: Draft, vote: Vote, labels: dict[str, str]) -> Judged:
    old, new = draft.body.text, vote.final.text if vote.final else None
    compared = draft.kind == "reply" and vote.verdict == "edited" and old is not None and new is not None
    remark = getattr(vote, "remark", None)
    reasons = [labels.get(slug, slug) for slug in remark.reasons] if remark else []
    return Judged(vote, word_diff(old or "", new or "") if compared else [], reasons)


def _votes(draft: Draft) -> list[Vote]:
    found = Vote.objects.filter(draft=draft, round=draft.round).select_related("agent", "final", "remark__note")
    return list(found.order_by("seat"))


def _typed(draft: Draft, user: User, handovers: list[Handover]) -> list[Typed]:
    """What those had typed who gave the draft away, or from whom it was taken."""
    people = {handover.to_id if handover.kind == "taken-over" else handover.by_id for handover in handovers}
    if not people - {user.pk}:
        return []
    return list(Typed.objects.filter(draft=draft, agent__in=people).exclude(agent=user).select_related("agent"))


def _returned(draft: Draft) -> Decision | None:
    if draft.supersedes_id is None:
        return None
    found = Decision.objects.filter(draft=draft.supersedes_id, verdict="returned", settlement__outcome="final")
    return found.select_related("feedback__note", "by_agent").first()


def colleagues(draft: Draft, user: User) -> list[User]:
    """Whom the draft can be handed to."""
    return list(receivers(draft).exclude(pk=user.pk))
