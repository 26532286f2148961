"""Feedback of final decisions, row by row in the order of the feed, for the team's own analysis.

Only live drafts of bots, and nothing of a customer who opted out. Erased text is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from reviewqueue.models import Feed

# Rows read at once: memory stays flat, and no transaction is open while somebody downloads slowly.
BATCH = 1_000

COLUMNS = (
    "seq",
    "decided_at",
    "bot",
    "vendor",
    "model",
    "version",
    "prompt_version",
    "queue",
    "language",
    "kind",
    "external_id",
    "verdict",
    "draft",
    "final",
    "reasons",
    "causes",
    "spans",
    "blind",
    "note",
    "edit_rate",
    "edit_unit",
    "seconds",
)


@dataclass(frozen=True)
class Window:
    """Decisions of these UTC days, both included, and of one bot; None is without bound."""

    first: date | None = None
    last: date | None = None
    bot_id: int | None = None


def feedback(window: Window) -> Iterator[dict[str, Any]]:
    """One dict with COLUMNS a decision."""
    rows, last = _rows(window), 0
    while batch := list(rows.filter(seq__gt=last)[:BATCH]):
        for feed in batch:
            yield _row(feed)
        last = batch[-1].seq


def _rows(window: Window) -> "QuerySet[Feed]":
    rows = Feed.objects.filter(
        decision__draft__mode="live",
        decision__draft__origin="bot",
        decision__draft__customer__opted_out_at=None,
    )
    if window.first:
        rows = rows.filter(decision__at__date__gte=window.first)
    if window.last:
        rows = rows.filter(decision__at__date__lte=window.last)
    if window.bot_id:
        rows = rows.filter(decision__draft__bot=window.bot_id)
    return rows.select_related(
        "decision__draft__bot",
        "decision__draft__lane__queue",
        "decision__draft__submission__source",
        "decision__feedback__before",
        "decision__feedback__after",
        "decision__feedback__note",
        "decision__by_vote",
    ).order_by("seq")


def _row(feed: Feed) -> dict[str, Any]:
    decision = feed.decision
    draft, told, taught = decision.draft, decision.draft.submission, decision.feedback
    return {
        "seq": feed.seq,
        "decided_at": decision.at.isoformat(),
        "bot": draft.bot.name,
        "vendor": told.source.vendor,
        "model": told.source.model,
        "version": told.source.version,
        "prompt_version": told.source.prompt_version,
        "queue": draft.lane.queue.name,
        "language": told.language,
        "kind": draft.kind,
        "external_id": draft.external_id,
        "verdict": decision.verdict,
        "draft": taught.before.text or "",
        "final": (taught.after.text or "") if taught.after else "",
        "reasons": taught.reasons,
        "causes": taught.causes,
        "spans": [f"{start}-{end}" for start, end in taught.spans],
        "blind": decision.by_vote.blind,
        "note": (taught.note.text or "") if taught.note else "",
        "edit_rate": taught.edit_rate,
        "edit_unit": taught.edit_unit,
        "seconds": None if taught.viewed_ms is None else taught.viewed_ms / 1000,
    }
