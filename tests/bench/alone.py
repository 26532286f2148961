"""Rows that stand alone: how long something takes, or how much of it goes, without taking turns with a limit."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median

import httpx

from config.embedded.programs import BEAT, WORKER
from reviewqueue.edits import word_diff
from reviewqueue.figures import BUCKETS
from tests.bench import deep, wire
from tests.bench.load import Client, drive
from tests.bench.rows import Plan, Result, fresh
from tests.bench.stage import NOTES, Stage, tree
from tests.receiver import Receiver, receiving
from tests.servers import ROOT, free_port

# Seconds that an agent spends on a draft, on average: short enough to be work, long enough to be a person's.
PAUSE = 2.0


def p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)]


def most(name: str, value: float, unit: str, goal: float, notes: list[str] | None = None) -> Result:
    return Result(name, value, unit, f"<= {goal:g}", value <= goal, notes=notes or [])


def claims(stage: Stage, plan: Plan) -> Iterator[Result]:
    """Sixty-four agents over two hundred lanes, by each path; and after 100,000 claims that nobody vacuumed."""
    with stage.world() as world:
        world.lanes = stage.inside(world.database, "lanes", number=200)
        world.fill(plan.deep)
        agents = {"agents": [agent["id"] for agent in stage.cast["agents"]], "seconds": plan.rounds * 2, "pause": PAUSE}
        name = f"claim p95, {plan.deep:,} waiting, 200 lanes, 64 agents"
        yield most(f"{name}, by Redis", p95(stage.inside(world.database, "claims", **agents)), "ms", 25)
        by_postgres = p95(stage.inside(world.database, "claims", postgres=True, **agents))
        yield most(f"{name}, by PostgreSQL", by_postgres, "ms", 25)
        world.churn(plan.deep // 10)
        after = p95(stage.inside(world.database, "claims", postgres=True, **agents))
        yield most(f"{name}, by PostgreSQL, {plan.deep // 10:,} claims after the last vacuum", after, "ms", 25)
        rate = stage.inside(world.database, "offers", lanes=world.lanes, number=2_000)
        yield Result("Redis offers over 200 lanes, pipelined", rate, "/s")


def decide(stage: Stage, plan: Plan) -> Iterator[Result]:
    deepness = min(100_000, plan.deep)
    with stage.world(deepness) as world:
        agents = [agent["id"] for agent in stage.cast["agents"][:20]]
        took = stage.inside(world.database, "decisions", agents=agents, seconds=plan.rounds * 2, pause=PAUSE)
        yield most(f"decide p95, 20 agents, {deepness:,} waiting", p95(took), "ms", 60, [f"p50 {median(took):.1f} ms"])


def pages(stage: Stage, plan: Plan) -> Iterator[Result]:
    """One person at a time, so that it is the server's time and not a queue's."""
    found: dict[str, list[float]] = {"claim page": [], "queue list": []}
    depths = (min(10_000, plan.deep // 10), plan.deep)
    for depth in depths:
        with stage.world(depth) as world:
            port = world.serve()
            agent = stage.cast["agents"][0]
            drive(port, [wire.reviewer(agent, 0)], 30)
            for name, path in (("claim page", "/desk"), ("queue list", "/queue")):
                client = asked(path, agent["session"], 40 * plan.rounds)
                found[name].append(drive(port, [client], 60).percentile(0.95, "page"))
    for name, (shallow, deeper) in found.items():
        yield most(f"{name} p95, {depths[1]:,} waiting", deeper, "ms", 50)
        yield most(f"{name}, {depths[1]:,} beside {depths[0]:,}", deeper / shallow, "times", 1.25)


def asked(path: str, session: str, times: int) -> Client:
    def run():
        for at in range(times + 20):
            yield "page" if at >= 20 else "first", wire.get(path, f"Cookie: session={session}\r\n")

    return run


def deliver(stage: Stage, plan: Plan) -> Iterator[Result]:
    """One worker process and one beat, a receiver on this machine; beside a worker whose jobs do nothing."""
    number = 300 * plan.rounds
    with stage.world(number) as world, receiving() as receiver:
        with stage.servers.admin(world.database) as cursor:
            deep.decide(cursor, number, first=1, agent=stage.cast["agents"][0]["id"])
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE delivery SET status = 'held', attempts = 0, epoch = 0, phase = NULL")
            cursor.execute("UPDATE endpoint SET url = %s", (receiver.url,))
            cursor.execute("VACUUM ANALYZE")
        limit = stage.inside(world.database, "empty_jobs", role="worker", number=number)
        world.start("manage.py", *WORKER, role="worker")
        world.start("manage.py", *BEAT, role="worker")
        until = time.monotonic() + 120
        first = 0.0
        while len(receiver.posts) < number and time.monotonic() < until:
            if receiver.posts and not first:
                first, had = time.monotonic(), len(receiver.posts)
            time.sleep(0.002)
        rate = (len(receiver.posts) - had) / (time.monotonic() - first) if first else 0.0
        lost = number - len(set(receiver.ids()))
        goal = ">= 0.5 of RQ's empty job"
        ratio = rate / limit
        yield Result("delivery by webhook, one worker", rate, "deliveries/s", goal, ratio >= 0.5, limit, ratio)
        yield most("deliveries lost", lost, "", 0)


def on_the_wire(stage: Stage, plan: Plan) -> Iterator[Result]:
    """From the press of the button to the receiver, with no hold, while nothing else happens."""
    with stage.world(200) as world, receiving() as receiver:
        with stage.servers.admin(world.database) as cursor:
            cursor.execute("UPDATE queue SET hold_seconds = 0")
            cursor.execute("UPDATE endpoint SET url = %s", (receiver.url,))
        port = world.serve()
        world.start("manage.py", *WORKER, role="worker")
        world.start("manage.py", *BEAT, role="worker")
        time.sleep(4)
        took = [decided_to_wire(port, agent["session"], receiver) for agent in stage.cast["agents"][: 8 * plan.rounds]]
        notes = [f"p50 {median(took):.0f} ms"]
        yield most("decided to on the wire, p95", p95(took[2:]), "ms", 250, notes)


def decided_to_wire(port: int, session: str, receiver: Receiver) -> float:
    """Milliseconds from sending the form to the receiver having it."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies={"session": session}, trust_env=False) as http:
        token = wire.TOKEN.search(http.get("/desk").content)[1].decode()
        http.post("/claims", data={"csrfmiddlewaretoken": token})
        shown = wire.FIELDS.search(http.get("/desk").content)
        draft, epoch, seen, rev, key = (part.decode() for part in shown.groups())
        form = {"epoch": epoch, "seen": seen, "rev": rev, "decision_key": key, "verdict": "approve"}
        before = len(receiver.posts)
        start = time.perf_counter()
        http.post(f"/drafts/{draft}/decision", data={"csrfmiddlewaretoken": token, **form})
        while len(receiver.posts) == before and time.perf_counter() < start + 10:
            time.sleep(0.001)
        return (time.perf_counter() - start) * 1000


