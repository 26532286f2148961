"""What one request says to PostgreSQL and Redis, recorded once, and played again with fresh values.

A value that changes from request to request is found by its text: either it was given a name when recording (`marks`,
such as the session's key), or it came back from an earlier statement and is long enough to be told from all others (ids
have ranges of their own, tests/bench/deep.py; digests are 32 bytes).
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg
import redis
from psycopg.types.json import Json, Jsonb
from redis.client import Pipeline

LONG_NUMBER = 10**12
LONG_BYTES = 16

# Where a name may stand in a text: a UUID, a digest or session key, an id.
NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<!\\)[0-9a-z]{32,}|[0-9]{13,}")

Values = dict[str, str]


@dataclass
class Said:
    """One thing that was said, and the answer. `kind` is execute, commit, rollback, autocommit, redis or pipeline;
    `client` says that parameters were bound on our side, so that `said` is the statement as sent."""

    kind: str
    said: Any
    rows: list[list[Any]] | None = None
    client: bool = True
    ms: float = 0.0

    @property
    def sql(self) -> str:
        return str(self.said if self.client else self.said[0])


@dataclass
class Step:
    """Ready to be said again: `makes` builds it from the values; `keeps` are (row, column, name) of an answer's values
    that later steps use."""

    kind: str
    said: Any
    makes: Callable[[Values], Any] | None = None
    keeps: list[tuple[int, int, str]] = field(default_factory=list)
    client: bool = True


@dataclass
class Tape:
    """What one request said. `marks` are the texts of what changes from request to request; `tells` among them is a
    value that a play is asked for."""

    steps: list[Said] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def statements(self) -> list[str]:
        """The SQL, in order."""
        return [step.sql for step in self.steps if step.kind == "execute"]


@contextmanager
def recording() -> Iterator[Tape]:
    """Everything that this process says to either server meanwhile."""
    tape = Tape()
    steps = tape.steps
    execute = psycopg.Cursor.execute
    commit, rollback, switch = psycopg.Connection.commit, psycopg.Connection.rollback, psycopg.Connection.set_autocommit
    command, pipe = redis.Redis.execute_command, Pipeline.execute

    def on_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        client = isinstance(self, psycopg.ClientCursor)
        said = self.mogrify(query, params) if client else (query, params)
        start = time.perf_counter()
        done = execute(self, query, params, **options)
        ms = (time.perf_counter() - start) * 1000
        rows = None
        if self.description:
            rows = [list(row) for row in self.fetchall()]
            if rows:
                self.scroll(0, "absolute")
        steps.append(Said("execute", said, rows, client, ms))
        return done

    def on_many(self: Any, query: Any, params_seq: Any, **options: Any) -> Any:
        for params in params_seq:
            on_execute(self, query, params)

    def on_commit(self: Any) -> None:
        start = time.perf_counter()
        commit(self)
        steps.append(Said("commit", None, ms=(time.perf_counter() - start) * 1000))

    def on_rollback(self: Any) -> None:
        steps.append(Said("rollback", None))
        rollback(self)

    def on_switch(self: Any, value: bool) -> None:
        steps.append(Said("autocommit", value))
        switch(self, value)

    def on_command(self: Any, *args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        answer = command(self, *args, **options)
        steps.append(Said("redis", args, [[answer]], ms=(time.perf_counter() - start) * 1000))
        return answer

    def on_pipe(self: Any, *args: Any, **options: Any) -> Any:
        said = [tuple(entry.args if hasattr(entry, "args") else entry[0]) for entry in self.command_stack]
        start = time.perf_counter()
        answer = pipe(self, *args, **options)
        steps.append(Said("pipeline", said, [[each] for each in answer], ms=(time.perf_counter() - start) * 1000))
        return answer

    with (
        patch.object(psycopg.Cursor, "execute", on_execute),
        patch.object(psycopg.Cursor, "executemany", on_many),
        patch.object(psycopg.Connection, "commit", on_commit),
        patch.object(psycopg.Connection, "rollback", on_rollback),
        patch.object(psycopg.Connection, "set_autocommit", on_switch),
        patch.object(redis.Redis, "execute_command", on_command),
        patch.object(Pipeline, "execute", on_pipe),
    ):
        yield tape


def key_of(value: Any) -> str | None:
    """The text by which a value is found again; None for one that is too short to be told from others."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and value >= LONG_NUMBER:
        return str(value)
    if isinstance(value, (bytes, memoryview)) and len(value) >= LONG_BYTES:
        return bytes(value).hex()
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, str) and value.isdigit() and int(value) >= LONG_NUMBER:
        return str(int(value))
    return None


