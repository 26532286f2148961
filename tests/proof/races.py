"""Races: functions that start together, each in a thread and on a database connection of its own, over and over."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connections

from reviewqueue.lifecycle import Refused

# How much later (s) a winner starts in the next round, times its wins in a row; and the chance in every start.
HANDICAP = 0.003
CHANCE = 0.002


class Track:
    """Threads that wait to run, one for each name. Who won starts a little later the next time: so all come to the
    crucial moment at about the same time, however long their ways to it are."""

    def __init__(self, *names: str) -> None:
        self.pool = ThreadPoolExecutor(len(names))
        self.start = threading.Barrier(len(names))
        self.delays = dict.fromkeys(names, 0.0)
        self.wins: Counter[str] = Counter()
        self.streak = ("", 0)

    def run(self, *runners: Callable[[], Any]) -> list[Any]:
        """What each returned, or the Refused it raised. Raises whatever else went wrong: a dead lock or a broken
        constraint is no answer."""
        return list(self.pool.map(self._one, runners, self.delays.values()))

    def _one(self, runner: Callable[[], Any], delay: float) -> Any:
        self.start.wait(30)
        time.sleep(delay + random.uniform(0, CHANCE))
        try:
            return runner()
        except Refused as refusal:
            return refusal

    def won(self, name: str) -> None:
        self.wins[name] += 1
        self.streak = (name, self.streak[1] + 1 if self.streak[0] == name else 1)
        self.delays[name] += HANDICAP * self.streak[1]
        first = min(self.delays.values())
        self.delays = {other: delay - first for other, delay in self.delays.items()}

    def close(self) -> None:
        self.run(*[connections.close_all] * self.start.parties)
        self.pool.shutdown()


@contextmanager
def track(*names: str) -> Iterator[Track]:
    """A track for runners of these names; their connections are closed with it."""
    own = Track(*names)
    try:
        yield own
    finally:
        own.close()


def each_won(wins: Counter[str], rounds: int, *sides: str) -> None:
    """Every round had one winner, and every side won at least once: else nothing was raced."""
    print(f"{rounds} rounds: {dict(wins)}")
    assert wins.total() == rounds
    assert set(wins) == set(sides), wins
