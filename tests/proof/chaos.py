"""Process chaos: a running system, people and bots at work, and a seeded schedule of everything that can go wrong.

Faults are paced by the work that is done, not by the clock, so that the same seed means the same run on a slow machine
as far as processes allow. After the last one comes calm: all is up, every draft gets decided, every delivery arrives.
Then the histories are held against the database (checker.py).
"""

import heapq
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread

import httpx
import psycopg
import redis

from tests.proof import checker, history
from tests.proof.actors import Actor, Agent, Bot, Reader, Receiver, Shift
from tests.proof.house import LEASE, LINKS, PROCESSES, SETTINGS, House
from tests.proof.proxy import Proxies
from tests.servers import ROOT, Servers
from tests.system import Person, form_fields

AGENTS, BOTS = 10, 2

# How many of each fault come with so many kills, as in the promise (400 kills, 40 times FLUSHALL, 20 restarts, …).
SHARES = {
    "kill": 1.0,
    "flush": 0.1,
    "redis_empty": 0.05,
    "redis_old": 0.03,
    "redis_stop": 0.03,
    "worker_stop": 0.02,
    "terminate": 0.075,
    "postgres_restart": 0.05,
    "lose_commits": 0.15,
    "link": 0.4,
}

# Who is killed how often. `one-of-web` is one of granian's own processes.
VICTIMS = {"web": 3, "one-of-web": 4, "worker1": 5, "worker2": 5, "beat1": 3, "beat2": 3}

# Seconds a worker is stopped: past the deadline by which its delivery is taken up by another one.
WORKER_STOPPED = 28

# A process is started so that it kills itself at a write, with this chance at each (tests/proof/armed).
ARMED, FRAGILE = 0.002, 0.25

# Brings the deadline forward of what has been queued or sent for five seconds (its own is 45 s, or 25 s, after that).
HURRY = """
UPDATE delivery SET deadline = now() WHERE status = 'queued' AND deadline < now() + interval '40 s'
OR status = 'sending' AND deadline < now() + interval '20 s'
"""

# Seconds without a change after which nothing moves.
STILL = 3

# Seconds of calm after which what is owed must be done.
CALM = 240


@dataclass(frozen=True)
class Fault:
    """One line of the schedule. `who` is a process or a link, `how` a mode of the link, `number` what the dice gave."""

    kind: str
    who: str = ""
    how: str = ""
    number: float = 0.0


def schedule(kills: int, seed: int) -> list[Fault]:
    """The same for the same seed."""
    dice = random.Random(f"schedule {seed}")
    faults = []
    for kind, share in SHARES.items():
        wanted = kills if kind == "kill" else max(1, round(kills * share)) if kind != "worker_stop" or kills > 20 else 0
        faults += [_fault(kind, dice) for _ in range(wanted)]
    dice.shuffle(faults)
    return faults


def _fault(kind: str, dice: random.Random) -> Fault:
    who = how = ""
    if kind == "kill":
        who = dice.choices(list(VICTIMS), list(VICTIMS.values()))[0]
    elif kind == "worker_stop":
        who = dice.choice(("worker1", "worker2"))
    elif kind == "lose_commits":
        who = dice.choice(("web-postgres", "worker-postgres", "beat-postgres"))
    elif kind == "link":
        who = dice.choice(LINKS)
        how = dice.choice(("delay", "cut", "reset", "hole", "drop_after"))
    return Fault(kind, who, how, dice.random())


@dataclass
class Result:
    """One seed's run."""

    seed: int
    drafts: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[checker.Violation] = field(default_factory=list)
    seconds: float = 0.0
    calm_seconds: float = 0.0
    slowest: float = 0.0
    slowest_restart: float = 0.0
    duplicates: int = 0


