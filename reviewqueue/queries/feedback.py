"""The feed of final decisions that a bot learns from, in the order of feed.seq."""

import time
from typing import Any, NamedTuple

from django.db.models import Max

from reviewqueue import checks, edits
from reviewqueue.models import Body, Bot, Decision, Feed
from reviewqueue.queries.drafts import pseudonym

# Word diffs take time; a page is cut short after so much of it.
PAGE_SECONDS = 2.0


class Page(NamedTuple):
    """`feedback` are lessons with their `seq`; `last` is the place to go on from, behind all that was looked at."""

    feedback: list[dict[str, Any]]
    last: int
    more: bool


def page(bot: Bot, *, after: int, limit: int) -> Page:
    """The bot's feedback beyond feed.seq `after`, oldest first; two statements.

    Feed numbers are given by one process at a time and without gaps, so every row up to the highest number seen
    first is there to be read: nothing is skipped, and a bot with little feedback does not read over the others'
    rows again.
    """
    end = Feed.objects.aggregate(end=Max("seq"))["end"] or 0
    rows = list(
        Feed.objects.filter(
            seq__gt=after,
            seq__lte=end,
            decision__draft__bot=bot,
            decision__draft__origin="bot",
            decision__draft__mode__in=("live", "sandbox"),
        )
        .select_related(
            "decision__draft__submission__source",
            "decision__feedback__before",
            "decision__feedback__after",
            "decision__feedback__note",
            "decision__by_vote",
        )
        .order_by("seq")[: limit + 1]
    )
    lessons = _lessons(rows[:limit])
    more = len(rows) > len(lessons)
    last = lessons[-1]["seq"] if more else max(after, end)
    return Page(lessons, last, more)


def _lessons(rows: list[Feed]) -> list[dict[str, Any]]:
    """Those of the first rows, as many as there is time for: a page of long, much edited texts is a short one."""
    deadline = time.monotonic() + PAGE_SECONDS
    lessons: list[dict[str, Any]] = []
    for row in rows:
        lessons.append({"seq": row.seq, **lesson(row.decision)})
        if time.monotonic() > deadline:
            break
    return lessons


def lesson(decision: Decision) -> dict[str, Any]:
    """What one decision teaches: the text before and after, the words that changed, why, and how long it took."""
    draft, feedback = decision.draft, decision.feedback
    source = draft.submission.source
    before, after = _text(feedback.before), _text(feedback.after)
    return {
        "id": str(decision.pk),
        "draft_id": str(draft.pk),
        "external_id": draft.external_id,
        "kind": draft.kind,
        "verdict": decision.verdict,
        "before": before,
        "after": after,
        "diff": _diff(before, after),
        "reasons": feedback.reasons,
        "note": _text(feedback.note),
        "causes": feedback.causes,
        "findings": [finding | {"says": checks.SAYS.get(finding["check"])} for finding in feedback.findings],
        "overridden": feedback.overridden,
        "spans": feedback.spans,
        "blind": decision.by_vote.blind,
        "edit_rate": feedback.edit_rate,
        "edit_unit": feedback.edit_unit,
        "seconds": None if feedback.viewed_ms is None else feedback.viewed_ms / 1000,
        "source": {
            "vendor": source.vendor,
            "model": source.model,
            "version": source.version,
            "prompt_version": source.prompt_version,
        },
        "agent": pseudonym(decision.by_agent_id),
        "decided_at": decision.at,
    }


def _text(body: Body | None) -> str | None:
    return body.text if body else None


def _diff(before: str | None, after: str | None) -> list[dict[str, str]] | None:
    """None where there are no two texts to compare."""
    if before is None or after is None:
        return None
    parts = edits.word_diff(before, after) if before != after else [("equal", before)]
    return [{"op": op, "text": text} for op, text in parts]
