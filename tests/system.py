"""The whole product as processes: web server, RQ workers, beat and a receiver, on a database and a Redis of its own.

Everything is set up and used through the front doors: management commands, HTTP forms and the bots' API.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from config.embedded.programs import BEAT, WORKER
from config.embedded.redis import Redis
from tests.receiver import Receiver, receiving
from tests.servers import ROOT, SERVERS, Servers, free_port, run_manage

PASSWORD = "correct horse battery staple"

# Who works at every system that is set up without other names.
PEOPLE = {"amina": "agent", "kim": "agent", "lea": "agent", "dana": "lead"}

# By the commands that an operator uses, in one process: Django takes a second to start.
SET_UP = """
import io, json, sys, django
django.setup()
from django.core.management import call_command
def said(*command, stdin=""):
    sys.stdin, out = io.StringIO(stdin), io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()
wanted = json.loads(sys.argv[1])
said("collectstatic", "--noinput", "--verbosity=0")
said("queue", "default", *wanted["queue"])
for name, role in wanted["people"].items():
    named = ["person", name, f"--role={role}", "--queue=default", "--password-stdin"]
    said(*named, stdin=wanted["password"] + "\\n")
key = said("bot", "demo-bot")
secrets = {name: said("endpoint", "default", url, f"--channel={name}") for name, url in wanted["endpoints"].items()}
print(json.dumps([key, secrets]))
"""


class System:
    """Processes by name; `kill` them, `start` them again. `database` is the name of the clone, `kept` that of a copy
    of it as it was set up."""

    def __init__(self, folder: Path, database: str, receiver: Receiver, servers: Servers = SERVERS) -> None:
        self.folder = folder
        self.database = database
        self.receiver = receiver
        self.servers = servers
        self.bot_key = self.secret = self.kept = ""
        self.redis = Redis(folder / "redis").start()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._reader: psycopg.Connection | None = None
        self.more = {"VAR_DIR": str(folder), "REDIS_URL": self.redis.url, "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}

    def set_up(self, *queue: str, people: dict[str, str] = PEOPLE, **endpoints: str) -> dict[str, str]:
        """People with PASSWORD, a bot (`bot_key`), and an endpoint (`secret`): the receiver for all channels, or those
        named, whose secrets by channel are returned. `queue` are the options of `manage.py queue`."""
        urls = endpoints or {"": self.receiver.url}
        wanted = {"queue": queue, "people": people, "endpoints": urls, "password": PASSWORD}
        environment = self.servers.environment(self.database, DJANGO_SETTINGS_MODULE="config.settings", **self.more)
        done = subprocess.run(
            [sys.executable, "-c", SET_UP, json.dumps(wanted)],
            cwd=ROOT,
            env=environment,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        self.bot_key, secrets = json.loads(done.stdout)
        self.secret = secrets.get("", "")
        return dict(secrets)

    def manage(self, *args: str, stdin: str = "") -> str:
        return run_manage(*args, database=self.database, stdin=stdin, servers=self.servers, **self.more)

    def add_person(self, username: str, role: str = "agent", *args: str) -> None:
        self.manage(
            "person", username, f"--role={role}", "--queue=default", "--password-stdin", *args, stdin=f"{PASSWORD}\n"
        )

    def start_all(self) -> None:
        self.start("web")
        self.start("worker1")
        self.start("worker2")
        self.start("beat")
        self.wait_for_web()

    def start(self, name: str) -> None:
        """web, worker…, or beat…"""
        # Tied to this process: none of them outlives a test run that is killed.
        command = ["-m", "config.embedded.tied", "manage.py", *(WORKER if name.startswith("worker") else BEAT)]
        if name == "web":
            command = ["-m", "config.embedded.web"]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def environment(self, name: str) -> dict[str, str]:
        """Of the process of that name."""
        role = "app" if name == "web" else "worker"
        return self.servers.environment(self.database, role, PORT=str(self.port), DATABASE_POOL="8", **self.more)

    def kill(self, name: str) -> None:
        """kill -9 of the whole process group, and gone."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def renew(self) -> None:
        """As it was set up, with its processes still running: another copy of that database, nothing in Redis, and
        nothing arrived. Sessions, jobs and claims of before are gone."""
        # Nobody looks while there is no database: who looks in vain waits longer before the next time.
        self.pause()
        self.servers.drop(self.database)
        self.servers.create(self.database, self.kept)
        redis.Redis.from_url(self.redis.url).flushall()
        self.receiver.posts.clear()
        self.resume()
        key = {"authorization": f"Bearer {self.bot_key}"}
        for _ in range(10):  # each of the web server's processes has lost its connections
            self.wait_for_web("/api/v1/drafts", key)

    def pause(self) -> None:
        """Every program stands still."""
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """At once: nothing of it is needed any more."""
        for name in list(self.processes):
            self.kill(name)
        if self._reader:
            self._reader.close()
        self.redis.resume()
        self.redis.stop()

    def wait_for_web(self, path: str = "/sign-in", headers: dict[str, str] | None = None) -> None:
        def up() -> bool:
            try:
                return httpx.get(f"{self.url}{path}", headers=headers, timeout=2).status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(up, 40, lambda: f"the web server does not answer:\n{self.log('web')}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def sign_in(self, username: str) -> "Person":
        return Person(self.url, username)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """What the database says, to an independent reader, whose connection may have been ended meanwhile."""
        with suppress(psycopg.OperationalError):
            if self._reader and not self._reader.closed:
                return _all(self._reader.execute(sql, params or None))
        self._reader = psycopg.connect(self.servers.postgres.url("postgres", self.database), autocommit=True)
        return _all(self._reader.execute(sql, params or None))


def _all(found: psycopg.Cursor) -> list[tuple[Any, ...]]:
    return found.fetchall() if found.description is not None else []


class Person:
    """Somebody with a browser, reduced to what a browser posts: the forms of the page as they stand."""

    def __init__(self, url: str, username: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
        page = self.http.get("/sign-in")
        form = {"username": username, "password": PASSWORD, **_hidden(page.text)}
        answer = self.http.post("/sign-in", data=form, headers={"referer": url})
        assert answer.status_code == 200, answer.text
        assert "sign-out" in answer.text, answer.text

    def post(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Submit the page's form whose action is `path`, with its hidden fields."""
        return self.http.post(path, data={**form_fields(page, path), **fields})

    def claim(self) -> str:
        """The desk's page, with a draft on it if one waits."""
        page = self.http.get("/desk").text
        if 'action="/claims"' in page and not claimed_id(page):
            page = self.post("/claims", page).text
        return page

    def decide(self, page: str, verdict: str, **fields: Any) -> httpx.Response:
        """Press a decision button of the draft on the page; the answer is the next page."""
        path = f"/drafts/{claimed_id(page)}/decision"
        return self.post(path, page, verdict=verdict, **fields)


def claimed_id(page: str) -> int | None:
    """The draft that the page has a decision form for."""
    found = re.search(r'action="/drafts/(\d+)/decision"', page)
    return int(found.group(1)) if found else None


def form_fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the first form with that action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.S)
    assert form, f"no form posts to {action}:\n{page[:2000]}"
    return _hidden(form.group(1))


def _hidden(html: str) -> dict[str, str]:
    fields = {}
    for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name.group(1)] = value.group(1) if value else ""
    return fields


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str] | str = "") -> None:
    """Returns once it holds; fails with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what() if callable(what) else what or "it did not happen in time")
        time.sleep(0.05)


@contextmanager
def running(folder: Path) -> Iterator[System]:
    """A system with PEOPLE, a bot (`bot_key`) and its receiver; everything up."""
    with ExitStack() as stack:
        database = stack.enter_context(SERVERS.clone())
        receiver = stack.enter_context(receiving())
        system = System(folder, database, receiver)
        stack.callback(system.stop)
        system.set_up()
        system.kept = stack.enter_context(SERVERS.clone(database))
        system.start_all()
        yield system
