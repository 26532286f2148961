"""A proxy between two processes, in which the network fails: on TCP or Unix sockets, one loop in a thread of its own.

Between a process and PostgreSQL it knows the protocol well enough to lose exactly the answer to a COMMIT: the one
moment in which a client cannot know whether what it wrote is there.
"""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

# A Unix socket's path, or the port of one on the loopback address.
Address = Path | int

# pass: as if it were not there. delay: every byte comes `seconds` later. cut, reset: all connections end, with FIN or
# RST, and new ones at once. hole: takes connections and bytes, and nothing comes through; those it has swallowed bytes
# of end when it passes again. drop_after: a connection ends after so many bytes of the server.
Mode = Literal["pass", "delay", "cut", "reset", "hole", "drop_after"]

RESET = struct.pack("ii", 1, 0)


class Link:
    """One place to connect to in front of one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, server: Address, *, postgres: bool = False) -> None:
        self.name = name
        self.server = server
        self.postgres = postgres
        self.address: Address = 0
        self.mode: Mode = "pass"
        self.seconds = 0.0
        self.bytes = 0
        self.lost_commits = 0
        self._loop = loop
        self._commits_to_pass = self._commits_to_lose = 0
        self._pairs: set[Pair] = set()
        self._listener: asyncio.Server | None = None

    def set(self, mode: Mode, *, seconds: float = 0.0, bytes: int = 0) -> None:
        """From any thread; holds for connections that are open as well as for those that come."""
        self._in_loop(self._set, mode, seconds, bytes)

    def lose_commits(self, count: int, *, after: int = 0) -> None:
        """The next COMMITs are done, but their answers are lost with the connection; `after` so many that pass."""
        self._commits_to_pass, self._commits_to_lose = after, count

    def _set(self, mode: Mode, seconds: float, bytes: int) -> None:
        self.mode, self.seconds, self.bytes = mode, seconds, bytes
        for pair in list(self._pairs):
            if mode in ("cut", "reset") or pair.swallowed:
                pair.end(reset=mode == "reset")

    def _in_loop(self, call: Callable[..., None], *args: Any) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (call(*args), done.set()))
        done.wait(10)

    async def listen(self, address: Address) -> None:
        if isinstance(address, Path):
            self._listener = await self._loop.create_unix_server(lambda: Pair(self).client, os.fspath(address))
            self.address = address
        else:
            self._listener = await self._loop.create_server(lambda: Pair(self).client, "127.0.0.1", address)
            self.address = self._listener.sockets[0].getsockname()[1]

    async def connect(self, end: "End") -> None:
        if isinstance(self.server, Path):
            await self._loop.create_unix_connection(lambda: end, os.fspath(self.server))
        else:
            await self._loop.create_connection(lambda: end, "127.0.0.1", self.server)

    def opened(self, pair: "Pair") -> None:
        self._pairs.add(pair)

    def ended(self, pair: "Pair") -> None:
        self._pairs.discard(pair)

    def loses_commit(self) -> bool:
        """Asked at each answer to a COMMIT."""
        if self._commits_to_lose and self._commits_to_pass:
            self._commits_to_pass -= 1
        elif self._commits_to_lose:
            self._commits_to_lose -= 1
            self.lost_commits += 1
            return True
        return False


class Pair:
    """A client's connection and the one to the server behind it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.client, self.server = End(self), End(self)
        self.swallowed = False
        self.over = False
        self._came = 0
        self._answers = Answers() if link.postgres else None

    def opened(self, end: "End") -> None:
        if end is self.server:
            return
        self.link.opened(self)
        if self.link.mode in ("cut", "reset"):
            self.end(reset=self.link.mode == "reset")
        else:
            self._connecting = self.link._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await self.link.connect(self.server)
        except OSError:
            self.end()
        if self.over:
            self.server.close()

    def came(self, end: "End", data: bytes) -> None:
        """Bytes of one side, on their way to the other."""
        link = self.link
        if self.over:
            return
        if link.mode == "hole":
            self.swallowed = True
            return
        if end is self.server:
            if self._answers and any(link.loses_commit() for _ in range(self._answers.commits(data))):
                self.end()
                return
            self._came += len(data)
            if link.mode == "drop_after" and self._came > link.bytes:
                self.end()
                return
        other = self.client if end is self.server else self.server
        if link.mode == "delay":
            link._loop.call_later(link.seconds, other.send, data)
        else:
            other.send(data)

    def end(self, *, reset: bool = False) -> None:
        if not self.over:
            self.over = True
            self.link.ended(self)
            self.client.close(reset=reset)
            self.server.close(reset=reset)


class End(asyncio.Protocol):
    """One side of a pair. What is to be sent before it is connected waits."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._transport: Any = None
        self._early: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        for data in self._early:
            transport.write(data)
        self.pair.opened(self)

    def data_received(self, data: bytes) -> None:
        self.pair.came(self, data)

    def connection_lost(self, error: Exception | None) -> None:
        self.pair.end()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def close(self, *, reset: bool = False) -> None:
        if self._transport is None:
            return
        if not reset:
            self._transport.close()
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()


class Answers:
    """The server's side of PostgreSQL's protocol (version 3, without TLS): a type byte, a length, the rest."""

    COMMIT = b"COMMIT\0"

    def __init__(self) -> None:
        self._rest = b""

    def commits(self, data: bytes) -> int:
        """How many transactions these bytes say are committed; what is incomplete waits for the next ones."""
        data, at, found = self._rest + data, 0, 0
        while len(data) - at >= 5:
            (length,) = struct.unpack_from("!I", data, at + 1)
            if len(data) - at <= length:
                break
            found += data[at] == ord("C") and data[at + 5 : at + 1 + length] == self.COMMIT
            at += 1 + length
        self._rest = data[at:]
        return found


class Proxies:
    """All links of a run. `with Proxies() as proxies: link = proxies.link(…)`"""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self.links: list[Link] = []

    def link(self, name: str, server: Address, listen: Address = 0, *, postgres: bool = False) -> Link:
        """A link to `server` that listens at a new socket of this path, or at a free port (`link.address`)."""
        link = Link(self._loop, name, server, postgres=postgres)
        asyncio.run_coroutine_threadsafe(link.listen(listen), self._loop).result(10)
        self.links.append(link)
        return link

    def __enter__(self) -> "Proxies":
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            for link in self.links:
                if link._listener:
                    link._listener.close()
                link._set("cut", 0.0, 0)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
