"""Would the tests notice? Each of the faults in plants.py is put into the product, and some test must fail of it.

    python -m tests.proof.planted            all of them, and a control run without any; exits 1 where one survived
    python -m tests.proof.planted "no sweep" some of them

As a plugin of pytest (-p tests.proof.planted) it puts in the one that the environment's PLANT names.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import django
import pytest

from tests.servers import PREPARED, SERVERS

ROOT = Path(__file__).resolve().parent.parent.parent

# The longest that one run may take (s).
LIMIT = 900


class Run(NamedTuple):
    """What became of a pytest: the tests that failed, how often the fault's own code ran, its end and its length."""

    failed: list[str]
    reached: int
    code: int
    seconds: float
    output: str


def run(fault: str, *where: str) -> Run:
    """Run these tests with the fault in the product; with none where it is empty."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "tests.proof.planted", "-p", "no:cacheprovider"]
    command += ["-q", "--tb=line", "--maxfail=1", *where]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment | {"PLANT": fault}, text=True, capture_output=True, timeout=LIMIT
    )
    failed = re.findall(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.M)
    found = re.search(r"^planted: (\d+)$", done.stdout, re.M)
    seconds = time.monotonic() - began
    return Run(failed, int(found[1]) if found else 0, done.returncode, seconds, done.stdout + done.stderr)


def verdict(tried: Run) -> str:
    """What a run with a fault says: caught, or why that cannot be said."""
    if tried.reached == 0:
        return "NEVER REACHED"
    if tried.code == 0:
        return "SURVIVED"
    return "caught" if tried.code == 1 and tried.failed else "NO TEST FAILED"


def pytest_sessionstart(session: pytest.Session) -> None:
    if fault := os.environ.get("PLANT"):
        _plants().PLANTS[fault]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("PLANT"):
        terminalreporter.write_line(f"planted: {_plants().reached.total()}")


def _plants():
    """They import the product, which pytest must have set up before."""
    return import_module("tests.proof.plants")


def main(*names: str) -> int:
    """Print the table; 1 where a fault survived or the control run is red."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "SECRET_KEY": "tests"}
    django.setup()
    plants = _plants().PLANTS
    faults = names or tuple(plants)
    print(f"{'fault':42} {'':15} {'s':>4}  caught by", flush=True)
    good = True
    # Each in a process with servers of its own, three at once. To make and migrate a PostgreSQL takes as long as most
    # of them run: it is done once, and copied.
    SERVERS.start()
    SERVERS.postgres.stop()
    os.environ[PREPARED] = os.fspath(SERVERS.postgres.data)
    pool = ThreadPoolExecutor(3)
    control = pool.submit(run, "", *dict.fromkeys(test for fault in faults for test in plants[fault].where))
    runs = [pool.submit(run, fault, *plants[fault].where) for fault in faults]
    for fault, running in zip(faults, runs, strict=True):
        tried = running.result()
        said = verdict(tried)
        by = ", ".join(name.rpartition("::")[2] for name in tried.failed)
        print(f"{fault:42} {said:15} {tried.seconds:4.0f}  {by}", flush=True)
        if said != "caught":
            good = False
            print(tried.output[-2000:])
    clean = control.result()
    print(f"{'none: the control run':42} {'green' if clean.code == 0 else 'RED':15} {clean.seconds:4.0f}")
    if clean.code:
        print(clean.output[-2000:])
    return 0 if good and clean.code == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    finally:
        SERVERS.stop()
