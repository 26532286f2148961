"""`make soak`: what does not fit into `make prove`, row by row, in any order; each adds to var/soak.json.

ROW=redis-down,link   the rows whose names begin so, also once more; without it all that have no result yet
MINUTES=5             of load (redis-down: 10, memory: 60)
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.bench import deep
from tests.proof import chaos
from tests.proof.actors import Shift
from tests.proof.chaos import Chaos, Scene
from tests.proof.house import LEASE, LINKS
from tests.servers import ROOT, SERVERS, Servers
from tests.system import Person, claimed_id

REPORT = ROOT / "var/soak.json"

# So many agents, each of whom thinks (s, on average) about every draft: a machine with two cores stays half idle.
AGENTS, THINK = 4, 0.5

# What bots ask and what agents ask: who sits behind a link that is cut is not asked how fast the others are.
BOTS, DESK = ("submit", "batch", "withdraw", "feed"), ("desk", "claim", "decide", "leave", "settle")

# How a link fails in the matrix, and how long (s) each time. Every fourth black hole is longer than a request may take.
KINDS: dict[str, tuple[float, ...]] = {
    "cut": (2,) * 20,
    "reset": (2,) * 20,
    "delay": (2,) * 20,
    "hole": (2, 2, 2, 12) * 5,
}

WAITING = 100_000

Figure = dict[str, Any]


def main() -> int:
    sys.setswitchinterval(0.0005)
    report = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    wanted = tuple(filter(None, os.environ.get("ROW", "").split(",")))
    asked = [name for name in ROWS if wanted and name.startswith(wanted)]
    if wanted and not asked:
        say(f"There is no such row. Rows: {', '.join(ROWS)}")
        return 2
    with chaos.servers() as servers:
        for name in asked or [name for name in ROWS if name not in report]:
            say(f"\n== {name}")
            for figure in ROWS[name](servers):
                kept = [old for old in report.get(name, []) if old["name"] != figure["name"]]
                report[name] = [*kept, figure | {"at": datetime.now(tz=UTC).isoformat(timespec="seconds")}]
                REPORT.parent.mkdir(exist_ok=True)
                REPORT.write_text(json.dumps(report, indent=2) + "\n")
                say(line(figure))
    say(table(report))
    return 0 if all(figure["met"] for figures in report.values() for figure in figures) else 1


def figure(name: str, value: float, unit: str, goal: float) -> Figure:
    """A value that must not be above its goal."""
    return {"name": name, "value": round(value, 3), "unit": unit, "goal": round(goal, 3), "met": value <= goal}


def line(found: Figure) -> str:
    met = "met" if found["met"] else "MISSED"
    return f"{found['name']:58}{found['value']:>12,} {found['unit']:5} <= {found['goal']:>10,}  {met}"


def table(report: dict[str, list[Figure]]) -> str:
    lines = []
    for name, figures in report.items():
        lines += ["", name, *(f"  {line(found)}" for found in figures)]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, flush=True)


def minutes(usual: float) -> float:
    """Seconds of load."""
    return float(os.environ.get("MINUTES", usual)) * 60


# --- rows -----------------------------------------------------------------------------------------------------


def redis_down(servers: Servers) -> Iterator[Figure]:
    """Redis away for ten minutes: nobody is slower than twice as slow, deliveries resume within a minute."""
    seconds = minutes(10)
    with load(servers, "redis-down") as stage:
        house = stage.house
        normal = stage.measure(max(30, seconds / 5))
        house.redis.kill()
        away = stage.measure(seconds)
        arrived = stage.arrived()
        back = time.monotonic()
        house.redis.start()
        stage.measure_until(lambda: stage.arrived() > arrived, 120)
        resumed = time.monotonic() - back
        for what in ("submit", "claim", "decide"):
            goal = 2 * p95(normal, (what,))
            yield figure(f"{what}, p95 without Redis", p95(away, (what,)), "s", goal)
        yield figure("first delivery after its return", resumed, "s", 60)
        yield from stage.end()


def link_fails(servers: Servers, name: str) -> Iterator[Figure]:
    """One link cut, reset, delayed and silent, twenty times each: no request on another link hangs over 10 s."""
    others = DESK if name == "bots-web" else BOTS if name == "agents-web" else BOTS + DESK
    with load(servers, name) as stage:
        link = stage.house.links[name]
        for kind, times in KINDS.items():
            slowest = 0.0
            for seconds in times:
                link.set(kind, seconds=0.3)  # type: ignore[arg-type]
                took = stage.measure(seconds)
                link.set("pass")
                after = stage.measure(1)
                slowest = max([slowest, *(one for what in others for one in took[what] + after[what])])
            yield figure(f"{kind}, slowest request", slowest, "s", 10)
        yield from stage.end()


def flushall(servers: Servers) -> Iterator[Figure]:
    """FLUSHALL with 100,000 waiting: the first claim at once, the index whole again soon."""
    with load(servers, "flushall", agents=0) as stage:
        index = redis.Redis.from_url(stage.house.redis.url)
        stage.fill(WAITING)
        stage.measure_until(lambda: depth(index) >= stage.waiting(), 120)
        person = Person(f"http://127.0.0.1:{stage.house.port}", "dana")
        claims, whole = [], []
        for _ in range(5):
            index.flushall()
            began = time.monotonic()
            page = person.claim()
            claims.append(time.monotonic() - began)
            number = claimed_id(page)
            assert number, "nothing was claimed"
            stage.measure_until(lambda: depth(index) >= stage.waiting(), 60)
            whole.append(time.monotonic() - began)
            person.post(f"/drafts/{number}/release", person.http.get("/desk").text)
        yield figure(f"first claim after it, {WAITING:,} waiting", max(claims), "s", 0.5)
        yield figure(f"index complete, {WAITING:,} waiting", max(whole), "s", 10)


def redis_hung(servers: Servers) -> Iterator[Figure]:
    """Redis takes connections and answers none: claims go on."""
    with load(servers, "redis-hung") as stage:
        stage.measure(10)
        stage.house.redis.pause()
        hung = stage.measure(30)
        stage.house.redis.resume()
        yield figure("claim, p95 with Redis hung", p95(hung, ("claim",)), "s", 0.4)
        yield figure("decide, p95 with Redis hung", p95(hung, ("decide",)), "s", 0.4)
        yield from stage.end()


def memory(servers: Servers) -> Iterator[Figure]:
    """An hour of load: every process stays small and does not grow in its second half."""
    seconds, step = minutes(60), 10.0
    with load(servers, "memory") as stage:
        seen: dict[str, list[float]] = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stage.measure(step)
            for name, size in stage.resident().items():
                seen.setdefault(name, []).append(size)
        for name, sizes in sorted(seen.items()):
            quarter = max(1, len(sizes) // 4)
            middle, last = statistics.median(sizes[quarter * 2 : quarter * 3]), statistics.median(sizes[-quarter:])
            yield figure(f"{name}, resident", max(sizes), "MB", 120)
            yield figure(f"{name}, growth over the second half", last / middle - 1, "", 0.02)
        yield from stage.end()


ROWS: dict[str, Callable[[Servers], Iterator[Figure]]] = {
    "redis-hung": redis_hung,
    "flushall": flushall,
    "redis-down": redis_down,
    **{f"link-{name}": partial(link_fails, name=name) for name in LINKS},
    "memory": memory,
}


# --- load -----------------------------------------------------------------------------------------------------

Times = dict[str, list[float]]


def p95(times: Times, kinds: tuple[str, ...]) -> float:
    """Seconds, over all requests of these kinds; 0 where there were none."""
    found = sorted(seconds for kind in kinds for seconds in times[kind])
    return found[int(0.95 * (len(found) - 1))] if found else 0.0


def depth(index: redis.Redis) -> int:
    return sum(index.zcard(key) for key in index.scan_iter("{rq}:lane:*"))


class Load:
    """A scene under even load."""

    def __init__(self, stage: Scene) -> None:
        self.stage = stage
        self.house = stage.house
        self.chaos = Chaos(stage, [], 0, say)

    def measure(self, seconds: float) -> Times:
        """The seconds of every request that was answered in this time, by what was asked."""
        begins = time.monotonic()
        self.measure_until(lambda: time.monotonic() >= begins + seconds, seconds + 1)
        times = {what: list(seen) for what, seen in list(self.stage.shift.times.items())}
        return {what: [took for at, took in times.get(what, ()) if at >= begins] for what in BOTS + DESK}

    def measure_until(self, over: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not over():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:.0f} s")
            self.chaos.tick(fragile=False)

    def waiting(self) -> int:
        return int(self.house.rows("SELECT count(*) FROM draft WHERE status = 'waiting'")[0][0])

    def arrived(self) -> int:
        return int(self.house.rows("SELECT count(*) FROM delivery WHERE status = 'delivered'")[0][0])

    def fill(self, drafts: int) -> None:
        """So many more that wait, in the lanes there are, like one that is handed in."""
        message = {"id": "m1", "author": "customer", "text": "Where is it?"}
        like_this = {
            "external_id": "like-this",
            "kind": "reply",
            "language": "en",
            "customer": {"id": "like-this"},
            "conversation": {"id": "like-this", "messages": [message]},
            "reply": {"text": "It is on its way."},
        }
        headers = {"authorization": f"Bearer {self.house.bot_key}"}
        httpx.post(f"{self.house.url}/api/v1/drafts", json=like_this, headers=headers).raise_for_status()
        lanes = [lane for (lane,) in self.house.rows("SELECT id FROM lane")]
        with self.house.servers.admin(self.house.database) as cursor:
            deep.give_ranges(cursor)
            deep.fill(cursor, drafts, first=1, lanes=lanes)

    def resident(self) -> dict[str, float]:
        """MB of each process; of the web server, the larger of its workers."""
        found = {}
        for name, process in self.house.processes.items():
            pids = [process.pid]
            if name == "web":
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                pids = list(map(int, children))
            found[name] = max(rss(pid) for pid in pids)
        return found

    def end(self) -> Iterator[Figure]:
        """Calm, and what the checker says."""
        self.stage.shift.drafts = 0
        self.chaos.calm(patience=60)
        violations = self.stage.violations()
        for violation in violations[:5]:
            say(f"  {violation}")
        yield figure("violations", len(violations), "", 0)


def rss(pid: int) -> float:
    """MB resident; 0 for one that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


@contextmanager
def load(servers: Servers, name: str, *, agents: int = AGENTS) -> Iterator[Load]:
    """Actors at work on a system of their own, with a receiver that is always well."""
    shift = Shift(drafts=10**9, lease=LEASE, backlog=50, think=THINK)
    with chaos.scene(servers, name, shift, agents=agents) as stage:
        stage.house.receiver.good.set()
        stage.begin()
        yield Load(stage)


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        SERVERS.stop()
