"""Where the embedded servers keep their things."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dj_database_url
import psycopg
import pytest
import redis

from config.embedded import places


@pytest.fixture
def temp(tmp_path, monkeypatch) -> Iterator[Path]:
    """The system's temporary folder, for sockets whose own place is too deep."""
    with tempfile.TemporaryDirectory(prefix="rq-") as short:
        monkeypatch.setattr(places.tempfile, "gettempdir", lambda: short)
        yield Path(short)


def deep(path: Path) -> Path:
    return path / ("x" * 100)


def test_the_sockets_lie_inside_where_their_path_fits():
    assert places.socket_dir(Path("/srv/var/postgres")) == Path("/srv/var/postgres/run")


def test_too_deep_a_folder_has_its_sockets_elsewhere_always_in_the_same_place(temp, tmp_path):
    first = places.make_socket_dir(deep(tmp_path))
    assert first == places.socket_dir(deep(tmp_path))
    assert first.is_relative_to(temp)
    assert len(os.fsencode(first / ".s.PGSQL.5432")) <= 107
    assert first != places.socket_dir(deep(tmp_path) / "other")
    assert first.stat().st_mode & 0o777 == 0o700


def test_bytes_count_and_not_letters(temp):
    assert places.socket_dir(Path("/srv") / ("ü" * 45)).is_relative_to(temp)


def test_somebody_elses_folder_is_refused(temp, tmp_path):
    squatted = places.private_dir(deep(tmp_path))
    squatted.mkdir()
    squatted.chmod(0o777)
    with pytest.raises(PermissionError, match="remove it"):
        places.make_socket_dir(deep(tmp_path))
    squatted.rmdir()
    squatted.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="remove it"):
        places.socket_dir(deep(tmp_path))


@pytest.mark.parametrize("name", ["plain", "MixedCase", "a b", "100%", "ü", "Q?#&=", "a:b@c", "quo'te\""])
def test_the_addresses_survive_any_name_of_a_folder(name):
    var = Path("/srv") / name
    url = places.postgres_url(var, "app")
    assert psycopg.conninfo.conninfo_to_dict(url)["host"] == f"/srv/{name}/postgres/run"
    django = dj_database_url.parse(url)
    assert (django["HOST"], django["PORT"]) == (f"/srv/{name}/postgres/run", 5432)
    path = redis.Redis.from_url(places.redis_url(var)).connection_pool.connection_kwargs["path"]
    assert path == f"/srv/{name}/redis/run/redis.sock"


def test_a_comma_would_part_two_hosts(temp):
    assert places.socket_dir(Path("/srv/a,b")).is_relative_to(temp)


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: places.secret_key(tmp_path / "var"), range(8)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 50
    assert (tmp_path / "var/secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    (tmp_path / "there").mkdir(mode=0o750)
    places.make_folder(tmp_path / "there")
    places.make_folder(tmp_path / "there/new")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "there/new").stat().st_mode & 0o077 in (0, 0o011)
