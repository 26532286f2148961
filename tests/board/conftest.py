"""Decisions that were fed and counted, as the beat would have done it."""

from collections.abc import Callable
from typing import Any

import pytest

from reviewqueue.actions import rollup, settle
from reviewqueue.models import Decision
from tests.desk.conftest import browse
from tests.factories import make_decision, make_queue

__all__ = ["browse", "final"]


@pytest.fixture
def final(db, empty_redis, as_role) -> Callable[..., list[Decision]]:
    """final(3, verdict="edit", bot=…): so many decisions, final, in the feed and in the rollups."""
    make_queue(hold_seconds=0)

    def made(number: int, **how: Any) -> list[Decision]:
        decisions = [make_decision(**how) for _ in range(number)]
        with as_role("worker"):
            settle.feed_final()
            rollup.fold()
        return decisions

    return made