BOARD = """
SET session_replication_role = replica;
INSERT INTO source (bot_id, vendor, model, version, prompt_version)
SELECT bot_id, vendor, model, 'v' || n, prompt_version
FROM generate_series(1, 19) AS n, (SELECT * FROM source LIMIT 1) AS like_it;
INSERT INTO source_day (day, source_id, queue_id, language, kind, approved, edited, rejected, returned, seconds)
SELECT current_date - day, source.id, 1, language, kind, 450, 80, 20, 5, array_fill(40, ARRAY[%s])
FROM generate_series(0, 89) AS day, source, unnest(ARRAY['en', 'de', 'fr', 'es', 'ja']) AS language,
  unnest(ARRAY['reply', 'sentiment']) AS kind;
INSERT INTO agent_day (day, agent_id, queue_id, kind, approved, edited, rejected, returned, seconds)
SELECT current_date - day, account.id, 1, kind, 700, 80, 20, 5, array_fill(40, ARRAY[%s])
FROM generate_series(0, 89) AS day, account, unnest(ARRAY['reply', 'sentiment']) AS kind;
RESET session_replication_role;
"""


def board(stage: Stage, plan: Plan) -> Iterator[Result]:
    """Rollups as ten million decisions of ninety days leave them; and how fast decisions are counted into them."""
    with stage.world(min(20_000, plan.deep)) as world:
        with stage.servers.admin(world.database) as cursor:
            cursor.execute(BOARD.replace("%s", str(len(BUCKETS) + 1)))
            cursor.execute("VACUUM ANALYZE")
        counted = world.rows("SELECT sum(approved + edited + rejected + returned) FROM source_day")[0][0]
        port = world.serve()
        client = asked("/board?period=90", stage.cast["lead"]["session"], 20 * plan.rounds)
        load = drive(port, [client], 60)
        yield most(f"board p95, {counted:,} decisions", load.percentile(0.95, "page"), "ms", 100)
        with stage.servers.admin(world.database) as cursor:
            deep.decide(cursor, world.made, first=1, agent=stage.cast["agents"][0]["id"])
            cursor.execute("VACUUM ANALYZE")
        done = stage.inside(world.database, "fold", role="worker")
        rate = done["decisions"] / done["seconds"]
        yield Result("counting decisions for the board", rate, "decisions/s", ">= 200,000", rate >= 200_000)


