"""Chapters of a life, each in a process of its own, forked from one that has lived before: what a process does for the
first time takes as long as the chapter."""

import gc
import os
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

from django.db import connection, connections  # noqa: E402  needs Django's settings

from tests.proof import life as lives  # noqa: E402
from tests.proof import points  # noqa: E402


def zygote(database: str, folder: Path, url: str, orders: Connection) -> None:
    """Live a first life here, then one for each order (name, chapter, fault) in a process of its own, and answer with
    that process's exit code."""
    connection.settings_dict["NAME"] = database
    lives.live(lives.Life("first", "retried", folder / "first.notes", url))
    connections.close_all()
    # What is loaded stays: going through all of it for garbage would be a quarter of a short life.
    gc.collect()
    gc.freeze()
    orders.send(0)
    while order := orders.recv():
        if child := os.fork():
            orders.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        else:
            _end(*order, folder, url)


def _end(name: str, chapter: str, fault: str, folder: Path, url: str) -> None:
    """The life, and the end of the process."""
    code = 1
    try:
        _live(name, chapter, fault, folder, url)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _live(name: str, chapter: str, fault: str, folder: Path, url: str) -> None:
    """Live the chapter with a fault; with none, write the names of its points to `<folder>/<name>.points`."""
    life = lives.Life(name, chapter, folder / f"{name}.notes", url)
    if fault:
        with points.armed(fault, name):
            lives.live(life)
        return
    with points.recording() as names:
        lives.live(life)
    (folder / f"{name}.points").write_text("".join(f"{point}\n" for point in names))