class Chaos:
    """One run. `say` is told, in a line each, what happens."""

    def __init__(self, stage: "Scene", faults: list[Fault], seed: int, say: Callable[[str], None]) -> None:
        self.stage = stage
        self.house = stage.house
        self.shift = stage.shift
        self.faults = faults
        self.say = say
        self.counts: Counter[str] = Counter()
        self.slowest_restart = 0.0
        self.closed = 0
        self._dice = random.Random(f"chaos {seed}")
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._down: set[str] = set()
        self._dump: Path | None = None
        self._seeds = count(seed * 1_000_000)
        self._told = 0.0

    # --- the course of a run ---------------------------------------------------------------------------------

    def attack(self) -> None:
        """Faults at even distances of work, until all are done and all drafts are handed in."""
        began = last = time.monotonic()
        done, at = 0, 0
        while done < len(self.faults) or not self.shift.handed_out:
            self.tick()
            if self.closed > at:
                at, last = self.closed, time.monotonic()
            due = self.closed * (len(self.faults) + 1) > (done + 1) * self.shift.drafts
            # A fault can stop all work for a while; the next one comes nevertheless.
            stuck = time.monotonic() - last > 15
            if done < len(self.faults) and (due or stuck):
                self._do(self.faults[done])
                done, last = done + 1, time.monotonic()
            if time.monotonic() - self._told > 10:
                self._told = time.monotonic()
                seconds = time.monotonic() - began
                self.say(f"{seconds:5.0f} s  {self.closed:6,} of {self.shift.drafts:,} drafts  {done} faults")
        self.say(f"{time.monotonic() - began:5.0f} s  {self.closed:6,} of {self.shift.drafts:,} drafts  calm begins")

    def calm(self, *, patience: float) -> None:
        """All is up; until nothing is owed any more, or CALM seconds have passed.

        Past `patience` seconds the deadlines of lost jobs and silent workers are brought forward where nothing moves:
        no promise rests on them, and a short run has no time for them.
        """
        self.house.receiver.good.set()
        for link in self.house.links.values():
            link.set("pass")
            link.lose_commits(0)
        while self._later:
            heapq.heappop(self._later)[2]()
        end = time.monotonic() + CALM
        began = moved = time.monotonic()
        before = ""
        while time.monotonic() < end and (owed := self._owed()):
            self.tick(fragile=False)
            if owed != before:
                before, moved = owed, time.monotonic()
            elif time.monotonic() - max(moved, began + patience) > STILL:
                self.house.rows(HURRY)
                moved = time.monotonic()
            if time.monotonic() - self._told > 10:
                self._told = time.monotonic()
                self.say(f"  still owed: {owed}")
            time.sleep(0.3)
        self.shift.over.set()
        for actor in self.stage.actors:
            actor.join(30)

    def tick(self, *, fragile: bool = True) -> None:
        """A moment: what is due happens, who died is started again, and somebody counts."""
        for actor in self.stage.actors:
            if actor.failure:
                raise actor.failure
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()
        for name in PROCESSES:
            process = self.house.processes.get(name)
            if name not in self._down and (process is None or process.poll() is not None):
                if process is not None:
                    self.counts["killed_at_a_write"] += process.returncode == -signal.SIGKILL
                self._start(name, fragile=fragile)
        with suppress(psycopg.Error):
            rows = dict(self.house.rows("SELECT status, count(*) FROM draft GROUP BY status"))
            self.closed = sum(rows.values()) - rows.get("waiting", 0) - rows.get("claimed", 0)
            self.shift.open = sum(rows.values()) - self.closed
        time.sleep(0.1)

    def _start(self, name: str, *, fragile: bool) -> None:
        self._down.discard(name)
        self.house.fault = {}
        if fragile and self._dice.random() < FRAGILE:
            armed = os.fspath(ROOT / "tests/proof/armed")
            self.house.fault = {"PYTHONPATH": armed, "FAULT": f"kill * {ARMED}", "FAULT_SEED": str(next(self._seeds))}
        self.house.start(name)

    def _owed(self) -> str:
        """What is not done yet, in words; empty when all is."""
        try:
            drafts = self.house.rows("SELECT status, count(*) FROM draft WHERE status NOT IN ('decided', 'withdrawn', "
                                     "'expired', 'refused') GROUP BY 1")  # fmt: skip
            deliveries = self.house.rows("SELECT status, count(*) FROM delivery WHERE status NOT IN ('delivered', "
                                         "'cancelled') GROUP BY 1")  # fmt: skip
            holds = self.house.rows("SELECT 'hold', count(*) FROM hold HAVING count(*) > 0")
        except psycopg.Error as error:
            return str(error)
        if not self.shift.handed_out:
            return "drafts to hand in"
        return ", ".join(f"{n} {status}" for status, n in [*drafts, *deliveries, *holds])

    # --- faults ----------------------------------------------------------------------------------------------

    def _do(self, fault: Fault) -> None:
        getattr(self, f"_do_{fault.kind}")(fault)
        self.counts[fault.kind] += 1

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._order), call))

    def _do_kill(self, fault: Fault) -> None:
        """kill -9 of a process group, or of one of granian's own; of another one where that is down already."""
        if fault.who == "one-of-web" and self.house.kill_one_of_web(fault.number):
            return
        up = sorted(self.house.processes)
        name = fault.who if fault.who in up else up[int(fault.number * len(up))]
        self.house.kill(name)
        self._down.add(name)
        self._after(fault.number, lambda: self._down.discard(name))

    def _do_worker_stop(self, fault: Fault) -> None:
        process = self.house.processes.get(fault.who)
        if process:
            process.send_signal(signal.SIGSTOP)
            self._after(WORKER_STOPPED, lambda: process.send_signal(signal.SIGCONT))

    def _do_flush(self, fault: Fault) -> None:
        self.house.redis.resume()
        redis.Redis.from_url(self.house.redis.url).flushall()

    def _do_redis_empty(self, fault: Fault) -> None:
        self._restart_redis(fault.number, None)

    def _do_redis_old(self, fault: Fault) -> None:
        """The dump of an earlier moment, and the next one's is taken."""
        old, self._dump = self._dump, self._save(next(self._seeds))
        self._restart_redis(fault.number, old)

    def _save(self, number: int) -> Path:
        self.house.redis.resume()
        redis.Redis.from_url(self.house.redis.url).ping()
        copy = self.house.folder / f"redis-{number}.aof"
        shutil.copy(self.house.redis.directory / "appendonly.aof", copy)
        return copy

    def _restart_redis(self, pause: float, dump: Path | None) -> None:
        """Killed, and started empty or with what an old dump holds."""
        server = self.house.redis
        server.kill()
        (server.directory / "appendonly.aof").unlink(missing_ok=True)
        if dump:
            shutil.copy(dump, server.directory / "appendonly.aof")
        time.sleep(pause)
        server.start()

    def _do_redis_stop(self, fault: Fault) -> None:
        self.house.redis.pause()
        self._after(1 + 4 * fault.number, self.house.redis.resume)

    def _do_terminate(self, fault: Fault) -> None:
        self.house.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")  # fmt: skip

    def _do_postgres_restart(self, fault: Fault) -> None:
        """As `pg_ctl stop -m immediate`: every backend quits at once, and the next start recovers from the log."""
        postgres, began = self.house.servers.postgres, time.monotonic()
        assert postgres.pid
        os.kill(postgres.pid, signal.SIGQUIT)
        os.waitid(os.P_PID, postgres.pid, os.WEXITED | os.WNOWAIT)
        postgres.kill()
        postgres.start()
        self.slowest_restart = max(self.slowest_restart, time.monotonic() - began)

    def _do_lose_commits(self, fault: Fault) -> None:
        self.house.links[fault.who].lose_commits(1 + int(fault.number * 4), after=int(fault.number * 40) % 4)

    def _do_link(self, fault: Fault) -> None:
        link, seconds = self.house.links[fault.who], 0.5 + 2 * fault.number
        link.set(fault.how, seconds=0.05 + fault.number / 4, bytes=int(fault.number * 20_000))  # type: ignore[arg-type]
        self._after(seconds, lambda: link.set("pass"))


