"""The system under attack: on a PostgreSQL that syncs, with a proxy on each link between two of its processes."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from config.embedded import places
from tests.proof.actors import CHANNELS, Receiver
from tests.proof.proxy import Link, Proxies
from tests.servers import Servers
from tests.system import System

# As on a real disk: what is acknowledged must survive the server.
SETTINGS = {"max_connections": "200", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

# Killed and started again by itself: one name, one process group.
PROCESSES = ("web", "worker1", "worker2", "beat1", "beat2")

# The links between them, and of those who use them.
LINKS = (
    *(f"{role}-{server}" for role in ("web", "worker", "beat") for server in ("postgres", "redis")),
    "worker-receiver",
    "bots-web",
    "agents-web",
)

# Seconds. A hold short enough for thousands of drafts, long enough to be undone; a lease that a dead agent's draft
# comes back from soon.
HOLD, LEASE = 2, 10


class House(System):
    """A System whose processes reach PostgreSQL, Redis and the receiver, and are reached, through `links`."""

    def __init__(self, folder: Path, database: str, servers: Servers, proxies: Proxies, receiver: Receiver) -> None:
        self.links: dict[str, Link] = {}
        # More of the environment for whoever is started next.
        self.fault: dict[str, str] = {}
        super().__init__(folder, database, receiver, servers)  # type: ignore[arg-type]
        postgres = servers.postgres.socket_dir / f".s.PGSQL.{places.PORT}"
        for role in ("web", "worker", "beat"):
            sockets = folder / f"{role}-links"
            sockets.mkdir(mode=0o700)
            listen = sockets / postgres.name
            self.links[f"{role}-postgres"] = proxies.link(f"{role}-postgres", postgres, listen, postgres=True)
            self.links[f"{role}-redis"] = proxies.link(f"{role}-redis", self.redis.socket, sockets / "redis.sock")
        self.links["worker-receiver"] = proxies.link("worker-receiver", receiver.port)
        self.links["bots-web"] = proxies.link("bots-web", self.port)
        self.links["agents-web"] = proxies.link("agents-web", self.port)

    def set_up_for(self, agents: int) -> None:
        people = {f"agent{number}": "agent" for number in range(agents)} | {"dana": "lead"}
        hook = f"http://127.0.0.1:{self.links['worker-receiver'].address}"
        endpoints = {f"c{channel}": f"{hook}/c{channel}" for channel in range(CHANNELS)}
        self.receiver.secrets = self.set_up(f"--hold={HOLD}", f"--lease={LEASE}", people=people, **endpoints)

    def start_all(self) -> None:
        for name in PROCESSES:
            self.start(name)
        self.wait_for_web()

    def environment(self, name: str) -> dict[str, str]:
        role = name.rstrip("0123456789")
        user = f"reviewqueue_{'app' if role == 'web' else 'worker'}"
        sockets = self.folder / f"{role}-links"
        url = places.database_url(sockets, user, self.database)
        redis = places.socket_url(sockets / "redis.sock")
        links = {f"DATABASE_URL_{user.rpartition('_')[2].upper()}": url, "REDIS_URL": redis}
        return super().environment(name) | links | self.fault

    def kill_one_of_web(self, number: float) -> bool:
        """kill -9 of one of granian's own processes, which it starts again; False where there is none."""
        with suppress(OSError, IndexError, KeyError):
            web = self.processes["web"].pid
            children = Path(f"/proc/{web}/task/{web}/children").read_text().split()
            os.kill(int(children[int(number * len(children))]), signal.SIGKILL)
            return True
        return False
