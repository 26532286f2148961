"""A file lock that ends with the last process which holds it, so it is never stale."""

import fcntl
import os
import time
from pathlib import Path

# What was killed leaves processes for a moment, and with them its lock: seconds to wait for that.
GRACE = 3


class AlreadyRunning(Exception):
    """Somebody else holds the lock; the message says what runs where."""


def take(path: Path, what: str, *, seconds: float = 0) -> int:
    """Waits at most this long for the lock and returns its descriptor. A child that inherits it holds it too.

    The file holds the number of the process that took it, for the message of AlreadyRunning.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + seconds
    while not _try(descriptor):
        if time.monotonic() >= until:
            holder = os.pread(descriptor, 20, 0).decode() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(f"{what} already runs here (process {holder.strip()})")
        time.sleep(0.02)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
