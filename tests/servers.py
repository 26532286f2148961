"""Real servers for the tests, loaded before Django's settings are (see addopts in pyproject.toml).

One PostgreSQL and one Redis a run, in a temporary folder. Committed data is never cleaned up: a test that commits
works on a clone of the migrated template, and the clone is dropped.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

from config.embedded import places
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "template_reviewqueue"

# The tests kill processes, not machines: what the kernel holds survives, so nothing needs the disk.
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}

# In the environment: the data directory of a stopped PostgreSQL with the template, to begin with a copy of it.
PREPARED = "PREPARED_POSTGRES"

_numbers = count(1)


class Servers:
    """The run's PostgreSQL and Redis; started on first use."""

    def __init__(self, settings: dict[str, str] = POSTGRES_SETTINGS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rq-"))
        self.folder.chmod(0o711)
        self.postgres = Postgres(self.folder / "pg", settings=settings)
        self.redis = Redis(self.folder / "redis")
        self.started = False

    def start(self) -> None:
        if self.started:
            return
        self.started = True
        prepared = os.environ.get(PREPARED)
        if prepared:
            places.make_folder(self.postgres.directory)
            subprocess.run(["cp", "--archive", prepared, self.postgres.data], check=True)
        self.postgres.start()
        self.redis.start()
        if prepared:
            return
        self.create(TEMPLATE)
        # As an administrator would on servers of their own.
        administrator = self.postgres.url("postgres", TEMPLATE)
        run_manage("roles", database=TEMPLATE, role="administrator", servers=self, DATABASE_URL=administrator)
        run_manage("migrate", "--verbosity=0", database=TEMPLATE, role="owner", servers=self)

    def stop(self) -> None:
        if self.started:
            self.postgres.stop()
            self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, name: str, template: str = "template0") -> None:
        with self.admin() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        with self.admin() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def clone(self, template: str = TEMPLATE) -> Iterator[str]:
        """The name of a fresh copy of the migrated database, or of another that nobody is connected to."""
        self.start()
        name = f"clone_{next(_numbers)}"
        self.create(name, template)
        try:
            yield name
        finally:
            self.drop(name)

    @contextmanager
    def admin(self, database: str = "postgres") -> Iterator[psycopg.Cursor]:
        with psycopg.connect(self.postgres.url("postgres", database), autocommit=True) as connection:
            yield connection.cursor()

    def environment(self, database: str, role: str = "app", **more: str) -> dict[str, str]:
        """The environment of a process that signs in as a role's own login."""
        urls = {
            f"DATABASE_URL_{name.upper()}": self.postgres.url(f"reviewqueue_{name}", database)
            for name in ("owner", "app", "worker", "eraser")
        }
        ours = {"DATABASE_ROLE": role, "REDIS_URL": self.redis.url, "SECRET_KEY": "tests", **urls, **more}
        return {**{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}, **ours}


SERVERS = Servers(POSTGRES_SETTINGS)

# Tests inside this process sign in as the superuser and step down to the role a process would have, so that one
# test can look from several sides. Subprocesses sign in as the roles themselves.
os.environ["DATABASE_URL"] = SERVERS.postgres.url("postgres", "main")
os.environ["REDIS_URL"] = SERVERS.redis.url
os.environ["SECRET_KEY"] = "tests"
os.environ["WEBHOOK_PRIVATE_HOSTS"] = "127.0.0.1,localhost"


def run_manage(
    *args: str, database: str, role: str = "app", stdin: str = "", servers: Servers = SERVERS, **more: str
) -> str:
    """Run one management command in a process of its own; what it printed. AssertionError where it fails."""
    command = [sys.executable, "manage.py", *args]
    done = subprocess.run(
        command, cwd=ROOT, env=servers.environment(database, role, **more), input=stdin, text=True, capture_output=True
    )
    if done.returncode:
        raise AssertionError(f"manage.py {' '.join(args)} exited {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port() -> int:
    """Of a server that may be stopped and come again. The next one is free too: `make up` takes two.

    The kernel hands out none of these of itself: a port from 32768 on may be somebody's end of a connection by the time
    its server comes again, and stays so for a minute.
    """
    while True:
        port = random.randrange(12000, 32000)
        with suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
