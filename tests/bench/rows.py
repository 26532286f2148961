"""The rows of the bench. Each measures a promise of speed, where it can beside a limit measured in the same rounds."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import Any

from config.embedded.programs import BEAT
from tests.bench import wire
from tests.bench.load import Answer, Client, Load, drive
from tests.bench.stage import Stage, World, cpu_of


@dataclass
class Plan:
    """How much: rounds, seconds a slice, and how deep the deepest queue is."""

    rounds: int = 5
    seconds: float = 2.0
    deep: int = 1_000_000


@dataclass
class Result:
    """One line of var/bench.json. `limit` is in the unit of `value`, `ratio` value / limit."""

    name: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None
    limit: float | None = None
    ratio: float | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Side:
    """One of those that take turns: ours or a limit. `clients` are made anew for each slice."""

    name: str
    port: int
    clients: Callable[[], list[Client]]
    labels: tuple[str, ...] = ()
    loads: list[Load] = field(default_factory=list)
    busy: list[dict[str, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(load.rate(*self.labels) for load in self.loads)

    def percentile(self, share: float, *labels: str) -> float:
        return median(load.percentile(share, *(labels or self.labels)) for load in self.loads)

    @property
    def failed(self) -> int:
        return sum(sum(load.failed.values()) for load in self.loads)

    def says(self) -> str:
        p50, p95, p99 = (self.percentile(share) for share in (0.5, 0.95, 0.99))
        spent = ", ".join(
            f"{name} {median(busy[name] for busy in self.busy) * 100:.0f} %"
            for name in (self.busy[0] if self.busy else ())
        )
        failed = f", FAILED {[load.failed for load in self.loads]}" if self.failed else ""
        return f"{self.name}: {self.rate:,.0f} /s, p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms; CPU: {spent}{failed}"


def take_turns(world: World, plan: Plan, sides: list[Side], *, before: Callable[[], None] = lambda: None) -> None:
    """Interleaved rounds, after one of half the length that does not count."""
    servers = {"web": [process.pid for process in world.processes], **world.stage.pids}
    for number in range(plan.rounds + 1):
        for side in sides:
            before()
            at = {name: sum(map(cpu_of, pids)) for name, pids in servers.items()}
            load = drive(side.port, side.clients(), plan.seconds if number else plan.seconds / 2)
            if number:
                side.loads.append(load)
                spent = {name: sum(map(cpu_of, pids)) - at[name] for name, pids in servers.items()}
                side.busy.append({name: used / load.seconds for name, used in {**spent, "load": load.cpu}.items()})


_slices = count(1)


def fresh(step: int = 1) -> Iterator[int]:
    """Numbers that no other slice of the run uses: the clients' process forgets how far it came."""
    return count(10**17 + next(_slices) * 10**9, step)


def asker(label: str, line: str, numbers: Iterator[int], body: bytes = b"") -> Client:
    """Asks for one address after the other."""
    method, path = line.split()
    make = (
        (lambda number: wire.get(f"{path}{number}"))
        if method == "GET"
        else (lambda number: wire.post(f"{path}{number}", body))
    )

    def run() -> Generator[tuple[str, bytes], Answer, None]:
        for number in numbers:
            yield label, make(number)

    return run


def submit(stage: Stage, plan: Plan) -> Iterator[Result]:
    with stage.world() as world:
        world.record()
        ours, bare = world.serve(), world.serve("tests.bench.bare")
        key = stage.cast["bot_key"]
        text = b"Your order 4821 left our warehouse on Tuesday and is with the carrier now."
        sides = [
            Side("ours", ours, lambda: [wire.submitter(key, fresh())] * 16),
            Side("limit", bare, lambda: [asker("replay", "GET /replay/submit?number=", fresh())] * 16),
            Side("bare", bare, lambda: [asker("insert", "POST /insert?number=", fresh(), text)] * 16),
        ]
        take_turns(world, plan, sides)
        mine, limit, least = sides
        notes = [side.says() for side in sides]
        p99 = mine.percentile(0.99)
        yield ratio("submit", mine.rate, limit.rate, "drafts/s", 0.55, notes)
        yield ratio("submit, beside one INSERT", mine.rate, least.rate, "drafts/s", 0.3)
        yield Result("submit, p99", p99, "ms", "<= 50", p99 <= 50)


def batch(stage: Stage, plan: Plan) -> Iterator[Result]:
    with stage.world() as world:
        world.record()
        ours, bare = world.serve(), world.serve("tests.bench.bare")
        key = stage.cast["bot_key"]
        sides = [
            Side("ours", ours, lambda: [wire.submitter(key, fresh(), batch=100)] * 2),
            Side("limit", bare, lambda: [asker("replay", "GET /replay/batch?number=", fresh(100))] * 2),
            Side("bare", bare, lambda: [wire.submitter(key, fresh(), batch=100, path="/batch")] * 2),
        ]
        take_turns(world, plan, sides)
        mine, limit, least = sides
        notes = [side.says() for side in sides]
        yield ratio("submit 100 at once", mine.rate * 100, limit.rate * 100, "drafts/s", 0.5, notes)
        yield ratio("submit 100 at once, beside unnest", mine.rate * 100, least.rate * 100, "drafts/s", 0.35)


