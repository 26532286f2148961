"""Fault points: every write of the product has a name, and a test can kill, stop short or delay a process there.

No line of the product names a point. They are put in from outside, at the boundary where writes happen: psycopg, redis
and httpx. So none can be forgotten, and production has nothing to switch off.

A point is called `<verb>: <what>`: `decide.edit: INSERT vote`, `decide.edit: COMMIT`, `submit.submit: ZADD lane`,
`deliver.deliver_now: POST`. The verb is the outermost function of `reviewqueue/actions` that is under way, or, for what
a worker of RQ writes itself, the outermost function of `rq`. The nth of one name within one call ends in ` #n`. A point
lies before its write. What takes effect elsewhere has a second one behind it: `after COMMIT`, `after POST`, and
`after UPDATE draft` for a statement that is a transaction by itself.

In this process:

    with recording() as names: ...                              # the points that were gone through, in order
    with armed("raise decide.edit: INSERT vote"): ...           # Crash, which nothing catches as an error

In other processes and all they start, by their environment:

    PYTHONPATH=tests/proof/armed FAULT="kill decide.edit: INSERT vote"     SIGKILL to itself
    … FAULT="delay 0.3 decide.edit: COMMIT"                                sleeps 0.3 s, then goes on
    … FAULT="kill * 0.002" FAULT_SEED=7                                    at each point with that chance

A process that is started anew needs a new seed, or it dies where it died before.
"""

import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import WeakSet

import httpx
import psycopg
import redis
from psycopg.pq import TransactionStatus

ACTIONS = str(Path(__file__).resolve().parents[2] / "reviewqueue" / "actions") + os.sep
RQ = os.path.dirname(find_spec("rq").origin) + os.sep

# The function by which `@transaction.atomic` surrounds an action: its COMMIT comes when the action itself has returned.
DECORATED = next(c for c in ContextDecorator.__call__.__code__.co_consts if getattr(c, "co_name", "") == "inner")

# A statement that writes, and where to; locks (SELECT … FOR UPDATE) write nothing.
WRITE = re.compile(r'(?<!FOR )(?<!NO KEY )\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY) (?:INTO |FROM )?"?(\w+)', re.I)

# What only reads Redis, or concerns the connection alone. Whatever is not known here is taken for a write.
READS = re.compile(
    "AUTH|CLIENT|CONFIG|EXISTS|GET|HELLO|HGET|HGETALL|HMGET|INFO|KEYS|LLEN|LPOS|LRANGE|PING|SCAN|SCRIPT|SELECT|"
    "SISMEMBER|SMEMBERS|SUBSCRIBE|TIME|TTL|TYPE|UNWATCH|WATCH|ZCARD|ZRANGE|ZRANGEBYSCORE|ZSCORE"
)


class Crash(BaseException):
    """The end of a process, inside this one: no `except Exception` sees it."""


@dataclass
class Fault:
    """What happens at which point: `kill`, `raise` or `delay` at `name`, or at any (`*`) with a chance of 0 to 1."""

    mode: str
    name: str
    chance: float = 1
    seconds: float = 0
    dice: random.Random = field(default_factory=random.Random)

    @classmethod
    def parse(cls, text: str, seed: str = "0") -> "Fault":
        """From `kill|raise|delay <seconds> <name>|* <chance>`; raises ValueError."""
        mode, _, name = text.partition(" ")
        seconds, chance = 0.0, 1.0
        if mode not in ("kill", "raise", "delay") or not name:
            raise ValueError(f"{text!r} is no fault; say kill, raise or delay, and where")
        if mode == "delay":
            number, _, name = name.partition(" ")
            seconds = float(number)
        if name.startswith("* "):
            name, chance = "*", float(name[2:])
        return cls(mode, name, chance, seconds, random.Random(seed))

    def __call__(self, name: str) -> None:
        if self.name not in ("*", name) or self.dice.random() >= self.chance:
            return
        if self.mode == "delay":
            time.sleep(self.seconds)
        elif self.mode == "raise":
            raise Crash(name)
        else:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def armed(fault: str, seed: str = "0") -> Iterator[Fault]:
    """This process, with a fault in it."""
    with installed(Fault.parse(fault, seed)) as struck:
        yield struck


@contextmanager
def recording() -> Iterator[list[str]]:
    """The names of the points that this process goes through, in order."""
    names: list[str] = []
    with installed(names.append):
        yield names


def arm_from_environment() -> None:
    """For the life of this process; nothing where FAULT is not set."""
    if fault := os.environ.get("FAULT"):
        _install(Fault.parse(fault, os.environ.get("FAULT_SEED", "0")), ExitStack())


