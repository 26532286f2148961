"""The embedded Redis, for real."""

import os
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest
import redis

from config.embedded import lock
from config.embedded import redis as embedded
from config.embedded.redis import Redis, RedisFailed
from tests.embedded.processes import alive, forked, succeeded, until


@pytest.fixture
def server(tmp_path):
    with Redis(tmp_path / "r") as server:
        yield server


def client(server: Redis, **options) -> redis.Redis:
    return redis.Redis.from_url(server.url, **options)


def test_what_it_is(server):
    told = client(server).config_get("*")
    assert (told["port"], told["appendonly"], told["appendfsync"]) == ("0", "yes", "everysec")
    assert (told["save"], told["maxmemory-policy"], int(told["maxmemory"])) == ("", "noeviction", 256 * 2**20)
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.directory / "appendonly.aof").stat().st_mode) == 0o600


def test_killed_it_comes_back_with_what_was_written(server):
    client(server).set("kept", 1)
    time.sleep(1.1)  # appendfsync everysec
    server.kill()
    server.start()
    assert client(server).get("kept") == b"1"


def test_a_second_start_is_refused(server, monkeypatch):
    monkeypatch.setattr(lock, "GRACE", 0.2)
    with pytest.raises(lock.AlreadyRunning, match="Redis already runs here"):
        Redis(server.directory).start()
    assert client(server).ping()


def test_it_can_hang_and_come_round(server):
    server.pause()
    with pytest.raises(redis.TimeoutError):
        client(server, socket_timeout=0.2).ping()
    server.resume()
    assert client(server, socket_timeout=5).ping()


def test_it_ends_with_the_process_that_started_it(tmp_path):
    starter = forked(lambda: (Redis(tmp_path / "r").start(), time.sleep(60)))
    server = Redis(tmp_path / "r")
    server.wait_ready(seconds=10)
    pid = client(server).info()["process_id"]
    os.kill(starter, signal.SIGKILL)
    assert not succeeded(starter)
    assert until(lambda: not alive(pid))


@pytest.mark.parametrize("name", ["x" * 150, "a b,\"'%ü"], ids=["long", "odd"])
def test_any_folder_will_do(tmp_path, name):
    with Redis(tmp_path / name) as server:
        assert client(server).ping()
    if not server.socket.is_relative_to(tmp_path):
        shutil.rmtree(server.socket.parent.parent)


@pytest.mark.parametrize(("says", "used"), [("v=7.0.15", True), ("v=6.2.0", True), ("v=6.0.9", False), ("?", False)])
def test_the_systems_redis_is_used_if_it_is_new_enough(tmp_path, monkeypatch, says, used):
    found = tmp_path / "redis-server"
    found.write_text(f"#!/bin/sh\necho 'Redis server {says} sha=0'\n")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert embedded.program() == os.fspath(found if used else embedded.PACKAGED)


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "SETTINGS", embedded.SETTINGS | {"maxmemory": "nonsense"})
    with pytest.raises(RedisFailed, match="nonsense"):
        Redis(tmp_path / "r").start()


def test_the_package_is_there():
    assert Path(embedded.PACKAGED).is_file()
