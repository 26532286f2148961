"""No statement of the daily work costs more the more there is: drafts that wait, are decided, or ever were.

The statements are recorded from the running actions and planned by PostgreSQL beside ten thousand drafts of each
sort, and beside fifty thousand. And a request makes so many round trips and no more.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from reviewqueue import ready
from reviewqueue.actions import bots, claim, deliver, index, lease, settle
from reviewqueue.models import Draft, Queue
from tests.bench import deep, wire
from tests.bench.tape import Tape, recording
from tests.factories import make_agent, make_endpoint
from tests.servers import SERVERS

# Drafts that wait, and as many that are decided, settled and delivered.
FEW, MANY = 10_000, 50_000

# What the planner's cost may be beside five times as many: by another level of an index more, or a page for each value
# that the statement names, where these shared pages before. What reads all costs five times as much.
FACTOR, SLACK = 2.5, 50.0
VALUE = 5.0

# Tables with a row or more for each draft.
GROWING = {"attempt", "body", "conversation", "customer", "decision", "delivery", "draft", "event", "feed", "feedback"}
GROWING |= {"message", "settlement", "submission", "vote"}

# Characters of a statement that a failure shows.
SHORT = 600

# The most round trips of a request: to PostgreSQL, its commits, and to Redis.
MOST = {
    "submit": 20,
    "submit 100": 24,
    "decide and claim by Redis": 24,
    "decide and claim by PostgreSQL": 24,
    "desk": 15,
    "queue": 12,
}

Verb = Callable[[], Any]


class House:
    """A database with a bot, agents and drafts; `tapes` are what each verb says."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.numbers = iter(range(10**15, 10**16))
        self.made = 0
        with SERVERS.admin(database) as cursor:
            deep.give_ranges(cursor)
        self.agent = make_agent()
        make_endpoint()
        self.key = bots.new_key(bots.register("bench"))
        self.submit("like-this")
        # Nothing that is decided here becomes final: only workers may do that.
        Queue.objects.update(hold_seconds=600)
        self.lane = Draft.objects.get().lane_id
        self.browser = Client()
        self.browser.force_login(self.agent)
        self.lead = Client()
        self.lead.force_login(make_agent(role="lead"))

    def grow(self, drafts: int) -> None:
        self.fill(drafts)
        with SERVERS.admin(self.database) as cursor:
            cursor.execute("VACUUM ANALYZE")

    def fill(self, drafts: int) -> None:
        """So many more that wait, and so many that are decided."""
        with SERVERS.admin(self.database) as cursor:
            deep.fill(cursor, 2 * drafts, first=self.made + 1, lanes=[self.lane])
            deep.decide(cursor, drafts, first=self.made + 1, agent=self.agent.pk)
        self.made += 2 * drafts
        index.rebuild()

    def submit(self, *numbers: str) -> None:
        drafts = [wire.draft_json(number) for number in numbers or [str(next(self.numbers))]]
        path, body = "/api/v1/drafts", drafts[0]
        if len(drafts) > 1:
            path, body = "/api/v1/drafts/batch", b'{"drafts":[' + b",".join(drafts) + b"]}"
        answer = Client().post(path, body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {self.key}")
        assert answer.status_code in (200, 202), answer.content

    def submit_hundred(self) -> None:
        self.submit(*(str(next(self.numbers)) for _ in range(100)))

    def claims(self) -> None:
        assert self.browser.post("/claims").status_code == 302

    def desk(self) -> bytes:
        page = self.browser.get("/desk")
        assert page.status_code == 200
        return page.content

    def decide(self) -> None:
        """The form of the desk's page: the next draft is claimed with it."""
        shown = wire.FIELDS.search(self.desk())
        assert shown, "there is no draft on the desk"
        draft, epoch, seen, rev, key = (part.decode() for part in shown.groups())
        form = {"epoch": epoch, "seen": seen, "rev": rev, "decision_key": key, "next": "1", "verdict": "approve"}
        self.form = form
        self.path = f"/drafts/{draft}/decision"

    def post_decision(self) -> None:
        assert self.browser.post(self.path, self.form).status_code == 302

    def record(self, verb: Verb) -> Tape:
        with recording() as tape:
            verb()
        return tape

    def tapes(self) -> dict[str, Tape]:
        """Every verb of the daily work, each on the path it usually takes, the claim on both of its paths."""
        self.claims()
        self.decide()
        by_redis = self.record(self.post_decision)
        self.decide()
        ready._redis.resting_until = time.monotonic() + 3600
        by_postgres = self.record(self.post_decision)
        ready._redis.resting_until = 0.0
        shown = Draft.objects.get(status="claimed", holder=self.agent)
        verbs: dict[str, Verb] = {
            "submit": self.submit,
            "submit 100": self.submit_hundred,
            "desk": self.desk,
            "renew": lambda: lease.renew(shown.pk, by=self.agent, epoch=shown.epoch),
            "skip": lambda: lease.skip(shown.pk, by=self.agent, epoch=shown.epoch),
            "claim": lambda: claim.claim_next(by=self.agent),
            "queue": lambda: self.browser.get("/queue"),
            "queue, filtered": lambda: self.browser.get("/queue?q=conf:<0.6+type:reply"),
            "queue, by due time": lambda: self.browser.get("/queue?q=sort:due+due:<1h"),
            "queue, news": lambda: self.browser.get("/queue/news?q=type:reply&since=0"),
            "my decisions": lambda: self.browser.get("/decisions"),
            "board": lambda: self.lead.get("/board"),
            "settle": settle.settle_due,
            "feed": settle.feed_final,
            "dispatch": deliver.dispatch,
            "sweep": deliver.sweep,
            "lapse": lease.lapse,
            "refresh": index.refresh,
        }
        tapes = {name: self.record(verb) for name, verb in verbs.items()}
        return {"decide and claim by Redis": by_redis, "decide and claim by PostgreSQL": by_postgres, **tapes}


@pytest.fixture
def house(committed, monkeypatch) -> House:
    # One claim in 32 asks PostgreSQL first; here each path is taken on purpose.
    monkeypatch.setattr(random, "randrange", lambda *_: 1)
    return House(committed)


def plans(tapes: dict[str, Tape], *, scans: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(verb, statement, its plan) for each that can be planned; without `scans` a table is read whole only where no
    index is of use, so that the plans beside few and many drafts can be compared. `kept` are the plans for any values
    that connections keep (rows.ask)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET enable_seqscan = {'on' if scans else 'off'}")
        for name, tape in tapes.items():
            for step in tape.steps:
                if step.kind == "execute":
                    said = step.said if step.client else psycopg.ClientCursor(connection.connection).mogrify(*step.said)
                    yield from planned(cursor, name, said)
        yield from kept(cursor)
        cursor.execute("RESET enable_seqscan")


def kept(cursor: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY name")
    for (said,) in cursor.fetchall():
        yield from planned(cursor, "kept", said, "GENERIC_PLAN, ")


def planned(cursor: Any, name: str, said: str, how: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    if said.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
        cursor.execute(f"EXPLAIN ({how}FORMAT JSON) " + said.replace("%", "%%"), ())
        found = cursor.fetchone()[0]
        yield name, said, (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def read_whole(plan: dict[str, Any], growing: set[str] = GROWING) -> set[str]:
    """The growing tables that the plan reads from one end to the other."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & growing


def costs(tapes: dict[str, Tape]) -> list[tuple[str, str, float]]:
    return [(name, said, plan["Total Cost"]) for name, said, plan in plans(tapes, scans=False)]


def test_no_plan_grows_with_the_number_of_drafts(house):
    house.grow(FEW)
    index.rebuild()
    connection.connection.prepare_threshold = 0  # all plans that could be kept are
    tapes = house.tapes()
    before = costs(tapes)
    house.grow(MANY - FEW)
    worse = [
        f"{name}: cost {few:.0f} becomes {many:.0f}: {said[:SHORT]}"
        for (name, said, few), (_, _, many) in zip(before, costs(tapes), strict=True)
        if many > max(FACTOR * few + SLACK, VALUE * said.count(","))
    ]
    for name, said, plan in plans(tapes, scans=True):
        if whole := read_whole(plan):
            worse.append(f"{name}: reads all of {', '.join(whole)}: {said[:SHORT]}")
    assert sum(name == "kept" for name, _, _ in before) > 20
    assert not worse, "\n\n".join(worse)


def rows_read() -> int:
    """Rows that PostgreSQL has read in this database, of tables and of indexes, so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
        ((of_tables,),) = cursor.fetchall()
        cursor.execute("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
        ((of_indexes,),) = cursor.fetchall()
    return int(of_tables + of_indexes)


def test_by_plans_kept_from_when_there_was_little_nothing_reads_more(house, monkeypatch):
    """They stay until PostgreSQL counts the tables anew, while a new queue fills with thousands."""

    def read_by(verb: Verb) -> int:
        before = rows_read()
        verb()
        return rows_read() - before

    house.grow(20)
    connection.connection.prepare_threshold = 0
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    house.tapes()
    monkeypatch.setattr(house, "record", read_by)
    # Past the first thousand, at which counting stops.
    house.fill(1_500)
    few = house.tapes()
    house.fill(6_000)
    many = house.tapes()
    more = {name: (rows, many[name]) for name, rows in few.items() if many[name] > 2 * rows + 500}
    # The list looks through ten thousand at the most; its plans are made for each question.
    assert {name: rows for name, rows in more.items() if not name.startswith("queue")} == {}


def trips(tape: Tape) -> int:
    """Times that PostgreSQL or Redis is waited for."""
    return sum(step.kind in ("execute", "commit", "rollback", "redis", "pipeline") for step in tape.steps)


def test_a_request_makes_so_many_round_trips(house):
    house.grow(20)
    index.rebuild()
    tapes = house.tapes()
    made = {name: trips(tapes[name]) for name in MOST}
    assert not {name: number for name, number in made.items() if number > MOST[name]}, made
