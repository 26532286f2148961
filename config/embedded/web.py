"""The web server on this machine: granian, whose workers end with it even if it is killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from importlib import import_module

from granian import Granian
from granian.constants import HTTPModes, Interfaces

from config.embedded import child

THREADS = 8


def serve(port: int) -> None:
    server = Granian(
        "config.wsgi:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=2,
        blocking_threads=THREADS,
        backlog=128,
        http=HTTPModes.http1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    server.serve(target_loader=load)


def load(target: str) -> Callable:
    """Runs in each worker. One that outlived a killed granian would go on answering beside the next one's."""
    granian = multiprocessing.parent_process()
    if granian and granian.pid:
        # Not SIGTERM: a worker that has not yet begun to serve takes no notice of it, for ever.
        child.end_with_parent(granian.pid, signal.SIGKILL)
    module, name = target.split(":")
    return getattr(import_module(module), name)


if __name__ == "__main__":
    child.end_with_parent(os.getppid(), signal.SIGTERM)
    serve(int(os.environ["PORT"]))
