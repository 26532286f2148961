"""The heartbeat: everything that must happen although nobody asks. Any number of copies may run at once."""

import logging
import signal
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from reviewqueue import ready
from reviewqueue.actions.deliver import dispatch, sweep
from reviewqueue.actions.index import rebuild, refresh
from reviewqueue.actions.lease import lapse
from reviewqueue.actions.rollup import fold
from reviewqueue.actions.settle import feed_final, settle_due
from reviewqueue.actions.similar import keep_words

log = logging.getLogger(__name__)

Steps = tuple[tuple[float, Callable[[], int]], ...]

# Seconds between two runs of each step. Each is idempotent or skips what another copy has locked.
STEPS: Steps = (
    (0.25, settle_due),
    (0.25, dispatch),
    (0.5, feed_final),
    (1, lapse),
    (1, sweep),
)
# What takes longer the more there is, in a thread of its own: nothing that is due waits for it.
SLOW_STEPS: Steps = (
    (1, fold),
    (0.5, keep_words),
    (5, refresh),
    (60, rebuild),
)

# The shortest sleep (s) between two looks at the table.
TICK = 0.1


class Command(BaseCommand):
    help = "Settle, dispatch, feed, lapse, sweep, count, index and keep the Redis order complete, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._stop)
        Thread(target=self._beat, args=(SLOW_STEPS,), daemon=True).start()
        self._beat(STEPS)

    def _beat(self, steps: Steps) -> None:
        due = [0.0] * len(steps)
        while not self.stopped:
            for number, (interval, step) in enumerate(steps):
                if time.monotonic() >= due[number] and not self.stopped:
                    _run(step)
                    due[number] = time.monotonic() + interval
            time.sleep(TICK)

    def _stop(self, *args: object) -> None:
        self.stopped = True


def _run(step: Callable[[], int]) -> None:
    """One step; a failure is logged and tried again at its next turn, on a new connection."""
    close_old_connections()
    try:
        step()
    except ready.Away:
        return
    except (DatabaseError, InterfaceError) as error:
        log.warning("%s: %s", step.__name__, error)
        connection.close()
    except Exception:
        log.exception("%s failed", step.__name__)
