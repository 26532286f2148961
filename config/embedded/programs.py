"""What runs on this machine, as the configuration of supervisord, which restarts whatever dies."""

import os
import shlex
import sys
from pathlib import Path

from config.embedded import places, web

# The longest a process may take to end of itself, seconds.
PATIENCE = 15

# The commands of manage.py. `migrate` has run Django's checks before any of them starts.
BEAT = ["beat", "--skip-checks"]
WORKER = ["rqworker", "deliver", "--worker-class", "reviewqueue.later.Worker"]
WORKER += ["--serializer", "rq.serializers.JSONSerializer", "--skip-checks"]

HEAD = """\
; Written by config/embedded/programs.py at each start. To look inside while it runs:
;   .venv/bin/supervisorctl -c THIS_FILE status
[supervisord]
nodaemon = true
logfile = %(here)s/log/supervisor.log
pidfile = %(here)s/supervisor.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


def configuration(var: Path, port: int, *, postgres: bool, redis: bool) -> str:
    """The servers that are not yours start at once, the other groups when told to. They end in the other order.

    The customer's helpdesk is there with the example data, which is there with the embedded PostgreSQL.
    """
    servers = []
    text = HEAD + _control(var)
    if postgres:
        servers.append("postgres")
        directory = os.fspath(places.postgres_dir(var))
        text += _program("postgres", ["-m", "config.embedded.postgres", directory], stopsignal="INT")
    if redis:
        servers.append("redis")
        text += _program("redis", ["-m", "config.embedded.redis", os.fspath(places.redis_dir(var))])
    roles = f'DATABASE_ROLE="app",DATABASE_POOL="{web.THREADS}",PORT="{port}"'
    text += _program("web", ["-m", "config.embedded.web"], environment=roles, autostart="false")
    text += _program("deliver", [*_tied("manage.py"), *WORKER], copies=2, autostart="false")
    text += _program("beat", [*_tied("manage.py"), *BEAT], copies=2, autostart="false")
    if postgres:
        receiver = ["-m", "config.embedded.receiver", os.fspath(var), str(port + 1)]
        text += _program("helpdesk", receiver, autostart="false")
    return text + _group("servers", servers, 1) + _group("workers", ["deliver", "beat"], 2)


def control_dir(var: Path) -> Path:
    return var / "supervisor"


def control_socket(var: Path) -> Path:
    return places.socket_dir(control_dir(var)) / "sock"


def _control(var: Path) -> str:
    socket = _literal(os.fspath(control_socket(var)))
    return f"[unix_http_server]\nfile = {socket}\nchmod = 0700\n[supervisorctl]\nserverurl = unix://{socket}\n"


def _tied(program: str) -> list[str]:
    return ["-m", "config.embedded.tied", program]


def _program(name: str, arguments: list[str], *, copies: int = 1, **options: str) -> str:
    """Alone it is a group of its own name."""
    number = "-%(process_num)d" if copies > 1 else ""
    options |= {
        "command": _literal(shlex.join([sys.executable, *arguments])),
        "process_name": name + number,
        "numprocs": str(copies),
        "numprocs_start": "1",
        # Never gives up: it waits a second longer after each failure in a row.
        "autorestart": "true",
        "startretries": "1000000",
        "stopwaitsecs": str(PATIENCE),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"%(here)s/log/{name}{number}.log",
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "2",
    }
    return f"[program:{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())


def _group(name: str, programs: list[str], priority: int) -> str:
    if not programs:
        return ""
    return f"[group:{name}]\nprograms = {','.join(programs)}\npriority = {priority}\n"


def _literal(text: str) -> str:
    return text.replace("%", "%%")
