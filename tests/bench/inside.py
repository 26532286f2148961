"""What the bench does inside a process of the product: `python -m tests.bench.inside <verb> [JSON]`."""

import json
import pickle
import random
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import rq
from redis import Redis

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.db import OperationalError, connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import resolve  # noqa: E402

from reviewqueue import ready  # noqa: E402
from reviewqueue.actions import bots, claim, decide, index, lease, queues, rollup  # noqa: E402
from reviewqueue.desk.session import SessionStore  # noqa: E402
from reviewqueue.models import Draft, Lane, Queue, User  # noqa: E402
from tests.bench import tape  # noqa: E402
from tests.bench.wire import FIELDS, draft_json  # noqa: E402

MARK = 900_000_000_000_000_001


def cast(agents: int, receiver: str) -> dict[str, Any]:
    """Agents with a session each, a bot with a key and an endpoint."""
    queue = Queue.objects.get(name="default")
    people = []
    for number in range(agents + 1):
        role = "agent" if number < agents else "lead"
        user = User(username=f"{role}{number}", role=role, password="!")
        user.save()
        user.queues.add(queue)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        people.append({"id": user.pk, "session": session.session_key})
    queues.set_endpoint("default", receiver)
    key = bots.new_key(bots.register("bench"))
    # What deep.py copies: a draft that came in through the door.
    _submit(key, b'{"drafts":[' + draft_json("like-this") + b"]}", "/api/v1/drafts/batch")
    lead = people.pop()
    return {"agents": people, "lead": lead, "bot_key": key, "lane": Draft.objects.get(external_id="like-this").lane_id}


def _submit(key: str, body: bytes, path: str = "/api/v1/drafts") -> dict[str, Any]:
    answer = Client(HTTP_HOST="127.0.0.1").post(
        path, body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {key}"
    )
    assert answer.status_code in (200, 202), answer.content
    return answer.json()


def rebuild() -> dict[str, float]:
    """How many drafts were put into Redis, and how long it took (s), from the start again where Redis was slow."""
    while True:
        start = time.perf_counter()
        with suppress(ready.Away):
            drafts = index.rebuild()
            return {"drafts": drafts, "seconds": time.perf_counter() - start}
        time.sleep(ready.REST)


def lanes(number: int) -> list[int]:
    queue = Queue.objects.get(name="default")
    made = Lane.objects.bulk_create(Lane(queue=queue, language=f"x{at}", skills=[]) for at in range(number))
    return [lane.pk for lane in made]


def claims(agents: list[int], seconds: float, pause: float, postgres: bool = False) -> list[float]:
    """How long (ms) each claim took while so many agents claim, wait about `pause` seconds, and give back."""
    if postgres:
        ready._redis.resting_until = float("inf")

    def one(user: User) -> float:
        start = time.perf_counter()
        draft = claim.claim_next(by=user)
        took = (time.perf_counter() - start) * 1000
        if draft is not None:
            lease.release(draft.pk, by=user, epoch=draft.epoch)
        return took

    return _at_work(one, agents, seconds, pause)


def decisions(agents: list[int], seconds: float, pause: float) -> list[float]:
    """How long (ms) each decision took while so many agents claim, wait about `pause` seconds, and approve."""

    def one(user: User) -> float:
        draft = claim.claim_next(by=user)
        if draft is None:
            return 0.0
        seen = {"epoch": draft.epoch, "seen": bytes(draft.digest), "rev": 1, "decision_key": uuid.uuid4()}
        start = time.perf_counter()
        decide.approve(draft.pk, by=user, **seen)
        return (time.perf_counter() - start) * 1000

    return _at_work(one, agents, seconds, pause)


def _at_work(one: Callable[[User], float], agents: list[int], seconds: float, pause: float) -> list[float]:
    end = time.monotonic() + seconds
    took: list[float] = []

    def work(user: User) -> None:
        """Their first one is not counted; the pool has the connection back while a person thinks."""
        first = True
        while time.monotonic() < end:
            time.sleep(random.expovariate(1 / pause))
            start = time.perf_counter()
            try:
                lasted = one(user)
            except OperationalError:  # no connection in time: an agent would see a refusal, after so long
                lasted = (time.perf_counter() - start) * 1000
            connections.close_all()
            if not first:
                took.append(lasted)
            first = False

    users = list(User.objects.filter(pk__in=agents))
    connections.close_all()
    with ThreadPoolExecutor(len(agents)) as pool:
        list(pool.map(work, users))
    return took