def compiled(tape: Tape) -> list[Step]:
    """Ready to be played. The names of values are their texts in the recording."""
    known = {text: None for mark, text in tape.marks.items() if mark != "tells"}
    steps = []
    for one in tape.steps:
        step = Step(one.kind, one.said, _template(one.said, known), client=one.client)
        for row, columns in enumerate(one.rows or []):
            for column, value in enumerate(columns):
                name = key_of(value)
                if name and name not in known:
                    known[name] = None
                    step.keeps.append((row, column, name))
        steps.append(step)
    _forget_unused(steps, tape)
    return steps


def _forget_unused(steps: list[Step], tape: Tape) -> None:
    used = set(tape.marks.get("tells", "").split())
    for step in reversed(steps):
        step.keeps = [keep for keep in step.keeps if keep[2] in used]
        used |= getattr(step.makes, "names", set())


def _template(said: Any, known: dict[str, None]) -> Callable[[Values], Any] | None:
    """A function that says it with other values; None where nothing in it changes."""
    if said is None or isinstance(said, (bool, float)):
        return None
    if isinstance(said, str):
        return _text(said, known)
    if isinstance(said, (list, tuple)):
        parts = [_template(part, known) for part in said]
        if not any(parts):
            return None
        kind = type(said)
        both = list(zip(said, parts, strict=True))
        return _named(lambda values: kind([make(values) if make else part for part, make in both]), parts)
    if isinstance(said, dict):
        makes = {name: _template(part, known) for name, part in said.items()}
        if not any(makes.values()):
            return None
        return _named(
            lambda values: {name: makes[name](values) if makes[name] else part for name, part in said.items()},
            list(makes.values()),
        )
    if isinstance(said, (Json, Jsonb)):
        inner = _template(said.obj, known)
        return inner and _named(lambda values: type(said)(inner(values), said.dumps), [inner])
    if isinstance(said, (bytes, memoryview)):
        name = bytes(said).hex()
        return _named(lambda values: bytes.fromhex(values[name]), [], {name}) if name in known else None
    if isinstance(said, (int, UUID)):
        name, kind = key_of(said), type(said)
        return _named(lambda values: kind(values[name]), [], {name}) if name in known else None
    return None


def _text(said: str, known: dict[str, None]) -> Callable[[Values], str] | None:
    pieces: list[str] = []
    names: list[str] = []
    end = 0
    for found in NAME.finditer(said):
        name, zeros = found[0].replace("-", ""), ""
        if name not in known and name.isdigit():
            name = name.lstrip("0")
            zeros = "0" * (len(found[0]) - len(name))
        if name in known:
            pieces.append(said[end : found.start()] + zeros)
            names.append(name)
            end = found.end()
    if not names:
        return None
    last = said[end:]
    pairs = list(zip(pieces, names, strict=True))
    return _named(lambda values: "".join([x for piece, name in pairs for x in (piece, values[name])]) + last, [], names)


def _named(make: Callable[[Values], Any], inner: list[Any], names: Any = ()) -> Callable[[Values], Any]:
    make.names = set(names).union(*(part.names for part in inner if part))  # type: ignore[attr-defined]
    return make


def play(
    steps: list[Step], connection: psycopg.Connection, cursors: tuple[Any, Any], client: redis.Redis, values: Values
) -> None:
    """Say it all again; `values` has the marks and is given what the answers bring. `cursors`: client, server side."""
    for step in steps:
        said = step.makes(values) if step.makes else step.said
        if step.kind == "execute":
            cursor = cursors[0] if step.client else cursors[1]
            if step.client:
                cursor.execute(said)
            else:
                cursor.execute(*said)
            rows = cursor.fetchall() if cursor.description else None
        elif step.kind == "redis":
            rows = [[client.execute_command(*said)]]
        elif step.kind == "pipeline":
            pipe = client.pipeline(transaction=False)
            for command in said:
                pipe.execute_command(*command)
            rows = [[each] for each in pipe.execute()]
        elif step.kind == "commit":
            connection.commit()
            continue
        elif step.kind == "rollback":
            connection.rollback()
            continue
        else:
            connection.autocommit = said
            continue
        for row, column, name in step.keeps:
            value = rows[row][column] if row < len(rows) else None
            if (found := key_of(value)) is not None:
                values[name] = found
