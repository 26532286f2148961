"""Keeping the ready order in Redis complete: what PostgreSQL says waits is put in again, however it got lost."""

from collections.abc import Iterator

from django.db.models import Q

from reviewqueue import ready
from reviewqueue.models import Draft, Lane

BATCH = 20_000

# So many of the newest drafts are put in again at each short look.
RECENT = 2_000


def rebuild() -> int:
    """Put every waiting draft into the order; how many. Raises ready.Away."""
    total = 0
    for lane_id in Lane.objects.order_by("id").values_list("id", flat=True):
        for batch in _waiting(lane_id):
            ready.fill(batch)
            total += len(batch)
    ready.mark_built()
    return total


def _waiting(lane_id: int) -> Iterator[list[tuple[int, int, int]]]:
    """The waiting drafts of a lane in batches, by the index that claims use."""
    waiting = Draft.objects.filter(lane_id=lane_id, status="waiting").order_by("order_key", "id")
    rows = list(waiting.values_list("pk", "lane_id", "order_key")[:BATCH])
    while rows:
        yield rows
        last_id, _, last_key = rows[-1]
        later = waiting.filter(Q(order_key__gt=last_key) | Q(order_key=last_key, pk__gt=last_id))
        rows = list(later.values_list("pk", "lane_id", "order_key")[:BATCH])


def refresh() -> int:
    """Put the newest drafts that wait into the order, all of them where the index was lost. Raises ready.Away."""
    if not ready.is_built():
        return rebuild()
    newest = Draft.objects.order_by("-id").values_list("pk", flat=True)[:RECENT]
    rows = list(Draft.objects.filter(pk__in=list(newest), status="waiting").values_list("pk", "lane_id", "order_key"))
    ready.fill(rows)
    return len(rows)
