"""Nothing that ran under the supervisor outlives it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from config.embedded import supervision
from config.embedded.supervision import supervised
from tests.embedded.processes import alive, forked, succeeded, until

HEAD = """
[supervisord]
nodaemon = true
logfile = %(here)s/log/supervisor.log
pidfile = %(here)s/supervisor.pid
"""
# Leaves the group and the session of its parent, and does not listen to SIGTERM.
STUBBORN = """
import os, pathlib, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path("stubborn").write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.fixture
def configuration(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(supervision, "LEFTOVER_SECONDS", 0.2)
    (tmp_path / "log").mkdir()
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    text = f"[program:it]\ncommand = {sys.executable} stubborn.py\ndirectory = {tmp_path}\nautorestart = true\n"
    (tmp_path / "conf").write_text(HEAD + text)
    return tmp_path / "conf"


def running(tmp_path: Path) -> int:
    """The process number of the stubborn one, once it is there."""
    path = tmp_path / "stubborn"
    assert until(lambda: path.exists() and path.read_text())
    return int(path.read_text())


def test_what_left_its_parent_is_ended_too(tmp_path, configuration):
    def work() -> None:
        with supervised(configuration, os.environ):
            running(tmp_path)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)  # no zombie is left for anybody else

    assert succeeded(forked(work))
    assert not alive(running(tmp_path))


def test_the_supervisor_ends_with_whoever_started_it(tmp_path, configuration):
    def work() -> None:
        with supervised(configuration, os.environ) as supervisor:
            (tmp_path / "supervisor").write_text(str(supervisor.pid))
            time.sleep(60)

    starter = forked(work)
    stubborn = running(tmp_path)
    os.kill(starter, signal.SIGKILL)
    assert not succeeded(starter)
    supervisor = int((tmp_path / "supervisor").read_text())
    assert until(lambda: not alive(supervisor))
    os.kill(stubborn, signal.SIGKILL)  # ours do not do this: each ends with its parent


def test_what_dies_is_told_and_comes_back(tmp_path, configuration, capfd):
    def work() -> None:
        with supervised(configuration, os.environ):
            first = running(tmp_path)
            parent = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(parent, signal.SIGKILL)
            os.kill(first, signal.SIGKILL)
            assert until(lambda: running(tmp_path) != first)

    assert succeeded(forked(work))
    assert "it ended (terminated by SIGKILL), starting it again: " in capfd.readouterr().out
