"""Where the bench plays: a PostgreSQL that waits for its disk, a Redis, and web servers of ours and of the limit."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import Any

import httpx
import psycopg
import redis

from config.embedded import web
from tests.bench import bare, deep
from tests.servers import ROOT, TEMPLATE, Servers, free_port

AGENTS = 64
# What a run leaves behind for whoever looks for the time: each request's statements, the servers' log.
NOTES = ROOT / "var/bench"
# From so many drafts on a database is made once a run, and copied.
DEEP = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


class Stage:
    """One run's servers. `world()` is a database with a cast and so many waiting drafts."""

    def __init__(self) -> None:
        self.servers = Servers(settings={"max_connections": "200"})
        self.stack = ExitStack()
        self.stack.callback(self.servers.stop)
        self.folder = self.servers.folder
        self.names = (f"bench_{number}" for number in count(1))
        self.cast: dict[str, Any] = {}
        self.deep: set[str] = set()

    def __enter__(self) -> "Stage":
        NOTES.mkdir(parents=True, exist_ok=True)
        (NOTES / "servers.log").unlink(missing_ok=True)
        self.servers.start()
        self.more = {"VAR_DIR": str(self.folder), "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1", "LOG_LEVEL": "WARNING"}
        self._manage("collectstatic", "--noinput", "--verbosity=0")
        with self.servers.admin(TEMPLATE) as cursor:
            deep.give_ranges(cursor)
            cursor.execute(bare.TABLES)
        self.cast = self.inside(TEMPLATE, "cast", agents=AGENTS, receiver="http://127.0.0.1:9/hook")
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def _manage(self, *args: str) -> None:
        environment = self.servers.environment(TEMPLATE, **self.more)
        subprocess.run([sys.executable, "manage.py", *args], cwd=ROOT, env=environment, check=True)

    def inside(self, database: str, verb: str, *, role: str = "app", **arguments: Any) -> Any:
        """Run something inside a process of the product; its answer."""
        command = [sys.executable, "-m", "tests.bench.inside", verb, json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(database, role), stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    def environment(self, database: str, role: str = "app", **more: str) -> dict[str, str]:
        pool = str(web.THREADS) if role == "app" else "0"
        ours = {"DATABASE_POOL": pool, "DJANGO_SETTINGS_MODULE": "config.settings", "TAPES": str(self.folder)}
        return self.servers.environment(database, role, **self.more, **ours, **more)

    @property
    def pids(self) -> dict[str, list[int]]:
        """What runs beside a world's own processes."""
        return {"postgres": [self.servers.postgres.pid or 0], "redis": [self.servers.redis._server.pid]}

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.servers.redis.url)

    @contextmanager
    def world(self, waiting: int = 0) -> Iterator["World"]:
        """A database of its own with so many waiting drafts, all of them in Redis too. A deep one is made once and
        copied."""
        template = TEMPLATE
        if waiting >= DEEP:
            template = f"deep_{waiting}"
            if template not in self.deep:
                self.servers.create(template, TEMPLATE)
                World(self, template).store(waiting)
                self.deep.add(template)
        name = next(self.names)
        self.servers.create(name, template)
        world = World(self, name)
        try:
            self.redis.flushall()
            if template == TEMPLATE:
                world.fill(waiting)
            else:
                world.made = waiting
                self.inside(name, "rebuild", role="worker")
            yield world
        finally:
            world.stop()
            self.servers.drop(name)


class World:
    """A database, and the processes that work on it."""

    def __init__(self, stage: Stage, database: str) -> None:
        self.stage = stage
        self.database = database
        self.lanes = [stage.cast["lane"]]
        self.made = 0
        self.processes: list[subprocess.Popen[bytes]] = []

    def fill(self, drafts: int) -> None:
        """More waiting drafts, in PostgreSQL and in Redis."""
        if drafts > 0:
            self.store(drafts)
            self.stage.inside(self.database, "rebuild", role="worker")

    def store(self, drafts: int) -> None:
        """More waiting drafts in PostgreSQL; tables as after a vacuum."""
        with self.stage.servers.admin(self.database) as cursor:
            deep.fill(cursor, drafts, first=self.made + 1, lanes=self.lanes)
            cursor.execute("VACUUM ANALYZE")
        self.made += drafts

    def churn(self, drafts: int) -> None:
        """The next drafts in line are decided, and no vacuum comes: their entries stay in the index."""
        with self.stage.servers.admin(self.database) as cursor:
            cursor.execute("ALTER TABLE draft SET (autovacuum_enabled = off)")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE draft SET status = 'decided' WHERE id IN"
                f" (SELECT id FROM draft WHERE status = 'waiting' ORDER BY order_key, id LIMIT {drafts})"
            )

    def waiting(self) -> int:
        return self.rows("SELECT count(*) FROM draft WHERE status = 'waiting'")[0][0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stage.servers.postgres.url("postgres", self.database)) as connection:
            return connection.execute(sql).fetchall()

    def record(self) -> dict[str, int]:
        return self.stage.inside(
            self.database,
            "record",
            folder=str(self.stage.folder),
            notes=str(NOTES),
            bot_key=self.stage.cast["bot_key"],
            agent=self.stage.cast["agents"][-1],
        )

    def serve(self, module: str = "config.embedded.web") -> int:
        """A web server; its port once it answers."""
        port = free_port()
        self.start("-m", module, PORT=str(port))
        until = time.monotonic() + 30
        while True:
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/sign-in", timeout=5, trust_env=False)
                return port
            if time.monotonic() > until:
                raise AssertionError((NOTES / "servers.log").read_text()[-3000:])
            time.sleep(0.05)

    def start(self, *command: str, role: str = "app", **more: str) -> subprocess.Popen[bytes]:
        with open(NOTES / "servers.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.stage.environment(self.database, role, **more),
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        self.processes = []


def cpu_of(process: int) -> float:
    """CPU seconds that a process and all its children have used."""
    used = 0.0
    for pid in tree(process):
        with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
            # utime, stime and those of children that ended
            used += sum(map(int, fields[11:15])) / TICKS
    return used


def tree(process: int) -> list[int]:
    found = [process]
    for pid in found:
        with suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    found += map(int, children.read().split())
    return found
