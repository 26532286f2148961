"""Waiting for a decision to become final, without starving the threads that people's pages need."""

import threading
import time

from django.db import connection

from reviewqueue.queries import drafts

# A quarter of the threads that each web process has (config/embedded/web.py).
PLACES = 2

POLL_SECONDS = 0.25

_places = threading.BoundedSemaphore(PLACES)


def until_final(draft_id: int, seconds: float) -> bool:
    """Return when nothing is open about the draft any more, or after so many seconds.

    False at once where all places are taken: the caller says Retry-After. No database connection is held between
    two looks.
    """
    if not _places.acquire(blocking=False):
        return False
    try:
        _poll(draft_id, time.monotonic() + seconds)
    finally:
        _places.release()
    return True


def _poll(draft_id: int, deadline: float) -> None:
    while drafts.is_open(draft_id) and (left := deadline - time.monotonic()) > 0:
        connection.close()  # to the pool, where there is one
        time.sleep(min(POLL_SECONDS, left))