def offers(lanes: list[int], number: int) -> float:
    """Offers per second of the same Lua, a hundred in each pipeline. They are not taken: Redis is filled anew after."""
    client = Redis.from_url(settings.REDIS_URL)
    keys = [ready.OFFERED, ready.LANE_OF, *map(ready._lane, lanes)]
    script = client.script_load(ready.OFFER)
    start = time.perf_counter()
    for _ in range(number // 100):
        pipe = client.pipeline(transaction=False)
        for _ in range(100):
            pipe.evalsha(script, len(keys), *keys, ready.DEPTH, ready.RESERVED)
        pipe.execute()
    return number / (time.perf_counter() - start)


def fold() -> dict[str, float]:
    """How many decisions were counted for the board, and how long it took (s)."""
    start, counted = time.perf_counter(), 0
    while folded := rollup.fold():
        counted += folded
    return {"decisions": counted, "seconds": time.perf_counter() - start}


def empty_jobs(number: int) -> float:
    """Jobs per second of RQ's SimpleWorker when a job does nothing."""
    jobs = rq.Queue("bench-empty", connection=Redis.from_url(settings.REDIS_URL))
    for _ in range(number):
        jobs.enqueue_call("operator.not_", args=(1,), result_ttl=0)
    worker = rq.SimpleWorker([jobs], connection=jobs.connection)
    start = time.perf_counter()
    worker.work(burst=True, logging_level="ERROR")
    return number / (time.perf_counter() - start)


def heavy_modules() -> list[str]:
    """Which of the heavy ones a web process has imported once every address is known."""
    import_module("config.wsgi")
    resolve("/desk")
    resolve("/board")
    return sorted({"scipy", "numpy", "pyarrow"} & set(sys.modules))


def record(folder: str, notes: str, bot_key: str, agent: dict[str, Any]) -> dict[str, int]:
    """Tapes of a submit, a batch, and a decision with the next claim; how many statements each has."""
    tapes = {
        "submit": _record_submit(bot_key),
        "batch": _record_batch(bot_key),
        "decide": _record_decision(agent),
    }
    for name, done in tapes.items():
        (Path(folder) / f"{name}.tape").write_bytes(pickle.dumps(done))
        (Path(notes) / f"{name}.sql").write_text("".join(map(_line, done.steps)))
    return {name: len(done.statements) for name, done in tapes.items()}


def _line(step: tape.Said) -> str:
    """ms from asking to answer, ms of it for planning, and what was said."""
    if step.kind in ("autocommit", "rollback"):
        return ""
    planned = " " * 5
    if (
        step.kind == "execute"
        and step.client
        and step.sql.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))
    ):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (SUMMARY) " + step.sql.replace("%", "%%"))
            planned = f"{float(cursor.fetchall()[-1][0].split()[2]):5.2f}"
    said = (
        step.sql or "(is the connection alive?)" if step.kind == "execute" else f"{step.kind.upper()} {step.said or ''}"
    )
    return f"{step.ms:6.2f} {planned} {said[:4000]}\n"


def _fresh_connection() -> None:
    """As a request finds it: the pool's connections are there, this thread has none yet."""
    connections.close_all()


def _record_submit(key: str) -> tape.Tape:
    for number in range(3):
        _submit(key, draft_json(str(MARK - 10 - number)))
    _fresh_connection()
    with tape.recording() as done:
        _submit(key, draft_json(str(MARK)))
    done.marks["number"] = str(MARK)
    return done


def _record_batch(key: str) -> tape.Tape:
    numbers = [str(MARK + 100 + number) for number in range(100)]
    _fresh_connection()
    with tape.recording() as done:
        _submit(key, b'{"drafts":[' + b",".join(map(draft_json, numbers)) + b"]}", "/api/v1/drafts/batch")
    done.marks.update({f"number{at}": number for at, number in enumerate(numbers)})
    return done


def _record_decision(agent: dict[str, Any]) -> tape.Tape:
    """By the path through Redis: one claim in 32 asks PostgreSQL first, so it is tried until it did not."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[settings.SESSION_COOKIE_NAME] = agent["session"]
    script = {"HTTP_ACCEPT": "application/json"}
    client.post("/claims")
    shown, ahead = client.get("/desk").content, client.post("/desk/ahead", **script).content
    while True:
        (draft, epoch, seen, rev, key), (on, on_epoch, _, on_rev, _) = _fields(shown), _fields(ahead)
        form = {"epoch": epoch, "seen": seen, "rev": rev, "decision_key": key, "viewed_ms": "", "next": "1"}
        watched = {"on-draft": on, "on-epoch": on_epoch, "on-rev": on_rev}
        _fresh_connection()
        with tape.recording() as done:
            answer = client.post(f"/drafts/{draft}/decision", {**form, **watched, "verdict": "approve"}, **script)
        assert answer.status_code == 200, answer.content
        shown, ahead = ahead, answer.json()["ahead"].encode()
        marks = {"session": agent["session"], "agent": str(agent["id"]), "draft": draft, "on": on}
        done.marks.update(marks, key=uuid.UUID(key).hex, tells=_fields(ahead)[0])
        if not any("SKIP LOCKED" in statement for statement in done.statements):
            return done


def _fields(page: bytes) -> list[str]:
    return [part.decode() for part in FIELDS.search(page).groups()]


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    print(json.dumps(globals()[verb](**json.loads(arguments[0] if arguments else "{}"))))
    connection.close()
