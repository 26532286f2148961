"""Receivers that behave as no receiver should: a TCP server whose answer is a function on the socket."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


class Rogue:
    """`requests` are the whole requests that came in, head and body, as bytes."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None) -> None:
        self.behave = behave
        self.tls = tls
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with suppress(OSError), peer:
            peer.settimeout(20)
            with self.tls.wrap_socket(peer, server_side=True) if self.tls else peer as stream:
                self.requests.append(_request(stream))
                self.behave(stream)


def _request(stream: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        got += stream.recv(65_536) or _gone()
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += stream.recv(65_536) or _gone()
    return head + b"\r\n\r\n" + body


def _gone() -> bytes:
    raise ConnectionError


@contextmanager
def rogue(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Rogue]:
    server = Rogue(behave, tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)


def saying(head: str) -> Behaviour:
    """Answers with this status line and these headers, and no body."""

    def behave(stream: socket.socket) -> None:
        stream.sendall(f"HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n".encode())

    return behave
