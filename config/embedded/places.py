"""Where the embedded servers keep their things, and the addresses that follow from it.

The settings import this in every process, so it knows the standard library only and starts nothing.
"""

import hashlib
import os
import secrets
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

# A Unix socket's whole path may take 107 bytes; the longest name we put into a folder is ".s.PGSQL.5432".
PORT = 5432
SOCKET_DIR_BYTES = 107 - len(f"/.s.PGSQL.{PORT}")


def postgres_dir(var: Path) -> Path:
    return var / "postgres"


def redis_dir(var: Path) -> Path:
    return var / "redis"


def postgres_url(var: Path, role: str) -> str:
    """The address of the embedded database for one of the roles: owner, app, worker, eraser."""
    return database_url(socket_dir(postgres_dir(var)), f"reviewqueue_{role}", "reviewqueue")


def database_url(sockets: Path, user: str, database: str) -> str:
    """The port is only part of the socket's name; PGPORT in somebody's environment would change it."""
    host = quote(os.fsencode(sockets), safe="")
    return f"postgres://{quote(user, safe='')}@{host}:{PORT}/{quote(database, safe='')}"


def redis_url(var: Path) -> str:
    return socket_url(redis_socket(redis_dir(var)))


def socket_url(socket: Path) -> str:
    return f"unix://{quote(os.fsencode(socket))}?db=0"


def redis_socket(directory: Path) -> Path:
    return socket_dir(directory) / "redis.sock"


def secret_key(var: Path) -> str:
    """Made once for each var folder, for its owner's eyes only. Whoever comes first wins, the others read."""
    path = var / "secret_key"
    if not path.exists():
        make_folder(var)
        fresh = var / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        write_private(fresh, secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """A new file that nobody else could read at any moment."""
    with open(path, "x", opener=private_opener) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def private_opener(path: str, flags: int) -> int:
    """For open(): nobody else may read what this makes. Customers' words can be in a log."""
    return os.open(path, flags, 0o600)


def make_folder(path: Path) -> None:
    """For us alone, whatever the umask. Root's PostgreSQL works as somebody else, who must pass but not look.

    A folder that is there already keeps its mode.
    """
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def socket_dir(directory: Path) -> Path:
    """The folder for the sockets of the server that lives in this directory.

    It lies inside, unless that path is too long for a socket or has a comma, which parts two hosts in a PostgreSQL
    address. Then it is in the system's temporary folder, always under the same name for this directory and user;
    PermissionError if somebody else has made that one.
    """
    inside = directory / "run"
    if len(os.fsencode(inside)) <= SOCKET_DIR_BYTES and "," not in os.fspath(inside):
        return inside
    return private_dir(directory) / "run"


def private_dir(directory: Path) -> Path:
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"reviewqueue-{os.geteuid()}-{name}"
    try:
        found = private.lstat()
    except FileNotFoundError:
        return private
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{private} should be a folder of yours that nobody else may write to: remove it")
    return private


def make_socket_dir(directory: Path) -> Path:
    """Makes the folder that socket_dir names."""
    sockets = socket_dir(directory)
    make_folder(sockets.parent)
    socket_dir(directory)  # once more: now it is there, and may not be ours
    sockets.mkdir(mode=0o700, exist_ok=True)
    return sockets
