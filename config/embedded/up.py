"""`make up`: everything on this machine, with example data, until Ctrl-C.

With DATABASE_URL or REDIS_URL set, that server is yours and none is started here for it; and with a database of your
own there is no example data.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import httpx

from config import settings
from config.embedded import lock, places, programs
from config.embedded.postgres import Postgres, PostgresFailed
from config.embedded.redis import Redis, RedisFailed
from config.embedded.supervision import start_programs, supervised, wait_for_end

VAR: Path = settings.VAR_DIR
DEMO = VAR / "demo.json"
OWN_REDIS = bool(os.environ.get("REDIS_URL"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(Exception):
    """Somebody wants it to end: Ctrl-C, SIGTERM, or the terminal was closed."""


class Failed(Exception):
    """It cannot go on; the message says why and what to do."""


def main() -> None:
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup make up
            signal.signal(number, stop)
    try:
        up(chosen_port())
    except Stop:
        say("Stopped.")
    except (Failed, PostgresFailed, RedisFailed, PermissionError) as failure:
        sys.exit(f"\n{failure}")


def stop(*_: object) -> NoReturn:
    """Once: a second Ctrl-C does not disturb the stopping."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    say("\nStopping")
    raise Stop


def up(port: int) -> None:
    if not settings.SECRET_KEY:
        raise Failed("A database of your own needs SECRET_KEY too: a long random text, the same at every start")
    os.umask(0o077)
    places.make_folder(VAR / "log")
    take_lock()
    DEMO.unlink(missing_ok=True)
    for needed in (port, port + 1) if settings.EMBEDDED else (port,):
        check_free(needed, port)
    configuration = write_configuration(port)
    say(f"Starting {' and '.join(servers())}" if servers() else "Starting")
    if settings.EMBEDDED:
        os.close(Postgres(places.postgres_dir(VAR)).prepare())  # here its refusals are seen
    with supervised(configuration, environment()) as supervisor:
        prepare()
        say("Starting the web server")
        start_programs(VAR, "web")
        seed = fill(port) if settings.EMBEDDED else {}  # while it starts
        wait_for_page("web", f"{address(port)}/sign-in")
        say("Starting the workers")
        start_programs(VAR, "workers")
        announce(port, seed)
        try:
            wait_for_end(supervisor)
        finally:
            DEMO.unlink(missing_ok=True)
        raise Failed("The supervisor was ended from outside, and everything with it. Again: make up")


def chosen_port() -> int:
    with suppress(ValueError):
        port = int(os.environ.get("PORT", "8000"))
        if 0 < port < 65535:
            return port
    raise Failed("PORT should be a number from 1 to 65534, such as PORT=8100")


def take_lock() -> None:
    try:
        lock.take(VAR / "up.lock", "reviewqueue")  # held until this process ends
    except lock.AlreadyRunning as refusal:
        raise Failed(f"{refusal}; stop it with Ctrl-C first") from None


def check_free(needed: int, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", needed))
        except PermissionError:
            raise Failed(f"Port {needed} is not yours to use; run PORT=8100 make up") from None
        except OSError:
            raise Failed(f"Port {needed} is taken; run PORT={port + 100} make up") from None


def servers() -> list[str]:
    return ["PostgreSQL"] * settings.EMBEDDED + ["Redis"] * (not OWN_REDIS)


def write_configuration(port: int) -> Path:
    path = VAR / "supervisor.conf"
    path.unlink(missing_ok=True)
    places.make_socket_dir(programs.control_dir(VAR))
    places.write_private(path, programs.configuration(VAR, port, postgres=settings.EMBEDDED, redis=not OWN_REDIS))
    return path


def environment() -> dict[str, str]:
    """Which database role a process takes is manage.py's to say."""
    theirs = {name: value for name, value in os.environ.items() if name != "DATABASE_ROLE"}
    return theirs | {"VAR_DIR": os.fspath(VAR), "PYTHONUNBUFFERED": "1"}


def wait_for_servers() -> None:
    if settings.EMBEDDED:
        Postgres(places.postgres_dir(VAR)).wait_ready(seconds=120)
    if not OWN_REDIS:
        Redis(places.redis_dir(VAR)).wait_ready(seconds=120)


def prepare() -> None:
    say("Preparing the pages")
    manage("collectstatic", "--noinput", "--skip-checks")  # while the servers start
    wait_for_servers()
    say("Preparing the database")
    if settings.DATABASE_URL and not settings.ROLE_URLS["owner"]:
        manage("roles")
    manage("migrate", "--noinput", "--skip-checks")


def fill(port: int) -> dict[str, Any]:
    """Returns the example's sign-ins and keys."""
    say("Preparing the example data")
    seed = json.loads(manage("demo", "--receiver", f"{address(port + 1)}/webhooks", "--skip-checks"))
    secret = VAR / "webhook_secret"
    secret.unlink(missing_ok=True)
    places.write_private(secret, seed.pop("webhook_secret"))
    start_programs(VAR, "helpdesk")
    wait_for_page("helpdesk", address(port + 1))
    return seed


def manage(*arguments: str) -> str:
    """What the command printed."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{done.stdout}{done.stderr}\nmanage.py {arguments[0]} failed, see above")
    return done.stdout


def wait_for_page(program: str, url: str, *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > until:
            log = VAR / f"log/{program}.log"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise Failed(f"{end}\n{url} does not answer, see above and {shown(log)}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether the page comes. Your own host names and TLS may not let us see it: then any answer will do."""
    try:
        status = httpx.get(url, trust_env=False, timeout=5).status_code
    except httpx.HTTPError:
        return False
    return status == 200 or (not settings.EMBEDDED and status < 500)


def announce(port: int, seed: dict[str, Any]) -> None:
    lines = ["", f"  The review queue     {address(port)}", ""]
    if seed:
        remember({"url": address(port), **seed})
        lines += [
            f"  {role:<20} {seed[role]['username']} / {seed[role]['password']}" for role in ("agent", "lead", "admin")
        ]
        lines += [f"  The bot's key        {seed['bot_key']}", f"  The helpdesk         {address(port + 1)}", ""]
        lines += [f"  The same for programs is in {shown(DEMO)}."]
    else:
        lines += ["  The first admin: .venv/bin/python manage.py person NAME --role admin"]
    say("\n".join([*lines, f"  Logs are in {shown(VAR / 'log')}. Ctrl-C stops everything.", ""]))


def remember(seed: dict[str, Any]) -> None:
    """Whoever sees the file sees all of it."""
    fresh = DEMO.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    places.write_private(fresh, json.dumps(seed, indent=2) + "\n")
    fresh.replace(DEMO)


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def shown(path: Path) -> str:
    return os.fspath(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
