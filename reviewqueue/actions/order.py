"""Telling Redis, after the commit, what waits and what does not. Losing any of it costs order, never a draft."""

from contextlib import suppress

from django.db import transaction

from reviewqueue import ready
from reviewqueue.models import Draft


def now_waiting(*drafts: Draft) -> None:
    """Put drafts into the ready order once the transaction has committed."""
    rows = [(draft.pk, draft.lane_id, draft.order_key) for draft in drafts]

    def put() -> None:
        with suppress(ready.Away):
            ready.put(rows)

    transaction.on_commit(put, robust=True)


def no_longer_waiting(draft: Draft) -> None:
    """Take a draft out of the ready order once the transaction has committed."""
    draft_id, lane_id = draft.pk, draft.lane_id

    def remove() -> None:
        with suppress(ready.Away):
            ready.remove(draft_id, lane_id)

    transaction.on_commit(remove, robust=True)
