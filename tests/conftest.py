"""Fixtures: `db` rolls back, `committed` is a clone of the database that keeps what a test commits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, connections

from reviewqueue import ready
from tests.servers import SERVERS
from tests.system import System, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="races, made-up and hostile texts as often as they are meant")


def pytest_unconfigure() -> None:
    connections.close_all()
    SERVERS.stop()


@pytest.fixture(autouse=True)
def cheap_passwords(settings):
    """Real password hashing would make the whole run several times slower."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    """The database of the tests that roll back: a clone, not a flushed one (what is append-only cannot be)."""
    with SERVERS.clone() as name, django_db_blocker.unblock():
        _use(name)
        yield
        connections.close_all()


@pytest.fixture
def committed(django_db_blocker, empty_redis) -> Iterator[str]:
    """A database of the test's own, in which commits are commits; its name."""
    before = settings.DATABASES["default"]["NAME"]
    with SERVERS.clone() as name, django_db_blocker.unblock():
        _use(name)
        try:
            yield name
        finally:
            connections.close_all()
            _use(before)


def _use(name: str) -> None:
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


@pytest.fixture
def empty_redis() -> redis.Redis:
    """The run's Redis, emptied, and not being left alone because of an earlier failure."""
    SERVERS.start()
    client = redis.Redis.from_url(SERVERS.redis.url, decode_responses=True)
    client.flushall()
    ready._redis.resting_until = 0.0
    return client


@pytest.fixture(scope="session")
def product(tmp_path_factory) -> Iterator[System]:
    """The whole product, running."""
    with running(tmp_path_factory.mktemp("system")) as whole:
        yield whole


@pytest.fixture(scope="module")
def system(product: System) -> Iterator[System]:
    """The whole product, running, as if it had been set up for the tests of this module."""
    product.renew()
    yield product
    # Until the next who needs it, it asks nobody for anything.
    product.pause()


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        before = cursor.fetchone()[0]
        cursor.execute(f"SET ROLE reviewqueue_{role}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {before}")


@pytest.fixture
def as_role() -> Callable[[str], Any]:
    """`with as_role("worker"):` runs as that database role."""
    return acting_as


@pytest.fixture
def in_threads() -> Callable[..., list[Any]]:
    """in_threads(n, function): the answers or exceptions of n calls at once, each with a connection of its own."""

    def call(n: int, function: Callable[[int], Any]) -> list[Any]:
        def one(number: int) -> Any:
            try:
                return function(number)
            except Exception as error:  # the test looks at it
                return error
            finally:
                connections.close_all()

        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(one, range(n)))

    return call
