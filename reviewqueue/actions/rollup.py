"""Counting final decisions for the board: a fold over the feed, in its order, with a stored watermark."""

from django.db import transaction

from reviewqueue import figures
from reviewqueue.models import AgentDay, Feed, SegmentDay, SourceDay, Watermark
from reviewqueue.models.rollup import Counts

READER = "rollup"
BATCH = 1000


@transaction.atomic
def fold() -> int:
    """Count the next decisions of the feed into the three projections; how many were read.

    The watermark's row lock lets one process at a time in, so nothing is counted twice. A rebuild is: empty the
    projections, set the watermark to 0, fold.
    """
    Watermark.objects.bulk_create([Watermark(reader=READER)], ignore_conflicts=True)
    mark = Watermark.objects.select_for_update(skip_locked=True).filter(reader=READER).first()
    if mark is None:
        return 0
    entries = list(
        Feed.objects.filter(seq__gt=mark.seq)
        .select_related("decision__draft__submission", "decision__draft__lane", "decision__feedback")
        .order_by("seq")[:BATCH]
    )
    counts = _Counter()
    for entry in entries:
        counts.add(entry)
    counts.store()
    if entries:
        mark.seq = entries[-1].seq
    mark.save()
    return len(entries)


class _Counter:
    """Sums one batch in memory, so that each row of a projection is written once."""

    def __init__(self) -> None:
        self.rows: dict[tuple[type[Counts], tuple[tuple[str, object], ...]], Counts] = {}

    def add(self, entry: Feed) -> None:
        decision = entry.decision
        draft = decision.draft
        if draft.mode != "live" or draft.origin != "bot":
            return
        day, kind, queue = decision.at.date(), draft.kind, draft.lane.queue_id
        source = draft.submission.source_id
        viewed_ms = decision.feedback.viewed_ms
        keys: list[tuple[type[Counts], dict[str, object]]] = [
            (SourceDay, {"source_id": source, "queue_id": queue, "language": draft.lane.language}),
            (AgentDay, {"agent_id": decision.by_agent_id, "queue_id": queue}),
        ]
        for segment, value in draft.submission.segments.items():
            keys.append((SegmentDay, {"source_id": source, "segment": segment, "value": value}))
        for model, key in keys:
            self._count(model, {"day": day, "kind": kind, **key}, decision.verdict, viewed_ms)

    def _count(self, model: type[Counts], key: dict[str, object], verdict: str, viewed_ms: int | None) -> None:
        row = self.rows.setdefault((model, tuple(key.items())), model(**key, seconds=[0] * (len(figures.BUCKETS) + 1)))
        setattr(row, verdict, getattr(row, verdict) + 1)
        if viewed_ms is not None:
            row.seconds[figures.bucket(viewed_ms / 1000)] += 1

    def store(self) -> None:
        for (model, key), row in self.rows.items():
            _merge(model, dict(key), row)


def _merge(model: type[Counts], key: dict[str, object], row: Counts) -> None:
    stored = model._default_manager.filter(**key).first()
    if stored is None:
        row.save()
        return
    for verdict in ("approved", "edited", "rejected", "returned"):
        setattr(stored, verdict, getattr(stored, verdict) + getattr(row, verdict))
    stored.seconds = [old + new for old, new in zip(stored.seconds, row.seconds, strict=True)]
    stored.save()