# Decisions per second beside so many waiting, of the rows that have run.
_by_depth: dict[int, float] = {}


def beside(name: str, value: float, other: float, notes: list[str] | None = None) -> Result:
    """How the deep queue fares beside the shallow one."""
    share = value / other
    return Result(name, value, "decisions/s", ">= 0.9 of it", share >= 0.9, other, share, notes or [])


def ratio(name: str, value: float, limit: float, unit: str, goal: float, notes: list[str] | None = None) -> Result:
    share = value / (limit or float("nan"))
    return Result(name, value, unit, f">= {goal} of the limit", share >= goal, limit, share, notes or [])


def replayed_reviewer(agent: dict[str, Any], bare_port: int) -> Client:
    def run() -> Generator[tuple[str, bytes], Answer, None]:
        marks = f"session={agent['session']}&agent={agent['id']}"
        status, _, held = yield "first", wire.get(f"/held?agent={agent['id']}")
        drafts = held.decode().split()
        while status == 200 and len(drafts) == 2:
            draft, on = drafts
            status, _, ahead = yield "decide", wire.get(f"/replay/decide?{marks}&draft={draft}&on={on}")
            drafts = [on, *ahead.decode().split()]

    return run


def bare_reviewer(agent: dict[str, Any]) -> Client:
    def run() -> Generator[tuple[str, bytes], Answer, None]:
        while True:
            _, _, draft = yield "page", wire.get(f"/claim?agent={agent['id']}")
            if not draft:
                return
            yield "decide", wire.get(f"/decide?agent={agent['id']}&draft={draft.decode()}")

    return run


def review(depth: int) -> Callable[[Stage, Plan], Iterator[Result]]:
    """Sixteen agents approve what they are given, as the desk's script does: an answer brings the next claim."""

    def measure(stage: Stage, plan: Plan) -> Iterator[Result]:
        deep = min(depth, plan.deep)
        with stage.world(deep) as world, ExitStack() as stack:
            world.record()
            stack.enter_context(stage.servers.admin(world.database)).execute(
                f"INSERT INTO bare_draft (external_id, text, order_key) SELECT n, 'Your order', n"
                f" FROM generate_series(1, {max(deep, 20_000)}) AS n"
            )
            ours, bare = world.serve(), world.serve("tests.bench.bare")
            world.start("manage.py", *BEAT, role="worker")
            # Each side has agents of its own: what one holds the other cannot decide.
            mine, theirs = stage.cast["agents"][:16], stage.cast["agents"][16:32]
            sides = [
                Side("ours", ours, lambda: [wire.reviewer(agent) for agent in mine], ("decide",)),
                Side("limit", bare, lambda: [replayed_reviewer(agent, bare) for agent in theirs], ("decide",)),
                Side("bare", bare, lambda: [bare_reviewer(agent) for agent in mine], ("decide",)),
            ]

            def top_up() -> None:
                if (left := world.waiting()) < 0.7 * deep + 1000:
                    world.fill(deep + 1000 - left)
                # Who has too few, as Redis offered what was just taken and a tape does not try again, is given more.
                drive(ours, [wire.reviewer(agent, 0) for agent in theirs], 30)

            take_turns(world, plan, sides, before=top_up)
            twice = world.rows("SELECT count(*) - count(DISTINCT draft_id) FROM decision")[0][0]
            notes = [side.says() for side in sides]
            own, limit, least = sides
            name = f"claim and decide, {deep:,} waiting"
            yield ratio(name, own.rate, limit.rate, "decisions/s", 0.5, notes)
            yield ratio(f"{name}, beside two bare views", own.rate, least.rate, "decisions/s", 0.3)
            yield Result(f"{name}, drafts to two agents", twice, "", "0", twice == 0)
            _by_depth[deep] = own.rate
            if deep == plan.deep:
                shallow = min(_by_depth)
                yield beside(f"{name}, beside {shallow:,}", own.rate, _by_depth[shallow])
                world.churn(deep // 10)
                again = Side("unvacuumed", ours, own.clients, ("decide",))
                take_turns(world, plan, [again])
                notes = [again.says()]
                yield beside(f"{name}, {deep // 10:,} claims after the last vacuum", again.rate, own.rate, notes)

    return measure


TURNS: dict[str, Callable[[Stage, Plan], Iterator[Result]]] = {
    "submit": submit,
    "batch": batch,
    "review-1k": review(1_000),
    "review-100k": review(100_000),
    "review-1m": review(1_000_000),
}
