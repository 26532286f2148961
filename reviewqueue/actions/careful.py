"""What a decision must show beside its text: that it was read, and what in the text was its reason."""

import math
from collections.abc import Sequence
from typing import Any

from reviewqueue.care import is_blind, points, reading_seconds, tier
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft

# Places that one label can be explained by.
SPANS = 20

Spans = Sequence[Sequence[int]]


def refuse_careless(draft: Draft, viewed_ms: int | None, confirmed: str, **facts: Any) -> None:
    """In tier high an approval takes a confirmed policy point, and no less time than reading. Refused: not-confirmed,
    too-fast."""
    if tier(draft) != "high":
        return
    if confirmed not in points(draft):
        raise Refused("not-confirmed", "Confirm one of the points of this queue's policy.", **facts)
    floor = reading_seconds(draft.body.text or "", draft.submission.language)
    left = math.ceil(floor - (viewed_ms or 0) / 1000)
    if left > 0:
        raise Refused("too-fast", f"Approve is available in {left} s.", retry_after=left, **facts)


def refuse_unseen(draft: Draft, verdict: str, **facts: Any) -> None:
    """A label that is judged blind is chosen, never accepted. Refused: draft-changed (the page was an older one)."""
    if verdict == "approved" and is_blind(draft):
        raise Refused("draft-changed", "The bot's label is hidden until you choose one. Choose a label.", **facts)


def marked(draft: Draft, spans: Spans, **facts: Any) -> list[list[int]]:
    """The places that a person marked, in their order. Refused: check-failed where they are none of the text's."""
    if not spans:
        return []
    text = draft.submission.about.text or "" if draft.submission.about else ""
    found, at = sorted([start, end] for start, end in spans), 0
    for start, end in found:
        if start < at or start >= end or end > len(text):
            raise Refused("check-failed", "A mark is not a place of the text. Mark it again.", **facts)
        at = end
    if len(found) > SPANS:
        raise Refused("check-failed", f"More than {SPANS} places are marked. Mark fewer.", **facts)
    return found
