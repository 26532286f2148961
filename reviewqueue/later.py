"""Work for RQ's workers. The only place that enqueues, and it survives a dead Redis: what is owed stands in
PostgreSQL, a job is only the courier, and one that is lost is missed, at the latest when its deadline passes.

A job carries ids and an epoch, never a text, an address or a secret.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

import django_rq
from django.conf import settings
from django.db import close_old_connections
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text

log = logging.getLogger(__name__)

DELIVER = "reviewqueue.actions.deliver.deliver_now"

# Whoever can write to Redis can name any function in a job; these are run, all others are refused.
ALLOWED = frozenset({DELIVER})

# Of a job's fields in Redis, those that are read. RQ would also call functions by name when a job has ended, post to
# addresses, try again, and go on to other jobs.
READ = frozenset(
    (
        "data",
        "origin",
        "status",
        "description",
        "timeout",
        "ttl",
        "result_ttl",
        "failure_ttl",
        "worker_name",
        "created_at",
        "enqueued_at",
        "started_at",
        "ended_at",
        "last_heartbeat",
    )
)

# Seconds after which RQ stops a job. Longer than a webhook may take, shorter than the sweep's deadline.
JOB_SECONDS = 20

# Seconds after which a job that nobody took is gone from Redis: by then its delivery has gone out under another epoch.
JOB_TTL = 60

# No more jobs than this stand in Redis: without a worker they would pile up, each under an epoch that is over.
MOST = 1_000

# How long enqueuing waits for Redis, and how long Redis is left alone after a failure (seconds).
TIMEOUT = 1.0
REST = 2.0


class _Courier:
    """One client a process, and the rest it is given after a failure."""

    def __init__(self) -> None:
        self.client = Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self.resting_until = 0.0

    def is_away(self) -> bool:
        if time.monotonic() < self.resting_until:
            return True
        try:
            self.client.ping()
        except (RedisError, OSError) as error:
            self._rest(f"deliveries wait for Redis: {error}")
            return True
        return False

    def unknown(self, job_ids: list[str]) -> list[bool]:
        if time.monotonic() < self.resting_until:
            return [False] * len(job_ids)
        try:
            with self.client.pipeline(transaction=False) as pipeline:
                for job_id in job_ids:
                    pipeline.exists(Job.key_for(job_id))
                return [not found for found in pipeline.execute()]
        except (RedisError, OSError) as error:
            self._rest(f"deliveries wait for Redis: {error}")
            return [False] * len(job_ids)

    def _rest(self, why: str) -> None:
        self.resting_until = time.monotonic() + REST
        log.warning(why)

    def enqueue(self, function: str, args: tuple[int, ...], job_id: str) -> bool:
        if time.monotonic() < self.resting_until:
            return False
        try:
            queue = django_rq.get_queue("deliver", connection=self.client)
            if queue.count >= MOST:
                log.warning("%s waits: %s jobs stand in Redis already; is a worker running?", job_id, MOST)
                return False
            queue.enqueue_call(
                function, args=args, job_id=job_id, timeout=JOB_SECONDS, result_ttl=0, failure_ttl=3600, ttl=JOB_TTL
            )
        except (RedisError, OSError) as error:
            self._rest(f"{job_id} waits for Redis: {error}")
            return False
        return True


_courier = _Courier()


def is_away() -> bool:
    """Redis takes no job at the moment: what is owed stays where it is, untouched."""
    return _courier.is_away()


def deliver(delivery_id: int, epoch: int) -> bool:
    """Enqueue one delivery of one epoch. False where Redis is away or full: the sweep finds it."""
    return _courier.enqueue(DELIVER, (delivery_id, epoch), _job_id(delivery_id, epoch))


def lost(deliveries: Sequence[tuple[int, int]]) -> list[int]:
    """Of these (delivery, epoch), the deliveries whose job Redis does not know: none waits, is being run or has failed.
    Where Redis is away, that cannot be said of any."""
    unknown = _courier.unknown([_job_id(*delivery) for delivery in deliveries])
    return [delivery_id for (delivery_id, _), gone in zip(deliveries, unknown, strict=True) if gone]


def _job_id(delivery_id: int, epoch: int) -> str:
    return f"delivery-{delivery_id}-{epoch}"


class OurJob(Job):
    """A job as far as Redis is to be trusted: a function of ours on plain arguments. Any other does not exist."""

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> Job:
        try:
            job = super().fetch(id, connection, serializer)
            if job.func_name in ALLOWED and job.instance is None:
                return job
            log.error("refused job %r, which names %r", id, job.func_name)
        except (RedisError, OSError, NoSuchJobError):
            raise
        except Exception as error:  # junk fails in as many ways as there is junk
            log.error("refused job %r, which cannot be read: %s", id, error)
        raise NoSuchJobError(id)

    def restore(self, raw_data: dict[Any, Any]) -> None:
        super().restore({name: value for name, value in raw_data.items() if as_text(name) in READ})


class Worker(SimpleWorker):
    """Runs jobs in its own process, without a fork for each, and only ours. Never unpickles."""

    def __init__(self, queues: Any, *args: Any, **options: Any) -> None:
        super().__init__(queues, *args, **options | {"job_class": OurJob, "serializer": JSONSerializer})
        for queue in self.queues:
            queue.job_class, queue.serializer = OurJob, JSONSerializer

    def execute_job(self, job: Job, queue: Queue) -> None:
        # PostgreSQL may have been restarted since the last job, which a connection of before would only find out by
        # failing this one; its delivery then waits for the sweep.
        close_old_connections()
        super().execute_job(job, queue)
