"""What happened to a draft while somebody had it on the screen."""

from dataclasses import dataclass
from datetime import datetime

from reviewqueue.edits import word_diff
from reviewqueue.models import Decision, Draft, User
from reviewqueue.queries.reasons import reason_words
from reviewqueue.queries.timeline import visible


@dataclass(frozen=True)
class Happened:
    """`by` and `at` are those of whoever has it now or decided it; `diff` leads from what was sent, or from the older
    draft, to what the person typed, or to the newer draft."""

    draft: Draft
    by: User | None = None
    at: datetime | None = None
    decision: Decision | None = None
    reasons: str = ""
    newer: Draft | None = None
    diff: list[tuple[str, str]] | None = None


def happened(draft_id: int, user: User, text: str) -> Happened | None:
    """For the page of a refusal; None where there is no such draft, or the user may not see it."""
    draft = visible(user).select_related("body", "holder").filter(pk=draft_id).first()
    if draft is None:
        return None
    newer = visible(user).select_related("body").filter(supersedes=draft).first()
    if newer is not None:
        # Of labels there is nothing to compare, and the newer one may have to be judged blind.
        diff = _diff(draft.body.text, newer.body.text) if newer.kind == "reply" else None
        return Happened(draft, at=newer.submitted_at, newer=newer, diff=diff)
    if draft.status == "claimed":
        return Happened(draft, by=draft.holder, at=draft.shown_at)
    if draft.status == "decided":
        return _decided(draft, text)
    return Happened(draft)


def _decided(draft: Draft, text: str) -> Happened:
    decision = draft.decisions.select_related("by_agent", "by_vote__final", "feedback").latest("round")
    sent = decision.by_vote.final.text if decision.by_vote.final else None
    words = reason_words(draft.kind)
    return Happened(
        draft,
        by=decision.by_agent,
        at=decision.at,
        decision=decision,
        reasons=", ".join(words.get(slug, slug) for slug in decision.feedback.reasons),
        diff=_diff(sent, text or None),
    )


def _diff(before: str | None, after: str | None) -> list[tuple[str, str]] | None:
    return word_diff(before, after) if before and after and before != after else None
