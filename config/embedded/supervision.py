"""Runs supervisord and sees to it that nothing outlives it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO
from xmlrpc.client import ServerProxy  # nosec B411

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from config.embedded import child, programs

# supervisord stops the programs first and the servers after them.
STOP_SECONDS = 2 * programs.PATIENCE + 5
# What was left behind by something that was killed gets this long to end of itself.
LEFTOVER_SECONDS = 5

ENDED = re.compile(r"exited: (?P<name>\S+) \((?P<how>.*?)(; not expected|; expected)?\)$")


@contextmanager
def supervised(configuration: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen]:
    """supervisord for the time of the block, with everything it runs."""
    child.adopt_orphans()
    supervisor = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "supervisor.supervisord", "-c", configuration],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        process_group=0,  # so that Ctrl-C reaches us only, and we stop it in order
        preexec_fn=partial(child.end_with_parent, os.getpid(), signal.SIGTERM),
    )
    threading.Thread(target=_tell, args=(supervisor.stdout, configuration.parent / "log"), daemon=True).start()
    try:
        yield supervisor
    finally:
        _stop(supervisor)


def start_programs(var: Path, group: str) -> None:
    """Those of a group that supervisord does not start of itself. Does not wait for them.

    The XML comes from our own supervisord, over a socket that only we can open.
    """
    transport = SupervisorTransport(None, None, f"unix://{programs.control_socket(var)}")
    with ServerProxy("http://supervisor", transport=transport) as supervisor:
        supervisor.supervisor.startProcessGroup(group, False)


def wait_for_end(supervisor: subprocess.Popen) -> None:
    """Returns when supervisord has ended. Orphans that we adopted meanwhile leave no zombies."""
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)) is not None:
        if ended.si_pid == supervisor.pid:
            return
        os.waitpid(ended.si_pid, 0)


def _tell(output: IO[str], logs: Path) -> None:
    for line in output:
        if found := ENDED.search(line.rstrip()):
            log = os.path.relpath(logs / f"{found['name']}.log")
            print(
                f"{time.strftime('%H:%M:%S')} {found['name']} ended ({found['how']}), starting it again: {log}",
                flush=True,
            )


def _stop(supervisor: subprocess.Popen) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
    until = time.monotonic() + LEFTOVER_SECONDS
    while left := _children():
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if time.monotonic() > until:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _children() -> list[int]:
    """Everything below supervisord comes up to us once its own parent is gone, zombies included."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(after_name[1]) == os.getpid():
                children.append(int(stat.parent.name))
    return children