def rebuild(stage: Stage, plan: Plan) -> Iterator[Result]:
    """Redis empty, all put in again, while agents claim."""
    with stage.world(plan.deep) as world, ThreadPoolExecutor() as pool:
        agents = {"agents": [agent["id"] for agent in stage.cast["agents"]], "seconds": 5, "pause": PAUSE}
        before = p95(stage.inside(world.database, "claims", **agents))
        stage.redis.flushall()
        done = pool.submit(stage.inside, world.database, "rebuild", role="worker")
        meanwhile = p95(stage.inside(world.database, "claims", **agents))
        rate = done.result()["drafts"] / done.result()["seconds"]
        yield Result("index rebuild in Redis", rate, "drafts/s", ">= 60,000", rate >= 60_000)
        yield most("claim p95 during a rebuild, beside before", meanwhile / before, "times", 1.25)


def memory(stage: Stage, plan: Plan) -> Iterator[Result]:
    """Of the largest process of each sort after a short load; the hour's is `make soak`."""
    with stage.world(min(5_000, plan.deep)) as world:
        port = world.serve()
        web = world.processes[0]
        worker = world.start("manage.py", *WORKER, role="worker")
        beat = world.start("manage.py", *BEAT, role="worker")
        drive(port, [wire.submitter(stage.cast["bot_key"], fresh()) for _ in range(8)], plan.seconds * 2)
        drive(port, [wire.reviewer(agent) for agent in stage.cast["agents"][:8]], plan.seconds * 2)
        for name, process in (("web worker", web), ("RQ worker", worker), ("beat", beat)):
            resident, shared_out = max(map(megabytes, tree(process.pid)))
            yield most(f"memory, {name}", resident, "MB RSS", 120, [f"{shared_out:.0f} MB PSS"])
        heavy = stage.inside(world.database, "heavy_modules")
        yield Result("heavy modules in a web process", len(heavy), "", "0", not heavy, notes=heavy)


def megabytes(pid: int) -> tuple[float, float]:
    """(resident, proportional) size of a process."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return tuple(int(re.search(rf"^{name}: +(\d+)", text, re.M)[1]) / 1024 for name in ("Rss", "Pss"))
    return 0.0, 0.0


def up(stage: Stage, plan: Plan) -> Iterator[Result]:
    """`make up` in a folder of its own: the first start makes all, the second is measured, to the first page."""
    took = [start_up(stage.folder / "up") for _ in range(2)]
    yield most("make up, second start, to first page", took[1], "s", 10, [f"the first took {took[0]:.1f} s"])


def start_up(var: Path) -> float:
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"VAR_DIR": str(var), "PORT": str(port)}
    start = time.monotonic()
    with open(NOTES / "up.log", "ab") as log:
        process = subprocess.Popen(["make", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log, process_group=0)
    try:
        while time.monotonic() < start + 120:
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/sign-in", trust_env=False, timeout=2).status_code == 200:
                    return time.monotonic() - start
            time.sleep(0.02)
        raise AssertionError("make up does not answer, see var/bench/up.log")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(40)


def pgbench(stage: Stage, plan: Plan) -> Iterator[Result]:
    """One INSERT and COMMIT from a client in C: what PostgreSQL can do here without any Python."""
    if (found := shutil.which("pgbench")) is None:
        return
    with stage.world() as world:
        script = stage.folder / "insert.sql"
        script.write_text(
            "INSERT INTO bare_draft (external_id, text) VALUES (gen_random_uuid(), 'Your order 4821 left.');\n"
        )
        url = stage.servers.postgres.url("postgres", world.database)
        said = subprocess.run(
            [found, "-n", "-c16", "-j2", f"-T{plan.seconds * 2:.0f}", f"-f{script}", url],
            capture_output=True,
            text=True,
        ).stdout
        rate = float(re.search(r"tps = ([\d.]+)", said)[1])
        yield Result("pgbench, one INSERT and COMMIT, 16 clients", rate, "/s")


def diff(stage: Stage, plan: Plan) -> Iterator[Result]:
    """A reply of 600 words, one in ten of them changed: what is compared at each pause in typing."""
    chance = random.Random(7)  # the same words in each run
    for language, word in (("English", "word"), ("Arabic", "\u0643\u0644\u0645\u0629")):
        before = [f"{word}{chance.randrange(300)}" for _ in range(600)]
        after = [chance.choice(before) if chance.random() < 0.1 else one for one in before]
        took = []
        for _ in range(20 * plan.rounds):
            start = time.perf_counter()
            word_diff(" ".join(before), " ".join(after))
            took.append((time.perf_counter() - start) * 1000)
        yield most(f"word diff of 600 words, {language}, p95", p95(took), "ms", 20)


ALONE = {
    "claims": claims,
    "decide": decide,
    "pages": pages,
    "deliver": deliver,
    "wire": on_the_wire,
    "board": board,
    "rebuild": rebuild,
    "memory": memory,
    "diff": diff,
    "up": up,
    "pgbench": pgbench,
}
