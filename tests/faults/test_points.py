"""Every fault point of tests/proof/points.txt: reached, killed at, and carried on from by another process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import django_rq
import pytest
from django.db import connection, connections

from reviewqueue import later, ready
from reviewqueue.actions.submit import submit
from reviewqueue.models import Draft
from tests.factories import make_bot, make_content
from tests.proof import child, points
from tests.proof import life as lives
from tests.receiver import Receiver, receiving
from tests.servers import ROOT, SERVERS

LIST = ROOT / "tests" / "proof" / "points.txt"

HEAD = """\
# Every write of the product, by the chapter of a life (tests/proof/life.py) that comes to it first.
# Written by: WRITE=1 make test T=tests/faults/test_points.py
"""

# What the receiver answers first.
ANSWERS = {"retried": [500], "failed": [500], "gone": [410]}

_numbers = count(1)

context = get_context("spawn")


class House:
    """A database, a receiver and a zygote, for many lives one after the other."""

    def __init__(self, database: str, receiver: Receiver, folder: Path) -> None:
        self.database, self.receiver, self.folder = database, receiver, folder
        self.orders, theirs = context.Pipe()
        self.zygote = context.Process(target=child.zygote, args=(database, folder, receiver.url, theirs), daemon=True)
        self.zygote.start()
        theirs.close()
        self._answer()
        receiver.posts.clear()

    def live(self, chapter: str, fault: str = "") -> tuple[lives.Life, int]:
        """A new life in a process of its own, and that process's exit code."""
        name = f"life-{next(_numbers)}"
        self.receiver.answers[:] = ANSWERS.get(chapter, [])
        self.orders.send((name, chapter, fault))
        code = self._answer()
        return lives.Life(name, chapter, self.folder / f"{name}.notes", self.receiver.url), code

    def _answer(self) -> int:
        assert self.orders.poll(60), "the process does not come to its end"
        return self.orders.recv()

    def close(self) -> None:
        self.zygote.kill()
        self.zygote.join()

    def carry_on(self, life: lives.Life) -> list[str]:
        """To the life's end, in this process; the promises that were broken."""
        self.receiver.answers.clear()
        lives.live(life)
        broken = lives.broken(life, self.receiver.posts)
        self.receiver.posts.clear()
        return broken

    def points(self, chapter: str) -> list[str]:
        life, code = self.live(chapter)
        assert code == 0, f"{chapter} does not come to its end"
        assert lives.broken(life, self.receiver.posts) == []
        return (self.folder / f"{life.name}.points").read_text().splitlines()


@pytest.fixture(scope="module")
def house(django_db_blocker, tmp_path_factory) -> Iterator[House]:
    before = connection.settings_dict["NAME"]
    with SERVERS.clone() as database, receiving() as receiver, django_db_blocker.unblock():
        django_rq.get_queue("deliver").connection.flushall()
        ready._redis.resting_until = later._courier.resting_until = 0.0
        ready.offer([0], [])  # Redis knows the script from now on
        connections.close_all()
        connection.settings_dict["NAME"] = database
        house = House(database, receiver, tmp_path_factory.mktemp("lives"))
        yield house
        house.close()
        connections.close_all()
        connection.settings_dict["NAME"] = before


def listed() -> dict[str, list[str]]:
    """The points of points.txt by chapter."""
    found = {}
    for part in LIST.read_text().split("\n\n")[1:]:
        chapter, *names = part.splitlines()
        found[chapter] = [name.strip() for name in names]
    return found


def test_the_list_names_every_write_of_a_life(house):
    """A write that is new, or that no life comes to any more, changes the list."""
    reached: dict[str, list[str]] = {}
    for chapter in lives.CHAPTERS:
        before = {name for names in reached.values() for name in names}
        ours = dict.fromkeys(name for name in house.points(chapter) if not name.startswith("rq."))
        reached[chapter] = [name for name in ours if name not in before]
    if os.environ.get("WRITE"):
        text = "".join(f"\n{chapter}\n" + "".join(f"    {name}\n" for name in reached[chapter]) for chapter in reached)
        LIST.write_text(HEAD + text)
    assert reached == listed()


@pytest.mark.parametrize("chapter", list(lives.CHAPTERS)[::-1])
def test_a_process_killed_at_a_point_breaks_no_promise(house, chapter, times):
    for _ in range(times(1, 20)):
        for point in listed()[chapter]:
            life, code = house.live(chapter, f"kill {point}")
            assert code == -signal.SIGKILL, f"{point} was not reached"
            assert house.carry_on(life) == [], point


def test_a_worker_of_rq_killed_between_its_own_writes_breaks_no_promise(house, times):
    """How RQ keeps its books is its own matter: nothing rests on it."""
    own = [name for name in dict.fromkeys(house.points("plain")) if name.startswith("rq.")]
    for point in own[:: times(6, 1)]:
        life, _ = house.live("plain", f"kill {point}")
        assert house.carry_on(life) == [], point


@pytest.mark.parametrize("fault", ["raise * 0.03", "delay 0.02 * 0.1"])
def test_what_is_cut_short_or_slow_breaks_no_promise(house, fault, times):
    for _ in range(times(3, 20)):
        for chapter in ("plain", "edit", "retried"):
            life, _ = house.live(chapter, fault)
            assert house.carry_on(life) == [], life.name


def test_a_real_process_dies_at_its_point(house):
    armed = str(ROOT / "tests" / "proof" / "armed")
    environment = SERVERS.environment(house.database, "worker", PYTHONPATH=armed, FAULT="kill rollup.fold: COMMIT")
    beat = subprocess.Popen([sys.executable, "manage.py", "beat"], cwd=ROOT, env=environment)
    try:
        assert beat.wait(60) == -signal.SIGKILL
    finally:
        beat.kill()


@pytest.mark.parametrize(("fault", "module"), [("", "psycopg.cursor"), ("kill * 0", points.__name__)])
def test_without_a_fault_nothing_is_armed(fault, module):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "proof" / "armed"), "FAULT": fault}
    told = [sys.executable, "-c", "import psycopg; print(psycopg.Cursor.execute.__module__)"]
    assert subprocess.check_output(told, env=environment, text=True).strip() == module


def test_a_fault_that_names_nothing_is_refused():
    for text in ("", "kill", "explode submit.submit: COMMIT"):
        with pytest.raises(ValueError, match="is no fault"):
            points.Fault.parse(text)


def test_a_crash_at_commit_is_seen_as_one(committed):
    """And not as the error that Django then makes of it, which an action would take for a database that is away."""
    bot, content = make_bot(), make_content()
    with pytest.raises(points.Crash), points.armed("raise submit.submit: COMMIT"):
        submit(content, content, bot=bot)
    assert not Draft.objects.exists()
