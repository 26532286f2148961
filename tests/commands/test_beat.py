"""The heartbeat as a process: what it does unasked, through failures, and how it ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.redis import Redis
from reviewqueue.actions import claim
from reviewqueue.models import Delivery, Draft, Feed, Hold, SourceDay, Watermark
from tests.factories import make_agent, make_decision, make_draft, make_endpoint
from tests.servers import ROOT, SERVERS
from tests.system import wait_until


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def beat(committed, redis, tmp_path) -> Iterator[subprocess.Popen]:
    environment = SERVERS.environment(committed, "worker", REDIS_URL=redis.url)
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "beat"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    yield process
    process.kill()
    process.wait(10)


def _counted() -> int:
    return sum(row.approved for row in SourceDay.objects.all())


def test_the_beat_does_all_its_steps_through_failures_and_ends_when_told(beat, redis, tmp_path):
    log = tmp_path / "log"
    make_endpoint()
    agent = make_agent()
    first = make_decision(by=agent)
    lapsing = claim.claim(make_draft().pk, by=agent)
    Draft.objects.filter(pk=lapsing.pk).update(lease_until="2020-01-01T00:00Z")
    Hold.objects.update(until="2020-01-01T00:00Z")
    wait_until(lambda: _counted() == 1, 30, log.read_text)
    assert Feed.objects.get().decision == first
    wait_until(lambda: Delivery.objects.get().status == "queued", 10, log.read_text)
    wait_until(lambda: Draft.objects.get(pk=lapsing.pk).status == "waiting", 10, log.read_text)
    # Its connections are cut and Redis dies: it goes on by itself.
    redis.kill()
    with SERVERS.admin() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reviewqueue_worker'")
    make_decision(by=agent)
    Hold.objects.update(until="2020-01-01T00:00Z")
    wait_until(lambda: _counted() == 2, 30, log.read_text)
    _ends(beat, signal.SIGTERM, log)


def test_the_beat_ends_at_the_keyboard_too(beat, tmp_path):
    wait_until(Watermark.objects.exists, 30, (tmp_path / "log").read_text)
    _ends(beat, signal.SIGINT, tmp_path / "log")


def _ends(beat: subprocess.Popen, sign: signal.Signals, log: Path) -> None:
    began = time.monotonic()
    beat.send_signal(sign)
    assert beat.wait(20) == 0, log.read_text()
    assert time.monotonic() - began < 5
    assert "Traceback" not in log.read_text()
