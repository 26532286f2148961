"""What the bench does inside a process of the product: `python -m tests.bench.inside <verb> [JSON]`."""

import json
import pickle
import sys
import uuid
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402

from reviewqueue.actions import bots, index, queues  # noqa: E402
from reviewqueue.models import Draft, Queue, User  # noqa: E402
from tests.bench import tape  # noqa: E402
from tests.bench.wire import FIELDS, draft_json  # noqa: E402

MARK = 900_000_000_000_000_001


def cast(agents: int, receiver: str) -> dict[str, Any]:
    """Agents with a session each, a bot with a key and an endpoint."""
    queue = Queue.objects.get(name="default")
    people = []
    for number in range(agents):
        user = User(username=f"agent{number}", role="agent", password="!")
        user.save()
        user.queues.add(queue)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        people.append({"id": user.pk, "session": session.session_key})
    queues.set_endpoint("default", receiver)
    key = bots.new_key(bots.register("bench"))
    # What deep.py copies: a draft that came in through the door.
    _submit(key, b'{"drafts":[' + draft_json("like-this") + b"]}", "/api/v1/drafts/batch")
    return {"agents": people, "bot_key": key, "lane": Draft.objects.get(external_id="like-this").lane_id}


def _submit(key: str, body: bytes, path: str = "/api/v1/drafts") -> dict[str, Any]:
    answer = Client(HTTP_HOST="127.0.0.1").post(
        path, body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {key}"
    )
    assert answer.status_code in (200, 202), answer.content
    return answer.json()


def rebuild() -> int:
    return index.rebuild()


def record(folder: str, notes: str, bot_key: str, agent: dict[str, Any]) -> dict[str, int]:
    """Tapes of a submit, a batch, a decision with its claim, and the page after it; how many statements each has."""
    tapes = {
        "submit": _record_submit(bot_key),
        "batch": _record_batch(bot_key),
        **_record_desk(agent),
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


def _record_desk(agent: dict[str, Any]) -> dict[str, tape.Tape]:
    """By the path through Redis: one claim in 32 asks PostgreSQL first, so it is tried until it did not."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[settings.SESSION_COOKIE_NAME] = agent["session"]
    client.post("/claims")
    while True:
        fields = FIELDS.search(client.get("/desk").content)
        draft, epoch, seen, rev, key = (part.decode() for part in fields.groups())
        form = {"epoch": epoch, "seen": seen, "rev": rev, "decision_key": key, "viewed_ms": "", "next": "1"}
        _fresh_connection()
        with tape.recording() as decide:
            answer = client.post(f"/drafts/{draft}/decision", {**form, "verdict": "approve"})
        assert answer.status_code == 302, answer.content
        _fresh_connection()
        with tape.recording() as page:
            shown = FIELDS.search(client.get("/desk").content)
        marks = {"session": agent["session"], "agent": str(agent["id"])}
        decide.marks.update(marks, draft=draft, key=uuid.UUID(key).hex)
        page.marks.update(marks, tells=shown[1].decode())
        if not any("SKIP LOCKED" in statement for statement in decide.statements):
            return {"decide": decide, "desk": page}


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    print(json.dumps(globals()[verb](**json.loads(arguments[0] if arguments else "{}"))))
    connection.close()