@contextmanager
def installed(visit: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """`visit` is called with the name of each point."""
    with ExitStack() as stack:
        _install(visit, stack)
        yield visit


def _install(visit: Callable[[str], None], stack: ExitStack) -> None:
    """Put the points in; `stack` takes them out again."""
    namer = _Namer()

    def point(what: str) -> None:
        if name := namer.name(what):
            visit(name)

    def wrap(owner: type, method: str, around: Callable[..., Any]) -> None:
        stack.callback(setattr, owner, method, vars(owner)[method])
        setattr(owner, method, around(getattr(owner, method), point))

    wrap(psycopg.Cursor, "execute", _statement)
    wrap(psycopg.Cursor, "executemany", _statement)
    wrap(psycopg.Cursor, "copy", _statement)
    wrap(psycopg.Connection, "commit", _commit)
    wrap(redis.Redis, "execute_command", _command)
    wrap(redis.client.Pipeline, "execute", _pipeline)
    wrap(httpx.Client, "send", _send)
    wrap(httpx.AsyncClient, "send", _send_async)


class _Namer:
    """Names by what is on the stack, numbered within one call of the verb."""

    def __init__(self) -> None:
        self.here = threading.local()

    def name(self, what: str) -> str | None:
        verb, frame = _under_way()
        if verb is None:
            return None
        if getattr(self.here, "frame", None) is not frame:
            self.here.frame, self.here.counts = frame, Counter()
        name = f"{verb}: {what}"
        self.here.counts[name] += 1
        number = self.here.counts[name]
        return name if number == 1 else f"{name} #{number}"


def _under_way() -> tuple[str | None, FrameType | None]:
    """The verb and the frame that it runs in."""
    action: tuple[str | None, FrameType | None] = (None, None)
    worker = action
    frame: FrameType | None = sys._getframe(3)
    while frame:
        code = frame.f_code
        if code is DECORATED:
            code = getattr(frame.f_locals["func"], "__code__", code)
        if code.co_filename.startswith(ACTIONS):
            action = f"{Path(code.co_filename).stem}.{code.co_name}", frame
        elif code.co_filename.startswith(RQ):
            worker = f"rq.{code.co_name}", frame
        frame = frame.f_back
    return action if action[0] else worker


# Connections whose transaction has written something: only their COMMIT is a point.
_wrote: "WeakSet[psycopg.Connection]" = WeakSet()


def _statement(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def execute(self: psycopg.Cursor, query: Any, *args: Any, **options: Any) -> Any:
        connection = self.connection
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            _wrote.discard(connection)
        found = WRITE.search(query if isinstance(query, str) else str(query))
        if found is None:
            return original(self, query, *args, **options)
        what = f"{found[1].upper()} {found[2]}"
        point(what)
        answer = original(self, query, *args, **options)
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            point(f"after {what}")
        else:
            _wrote.add(connection)
        return answer

    return execute


def _commit(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def commit(self: psycopg.Connection) -> None:
        if self not in _wrote:
            return original(self)
        try:
            point("COMMIT")
        except Crash:
            # As the server does for a process that is gone. Django would hide the crash behind an error of its own.
            self.rollback()
            raise
        original(self)
        _wrote.discard(self)
        point("after COMMIT")
        return None

    return commit


def _command(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def execute_command(self: redis.Redis, *args: Any, **options: Any) -> Any:
        if what := _redis_write(args):
            point(what)
        return original(self, *args, **options)

    return execute_command


def _pipeline(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def execute(self: Any, *args: Any, **options: Any) -> Any:
        if what := dict.fromkeys(filter(None, (_redis_write(command) for command, _ in self.command_stack))):
            point(" + ".join(what))
        return original(self, *args, **options)

    return execute


def _redis_write(args: tuple[Any, ...]) -> str | None:
    """`ZADD lane`: the command and the kind of key, without its id; None for what only reads."""
    command = str(args[0]).split()[0].upper()
    if READS.fullmatch(command):
        return None
    if command.startswith("EVAL") or len(args) == 1:
        return command
    key = args[1].decode() if isinstance(args[1], bytes) else str(args[1])
    ours = key.startswith("{rq}:")
    parts = key.removeprefix("{rq}:").split(":")
    return f"{command} {parts[0] if ours else ':'.join(parts[:2])}"


def _send(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    def send(self: httpx.Client, request: httpx.Request, **options: Any) -> Any:
        if request.method in ("GET", "HEAD"):
            return original(self, request, **options)
        point(request.method)
        answer = original(self, request, **options)
        point(f"after {request.method}")
        return answer

    return send


def _send_async(original: Callable[..., Any], point: Callable[[str], None]) -> Callable[..., Any]:
    async def send(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> Any:
        point(request.method)
        answer = await original(self, request, **options)
        point(f"after {request.method}")
        return answer

    return send
