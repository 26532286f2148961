"""Work for RQ's workers. The only place that enqueues, and it survives a dead Redis: what is owed stands in
PostgreSQL, a job is only the courier, and one that is lost is sent again when its deadline passes.

A job carries ids and an epoch, never a text, an address or a secret.
"""

import logging
from typing import Any

import django_rq
from redis import RedisError
from rq import SimpleWorker
from rq.job import Job
from rq.queue import Queue

log = logging.getLogger(__name__)

DELIVER = "reviewqueue.actions.deliver.deliver_now"

# Whoever can write to Redis can name any function in a job; these are run, all others are refused.
ALLOWED = frozenset({DELIVER})

# Seconds after which RQ stops a job. Longer than a webhook may take, shorter than the sweep's deadline.
JOB_SECONDS = 30


def deliver(delivery_id: int, epoch: int) -> bool:
    """Enqueue one delivery of one epoch. False where Redis is away: the sweep finds it."""
    try:
        django_rq.get_queue("deliver").enqueue_call(
            DELIVER,
            args=(delivery_id, epoch),
            job_id=f"delivery-{delivery_id}-{epoch}",
            timeout=JOB_SECONDS,
            result_ttl=0,
            failure_ttl=3600,
        )
    except (RedisError, OSError) as error:
        log.warning("delivery %s waits for Redis: %s", delivery_id, error)
        return False
    return True


class Worker(SimpleWorker):
    """Runs jobs in its own process, without a fork for each, and only those on the list."""

    def execute_job(self, job: Job, queue: Queue) -> Any:
        if job.func_name in ALLOWED:
            return super().execute_job(job, queue)
        log.error("refused a job that names %r", job.func_name)
        job.retries_left = None
        execution = self.prepare_execution(job)
        self.handle_job_failure(job, queue, exc_string=f"{job.func_name} is not allowed", execution=execution)
        self.set_state("idle")
        return None
