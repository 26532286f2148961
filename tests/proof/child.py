"""A chapter of a life in a process of its own, forked from one that has loaded the project already."""

import os
from pathlib import Path

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

from django.db import connection  # noqa: E402  needs Django's settings

from reviewqueue.outbound import webhook  # noqa: E402
from tests.factories import SECRET  # noqa: E402
from tests.proof import life as lives  # noqa: E402
from tests.proof import points  # noqa: E402

# What a process loads for its first post takes as long as the life it lives here: once, before there is any.
webhook.send(webhook.Message("", "http://127.0.0.1:9", SECRET, {}, frozenset(["127.0.0.1"]), seconds=1))


def live(database: str, name: str, chapter: str, folder: Path, url: str, fault: str) -> None:
    """Live the chapter with a fault; with none, write the names of its points to `<folder>/<name>.points`."""
    connection.settings_dict["NAME"] = database
    life = lives.Life(name, chapter, folder / f"{name}.notes", url)
    if fault:
        with points.armed(fault, name):
            lives.live(life)
        return
    with points.recording() as names:
        lives.live(life)
    (folder / f"{name}.points").write_text("".join(f"{point}\n" for point in names))
