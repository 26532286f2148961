"""A load generator that costs little: each client is a Python generator on one keep-alive socket of an epoll loop.

A client yields (label, request bytes) and gets back the answer as (status, head, body). Its processes' CPU time is part
of the result, so that a run whose generator was the bottleneck shows.
"""

import multiprocessing
import multiprocessing.connection
import re
import select
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

Answer = tuple[int, bytes, bytes]
Client = Callable[[], Generator[tuple[str, bytes], Answer, None]]

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
# How long (s) the last answers are waited for after the end.
PATIENCE = 30

CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)


@dataclass
class Load:
    """`took` are latencies (s) by label, `failed` how often each unexpected status came, `told` what clients noted."""

    seconds: float = 0.0
    cpu: float = 0.0
    took: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)

    def rate(self, *labels: str) -> float:
        """Answers of these labels per second; of all of them without one."""
        return sum(len(took) for label, took in self.took.items() if not labels or label in labels) / self.seconds

    def percentile(self, share: float, *labels: str) -> float:
        """Latency (ms) that this share of the answers stayed below."""
        took = sorted(t for label, ts in self.took.items() if not labels or label in labels for t in ts)
        return took[min(len(took) - 1, int(len(took) * share))] * 1000 if took else float("nan")

    def add(self, other: "Load") -> None:
        self.seconds = max(self.seconds, other.seconds)
        self.cpu += other.cpu
        for label, took in other.took.items():
            self.took.setdefault(label, []).extend(took)
        for status, times in other.failed.items():
            self.failed[status] = self.failed.get(status, 0) + times


def drive(port: int, clients: Sequence[Client], seconds: float) -> Load:
    """Let the clients loose for so long, or until all have ended, in a process of their own; last answers count."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, port, clients, seconds), daemon=True)
    child.start()
    theirs.close()
    load = ours.recv()
    child.join()
    return load


def _child(pipe: multiprocessing.connection.Connection, port: int, clients: Sequence[Client], seconds: float) -> None:
    before = time.process_time()
    load = _loop(port, clients, seconds)
    load.cpu = time.process_time() - before
    pipe.send(load)


class _Socket:
    """One client's connection and what has arrived of the answer so far."""

    def __init__(self, port: int, client: Client, poll: select.epoll) -> None:
        self.port, self.poll = port, poll
        self.client = client()
        self.label = ""
        self.sent = 0.0
        self.buffer = b""
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(self.socket.fileno(), select.EPOLLIN)

    def ask(self, answer: Answer | None) -> bool:
        """Send the client's next request; False where it has none."""
        try:
            self.label, request = self.client.send(answer) if answer else next(self.client)
        except StopIteration:
            return False
        self.buffer = b""
        self.sent = time.perf_counter()
        try:
            self.socket.sendall(request)
        except OSError:  # the server may close after an answer, as it does where it has not read the whole request
            self.socket.close()
            self.connect()
            self.socket.sendall(request)
        return True

    def receive(self) -> Answer | None:
        """The whole answer, or None while it is under way."""
        arrived = self.socket.recv(262_144)
        if not arrived:
            self.socket.close()
            self.connect()
            return 599, b"", b""
        self.buffer = self.buffer + arrived if self.buffer else arrived
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        if length := LENGTH.search(head):
            if len(body) < int(length[1]):
                return None
        elif CHUNKED.search(head):
            if not body.endswith(b"0\r\n\r\n"):
                return None
            body = _joined(body)
        return int(head[9:12]), head, body


def _joined(chunks: bytes) -> bytes:
    """The body out of chunked transfer coding."""
    body = b""
    while True:
        size, _, rest = chunks.partition(b"\r\n")
        if not (length := int(size, 16)):
            return body
        body += rest[:length]
        chunks = rest[length + 2 :]


def _loop(port: int, clients: Sequence[Client], seconds: float) -> Load:
    load, poll = Load(), select.epoll()
    start = time.perf_counter()
    until = start + seconds
    sockets = [_Socket(port, client, poll) for client in clients]
    asking = {one for one in sockets if one.ask(None)}
    while asking and (now := time.perf_counter()) < until + PATIENCE:
        ready = {number for number, _ in poll.poll(until + PATIENCE - now)}
        for one in [one for one in asking if one.socket.fileno() in ready]:
            answer = one.receive()
            if answer is None:
                continue
            if answer[0] < 400:
                load.took.setdefault(one.label, []).append(time.perf_counter() - one.sent)
            else:
                load.failed[answer[0]] = load.failed.get(answer[0], 0) + 1
            if time.perf_counter() > until or not one.ask(answer):
                asking.discard(one)
    load.seconds = time.perf_counter() - start
    return load