class Lead:
    """Presses "send again" where a delivery would wait for minutes: two attempts of it met a fault."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.person = Person(house.url, "dana")
        self.person.http.follow_redirects = False

    def send_again(self) -> None:
        waiting = (
            "SELECT id FROM delivery WHERE status = 'failed' "
            "OR status = 'retry' AND not_before > now() + interval '8 s'"
        )
        with suppress(psycopg.Error, httpx.HTTPError, AssertionError):
            for (delivery,) in self.house.rows(waiting):
                token = form_fields(self.person.http.get("/desk").text, "/sign-out")
                self.person.http.post(f"/deliveries/{delivery}/attempts", data=token)


@dataclass
class Scene:
    """A running system and everybody in it. Nobody works before `begin`."""

    house: House
    shift: Shift
    actors: list[Actor]
    lead: Lead
    histories: Path

    def begin(self) -> None:
        for actor in self.actors:
            actor.start()
        Thread(target=self._lead, name="lead", daemon=True).start()

    def _lead(self) -> None:
        """Looks every few seconds, all day."""
        while not self.shift.over.wait(3):
            self.lead.send_again()

    def violations(self) -> list[checker.Violation]:
        postgres = self.house.servers.postgres
        with psycopg.connect(postgres.url("postgres", self.house.database)) as connection:
            stored = checker.Stored.read(connection)
        return checker.check(history.read(self.histories), stored)


@contextmanager
def servers() -> Iterator[Servers]:
    """A PostgreSQL that syncs, with the migrated template."""
    ours = Servers(SETTINGS)
    try:
        ours.start()
        yield ours
    finally:
        ours.stop()


@contextmanager
def scene(ours: Servers, name: str, shift: Shift, *, agents: int = AGENTS) -> Iterator[Scene]:
    """On a database of its own; `name` also seeds what the actors do."""
    folder = ours.folder / f"chaos-{name}"
    histories = folder / "histories"
    histories.mkdir(parents=True)
    folder.chmod(0o711)
    with ExitStack() as stack:
        database = stack.enter_context(ours.clone())
        proxies = stack.enter_context(Proxies())
        receiver = stack.enter_context(Receiver(name, histories))
        Thread(target=receiver.serve_forever, args=(0.1,), daemon=True).start()
        stack.callback(receiver.shutdown)
        house = House(folder, database, ours, proxies, receiver)
        stack.callback(house.stop)
        house.set_up_for(agents)
        house.start_all()
        bots, desk = (f"http://127.0.0.1:{house.links[link].address}" for link in ("bots-web", "agents-web"))
        actors: list[Actor] = [Bot(f"bot{n}", name, shift, histories, bots, house.bot_key) for n in range(BOTS)]
        actors += [Agent(f"agent{n}", name, shift, histories, desk) for n in range(agents)]
        actors.append(Reader("reader", name, shift, histories, bots, house.bot_key))
        stack.callback(shift.over.set)
        yield Scene(house, shift, actors, Lead(house), histories)


def run(
    ours: Servers,
    *,
    drafts: int,
    kills: int,
    seed: int,
    patience: float,
    say: Callable[[str], None],
    agents: int = AGENTS,
) -> Result:
    """One seed, from set-up to the checker's word."""
    began = time.monotonic()
    result = Result(seed, drafts)
    shift = Shift(drafts, LEASE)
    with scene(ours, str(seed), shift, agents=agents) as stage:
        chaos = Chaos(stage, schedule(kills, seed), seed, say)
        stage.begin()
        chaos.attack()
        calm = time.monotonic()
        chaos.calm(patience=patience)
        result.calm_seconds = time.monotonic() - calm
        result.violations = stage.violations()
        result.duplicates = checker.repeated_arrivals(history.read(stage.histories))
        result.counts = chaos.counts
        result.counts["lost_commits"] = sum(link.lost_commits for link in stage.house.links.values())
    result.slowest, result.slowest_restart = shift.slowest, chaos.slowest_restart
    result.seconds = time.monotonic() - began
    return result
