"""`make up`, for real and as a whole: start, break, stop."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.client import ServerProxy

import httpx
import pytest
from supervisor.xmlrpc import SupervisorTransport

from config.embedded import programs
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis
from tests.embedded.processes import alive, until
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY = "Ctrl-C stops everything."
PROGRAMS = ["beat-1", "beat-2", "deliver-1", "deliver-2", "helpdesk", "postgres", "redis", "web"]


class Up:
    """One run of it, over one var folder."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = var.parent / f"{var.name}.out"
        drop = ("DATABASE", "REDIS", "SECRET", "DJANGO")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
        self.environment = clean | {"VAR_DIR": str(var), "PORT": str(self.port)} | environment

    def start(self, **environment: str) -> "Up":
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.embedded.up"],
                cwd=ROOT, env=self.environment | environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        return self

    def wait(self) -> "Up":
        came = until(lambda: READY in self.said() or self.process.poll() is not None, seconds=90)
        assert came, self.said()
        assert READY in self.said(), self.said()
        return self

    def said(self) -> str:
        return self.output.read_text()

    def log(self, program: str) -> str:
        return (self.var / f"log/{program}.log").read_text(errors="replace")[-4000:]

    def refused(self, **environment: str) -> str:
        """What it says when it does not start."""
        done = subprocess.run(
            [sys.executable, "-m", "config.embedded.up"], cwd=ROOT, env=self.environment | environment,
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        assert done.returncode != 0
        return done.stderr

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)

    def running(self) -> dict[str, int]:
        """The process numbers of what runs under the supervisor."""
        transport = SupervisorTransport(None, None, f"unix://{programs.control_socket(self.var)}")
        with ServerProxy("http://supervisor", transport=transport) as supervisor:
            told = supervisor.supervisor.getAllProcessInfo()
        return {program["name"]: program["pid"] for program in told if program["statename"] == "RUNNING"}

    def left(self) -> list[str]:
        """The command lines of all processes anywhere that belong to it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                known = os.fsencode(self.var)
                if known in command + (folder / "environ").read_bytes() and alive(int(folder.name)):
                    found.append(command.replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/sign-in", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """The tests of this file that share it come in order: each leaves it as the next expects it."""
    with tempfile.TemporaryDirectory(prefix="rq-") as folder:
        up = Up(Path(folder) / "var")
        (Path(folder) / "var").mkdir()
        (up.var / "demo.json").write_text("stale")
        up.start()
        yield up
        if up.process.poll() is None:
            up.stop()


def test_it_starts_with_example_data(up):
    up.wait()
    demo = json.loads((up.var / "demo.json").read_text())
    assert sorted(demo) == ["admin", "agent", "bot_key", "lead", "url"]
    assert demo["url"] == up.url
    assert all(set(demo[role]) == {"username", "password"} for role in ("agent", "lead", "admin"))
    assert (up.var / "demo.json").stat().st_mode & 0o777 == 0o600
    assert demo["agent"]["password"] in up.said()
    assert until(up.answers, seconds=20)
    assert "helpdesk" in httpx.get(f"http://127.0.0.1:{up.port + 1}/", trust_env=False).text
    assert until(lambda: sorted(up.running()) == PROGRAMS)


def test_a_second_one_is_refused(up):
    assert f"already runs here (process {up.process.pid}); stop it with Ctrl-C first" in up.refused()
    assert until(up.answers, seconds=20)


def test_a_copy_on_the_same_port_is_refused(up, tmp_path):
    copy = Up(tmp_path / "var").refused(PORT=str(up.port))
    assert f"Port {up.port} is taken; run PORT={up.port + 100} make up" in copy
    beside = Up(tmp_path / "var").refused(PORT=str(up.port - 1))  # its helpdesk would be on ours
    assert f"Port {up.port} is taken; run PORT={up.port + 99} make up" in beside
    assert "PORT should be a number" in Up(tmp_path / "var").refused(PORT="http")


def test_whatever_is_killed_comes_back(up):
    before = up.running()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    assert until(lambda: sorted(up.running()) == PROGRAMS and not set(before.values()) & set(up.running().values()),
                 seconds=40), up.running()  # fmt: skip
    assert until(up.answers, seconds=20), up.log("web")
    assert "web ended (terminated by SIGKILL), starting it again" in up.said()
    # The workers of the granian that was killed did not stay beside the new one's.
    assert until(lambda: sum("config.embedded.web" in command for command in up.left()) == 3)


def test_killed_from_outside_it_leaves_nothing_and_starts_again(up):
    up.process.kill()
    up.process.wait()
    assert until(lambda: up.left() == [], seconds=30), up.left()
    up.start().wait()


def test_ctrl_c_ends_all_of_it(up):
    assert up.stop() == 0
    assert up.left() == []
    assert not up.answers()
    assert not (up.var / "demo.json").exists()
    assert "Traceback" not in up.said()


def test_with_a_database_of_your_own(tmp_path):
    with Postgres(tmp_path / "pg", settings={"fsync": "off"}) as postgres, Redis(tmp_path / "redis") as redis:
        own = {"DATABASE_URL": postgres.url("postgres", "reviewqueue"), "REDIS_URL": redis.url}
        up = Up(tmp_path / "var", **own)
        assert "needs SECRET_KEY" in up.refused()
        up.start(SECRET_KEY="x" * 60).wait()
        try:
            assert "manage.py person NAME --role admin" in up.said()
            assert not (up.var / "demo.json").exists()
            assert until(up.answers, seconds=20)
            ours = ["beat-1", "beat-2", "deliver-1", "deliver-2", "web"]
            assert until(lambda: sorted(up.running()) == ours)
        finally:
            assert up.stop(signal.SIGTERM) == 0
        assert up.left() == []
