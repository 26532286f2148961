"""Delivering for real: an RQ worker in this process, on the run's Redis, as the role that workers have."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
import pytest
from django.db import connection
from redis import Redis

from reviewqueue import later
from reviewqueue.models import Delivery


@pytest.fixture
def work() -> Callable[[], None]:
    """Run the jobs that stand in RQ's queue, until there are none."""

    def run() -> None:
        before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
        queue = django_rq.get_queue("deliver")
        try:
            worker = later.Worker([queue], connection=queue.connection)
            # At most so many, since RQ takes the alarm by which pytest would end a test that goes round for ever.
            by_worker(lambda: worker.work(burst=True, logging_level="CRITICAL", max_jobs=100))
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)

    return run


@pytest.fixture(autouse=True)
def rested() -> Iterator[None]:
    """No test inherits the rest that Redis was given in another."""
    later._courier.resting_until = 0.0
    yield
    later._courier.resting_until = 0.0


@pytest.fixture
def courier(monkeypatch) -> Callable[[str], Redis]:
    """courier(url): jobs go through the Redis there."""

    def use(url: str) -> Redis:
        monkeypatch.setattr(later.settings, "REDIS_URL", url)
        monkeypatch.setattr(later, "_courier", later._Courier())
        return later._courier.client

    return use


def by_worker(function: Callable[..., Any], *args: Any) -> Any:
    """What a worker or the beat does, with a worker's rights."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reviewqueue_worker")
    try:
        return function(*args)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE reviewqueue_app")


def due(delivery: Delivery) -> Delivery:
    """Its wait is over."""
    Delivery.objects.filter(pk=delivery.pk).update(not_before="2020-01-01T00:00Z")
    return Delivery.objects.get(pk=delivery.pk)


def overdue(delivery: Delivery) -> Delivery:
    """Its job or its worker has been silent for too long."""
    Delivery.objects.filter(pk=delivery.pk).update(deadline="2020-01-01T00:00Z")
    return Delivery.objects.get(pk=delivery.pk)
