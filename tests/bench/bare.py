"""The limit: a Django application that does nothing but talk to PostgreSQL, under the same server as ours.

It plays the statements of our own requests (tests/bench/tape.py), and does the least that would do the same work.
"""

import json
import os
import pickle
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import dj_database_url
import django
import psycopg
import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg_pool import ConnectionPool

from config.embedded import web
from tests.bench import tape

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], ROOT_URLCONF=__name__, SECRET_KEY="bench", USE_I18N=False)
    django.setup()

from django.core.wsgi import get_wsgi_application

OPTIONS = "-c join_collapse_limit=4 -c enable_seqscan=off -c jit=off -c role=reviewqueue_app -c timezone=UTC"

_local = threading.local()
_lock = threading.Lock()
_made: dict[str, Any] = {}


def _pool() -> ConnectionPool:
    with _lock:
        if "pool" not in _made:
            url = os.environ["DATABASE_URL_APP"]
            _made["pool"] = ConnectionPool(
                _info(url), min_size=1, max_size=web.THREADS, kwargs={"options": OPTIONS, "autocommit": True}
            )
        return _made["pool"]


def _info(url: str) -> str:
    found = dj_database_url.parse(url)
    return psycopg.conninfo.make_conninfo(
        host=found["HOST"], port=found["PORT"] or None, dbname=found["NAME"], user=found["USER"]
    )


def _redis() -> redis.Redis:
    with _lock:
        if "redis" not in _made:
            _made["redis"] = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
        return _made["redis"]


def _steps(name: str) -> tuple[list[tape.Step], tape.Tape]:
    with _lock:
        if name not in _made:
            found = pickle.loads((Path(os.environ["TAPES"]) / f"{name}.tape").read_bytes())
            _made[name] = (tape.compiled(found), found)
        return _made[name]


def replay(request: HttpRequest, name: str) -> HttpResponse:
    """Play a tape with the marks that the query gives (`key` is made here); says the value that the tape tells."""
    steps, recorded = _steps(name)
    given = request.GET
    values = {}
    for mark, said in recorded.marks.items():
        if mark == "key":
            values[said] = uuid4().hex
        elif mark.startswith("number"):
            values[said] = str(int(given["number"]) + int(mark[6:] or 0))
        elif mark != "tells":
            values[said] = given[mark]
    pool = _pool()
    connection = pool.getconn()
    try:
        cursors = (psycopg.ClientCursor(connection), psycopg.Cursor(connection))
        tape.play(steps, connection, cursors, _redis(), values)
    except Exception as error:
        print(f"replay of {name}: {error}", flush=True)
        raise
    finally:
        if not connection.autocommit:
            connection.rollback()
            connection.autocommit = True
        pool.putconn(connection)
    return HttpResponse(values.get(recorded.marks.get("tells", ""), ""))


def insert(request: HttpRequest) -> HttpResponse:
    """One INSERT and COMMIT."""
    with _pool().connection() as connection:
        connection.execute(
            "INSERT INTO bare_draft (external_id, text) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id",
            (request.GET["number"], request.body.decode()),
        ).fetchone()
    return HttpResponse(status=202)


def batch(request: HttpRequest) -> HttpResponse:
    """A hundred drafts by one statement."""
    drafts = json.loads(request.body)["drafts"]
    with _pool().connection() as connection:
        connection.execute(
            "INSERT INTO bare_draft (external_id, text) SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING RETURNING id, external_id",
            ([draft["external_id"] for draft in drafts], [draft["reply"]["text"] for draft in drafts]),
        ).fetchall()
    return HttpResponse(status=202)


CLAIM = """
UPDATE bare_draft SET status = 'claimed', holder = %s, epoch = epoch + 1 WHERE id = (
  SELECT id FROM bare_draft WHERE status = 'waiting' ORDER BY order_key, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, epoch, text
"""
DECIDE = """
WITH done AS (
  UPDATE bare_draft SET status = 'decided' WHERE id = %s AND status = 'claimed' AND holder = %s RETURNING id)
INSERT INTO bare_decision (draft_id, agent) SELECT id, %s FROM done
"""


def claim(request: HttpRequest) -> HttpResponse:
    with _pool().connection() as connection:
        row = connection.execute(CLAIM, (request.GET["agent"],)).fetchone()
    return HttpResponse(str(row[0]) if row else "")


def held(request: HttpRequest) -> HttpResponse:
    """The drafts that an agent has: the one on the screen and the one ahead."""
    with _pool().connection() as connection:
        found = connection.execute(
            "SELECT id FROM draft WHERE holder_id = %s AND status = 'claimed' ORDER BY slot", (request.GET["agent"],)
        ).fetchall()
    return HttpResponse(" ".join(str(draft) for (draft,) in found))


def decide(request: HttpRequest) -> HttpResponse:
    with _pool().connection() as connection:
        agent = request.GET["agent"]
        connection.execute(DECIDE, (request.GET["draft"], agent, agent))
    return HttpResponse()


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


TABLES = """
CREATE TABLE bare_draft (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, external_id text UNIQUE,
  text text NOT NULL, status text NOT NULL DEFAULT 'waiting', order_key bigint NOT NULL DEFAULT 0, holder bigint,
  epoch bigint NOT NULL DEFAULT 0) WITH (fillfactor = 80);
CREATE INDEX ON bare_draft (order_key, id) WHERE status = 'waiting';
CREATE TABLE bare_decision (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, draft_id bigint UNIQUE, agent bigint,
  at timestamptz NOT NULL DEFAULT now());
GRANT ALL ON bare_draft, bare_decision TO reviewqueue_app;
"""

urlpatterns = [
    path("replay/<name>", replay),
    path("insert", insert),
    path("batch", batch),
    path("held", held),
    path("claim", claim),
    path("decide", decide),
    path("empty", empty),
]
application = get_wsgi_application()


class Server(web.Granian):
    """The product's server with every setting of it, but for the application."""

    def __init__(self, target: str, **options: Any) -> None:
        super().__init__("tests.bench.bare:application", **options)


if __name__ == "__main__":
    web.Granian = Server
    web.serve(int(os.environ["PORT"]))
