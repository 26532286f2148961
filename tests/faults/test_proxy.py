"""The proxy that fails as networks do, and what the product makes of an answer to COMMIT that never comes."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.db import connection

from config.embedded import places
from reviewqueue.rows import ask
from tests.proof.proxy import Address, Answers, Link, Proxies
from tests.receiver import receiving
from tests.servers import SERVERS
from tests.system import System, claimed_id, form_fields, wait_until


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    with Proxies() as running:
        yield running


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client: socket.socket) -> None:
            with client, suppress(ConnectionError):
                while data := client.recv(65_536):
                    client.sendall(data)

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def call(port: Address, data: bytes = b"hello") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
        client.sendall(data)
        return read(client, len(data))


def read(client: socket.socket, length: int) -> bytes:
    """So many bytes, or fewer where the connection ends before."""
    got = b""
    while len(got) < length and (data := client.recv(65_536)):
        got += data
    return got


def test_it_passes_what_it_gets(proxies, echo):
    link = proxies.link("echo", echo)
    sent = b"x" * 1_000_000
    assert call(link.address, sent) == sent


def test_it_passes_unix_sockets(proxies, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "server"))
        server.listen()
        link = proxies.link("unix", tmp_path / "server", tmp_path / "link")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(link.address))
            peer, _ = server.accept()
            with peer:
                client.sendall(b"a")
                assert peer.recv(1) == b"a"


def test_it_delays(proxies, echo):
    link = proxies.link("echo", echo)
    link.set("delay", seconds=0.15)
    began = time.monotonic()
    assert call(link.address) == b"hello"
    assert time.monotonic() - began >= 0.3, "once each way"


@pytest.mark.parametrize("mode", ["cut", "reset"])
def test_it_ends_what_is_open_and_what_comes(proxies, echo, mode):
    link = proxies.link("echo", echo)
    with socket.create_connection(("127.0.0.1", link.address), timeout=2) as open_before:
        open_before.sendall(b"a")
        assert open_before.recv(1) == b"a"
        link.set(mode)
        if mode == "reset":
            with pytest.raises(ConnectionResetError):
                open_before.recv(1)
        else:
            assert open_before.recv(1) == b""
    with pytest.raises((ConnectionError, AssertionError)):
        assert call(link.address) == b"hello"
    link.set("pass")
    assert call(link.address) == b"hello"


def test_nothing_comes_out_of_a_black_hole(proxies, echo):
    link = proxies.link("echo", echo)
    link.set("hole")
    with socket.create_connection(("127.0.0.1", link.address), timeout=0.3) as client:
        client.sendall(b"a")
        with pytest.raises(TimeoutError):
            client.recv(1)
        link.set("pass")
        assert client.recv(1) == b"", "bytes are missing: the connection cannot go on"
    assert call(link.address) == b"hello"


def test_it_drops_after_so_many_bytes(proxies, echo):
    link = proxies.link("echo", echo)
    link.set("drop_after", bytes=3)
    assert call(link.address, b"abc") == b"abc"
    assert call(link.address, b"abcdef") == b""


def test_a_server_that_is_away_ends_the_connection(proxies):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert call(proxies.link("away", port).address) == b""


def test_answers_to_commit_are_found_however_the_bytes_are_cut():
    def message(kind: bytes, rest: bytes) -> bytes:
        return kind + (len(rest) + 4).to_bytes(4, "big") + rest

    commit, ready = message(b"C", b"COMMIT\0"), message(b"Z", b"I")
    other = message(b"C", b"ROLLBACK\0") + message(b"D", b"C\0\0\0\x0bCOMMIT\0")
    stream = other + commit + ready + message(b"C", b"INSERT 0 1\0") + commit + ready
    for size in (1, 2, 5, 11, len(stream)):
        answers = Answers()
        assert sum(answers.commits(stream[at : at + size]) for at in range(0, len(stream), size)) == 2


def linked(proxies: Proxies, folder: Path, role: str) -> tuple[Link, Path]:
    """(a link to the tests' PostgreSQL, the folder of its socket)"""
    sockets = folder / role
    sockets.mkdir()
    name = f".s.PGSQL.{places.PORT}"
    return proxies.link(role, SERVERS.postgres.socket_dir / name, sockets / name, postgres=True), sockets


def test_a_commit_whose_answer_is_lost_is_done(proxies, tmp_path):
    with SERVERS.clone() as database:
        link, sockets = linked(proxies, tmp_path, "any")
        url = places.database_url(sockets, "postgres", database)
        connection = psycopg.connect(url)
        connection.execute("CREATE TABLE lost (number int)")
        connection.commit()
        connection.execute("INSERT INTO lost VALUES (1)")
        link.lose_commits(1)
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
        with psycopg.connect(url) as again:
            assert again.execute("SELECT number FROM lost").fetchall() == [(1,)]
            again.execute("INSERT INTO lost VALUES (2)")
            again.rollback()
        assert link.lost_commits == 1


# --- reliability: COMMIT done, answer cut ---------------------------------------------------------------------


class Linked(System):
    """A System whose web server and worker reach PostgreSQL through a link each."""

    def connect(self, proxies: Proxies) -> None:
        self.web, self._web = linked(proxies, self.folder, "web")
        self.worker, self._worker = linked(proxies, self.folder, "worker")

    def environment(self, name: str) -> dict[str, str]:
        environment = super().environment(name)
        if name == "web":
            environment["DATABASE_URL_APP"] = places.database_url(self._web, "reviewqueue_app", self.database)
        if name == "worker1":
            environment["DATABASE_URL_WORKER"] = places.database_url(self._worker, "reviewqueue_worker", self.database)
        return environment


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[Linked]:
    folder = tmp_path_factory.mktemp("links")
    with SERVERS.clone() as database, receiving() as receiver, Proxies() as proxies:
        system = Linked(folder, database, receiver)
        try:
            system.connect(proxies)
            system.set_up("--hold=0", "--lease=600")
            for name in ("web", "worker1", "beat"):
                system.start(name)
            system.wait_for_web()
            yield system
        finally:
            system.stop()


@pytest.fixture(scope="module")
def bot(house) -> httpx.Client:
    return httpx.Client(
        base_url=f"{house.url}/api/v1", headers={"authorization": f"Bearer {house.bot_key}"}, timeout=20
    )


@pytest.fixture(scope="module")
def amina(house):
    person = house.sign_in("amina")
    person.http.follow_redirects = False
    return person


def draft(name: str) -> dict:
    message = {"id": "m1", "author": "customer", "text": "Where is it?"}
    return {
        "external_id": name,
        "kind": "reply",
        "customer": {"id": f"customer of {name}"},
        "conversation": {"id": f"conversation of {name}", "messages": [message]},
        "reply": {"text": f"This answers {name}."},
    }


def lose_one(link: Link) -> int:
    """Loses the next one; how many were lost before."""
    before = link.lost_commits
    link.lose_commits(1)
    return before


@pytest.mark.timeout(900)
def test_a_submission_whose_commit_was_not_answered_is_there_once(house, bot, times):
    for _ in range(times(50, 500)):
        sent = draft(f"submit-{uuid4().hex}")
        before = lose_one(house.web)
        first = bot.post("/drafts", json=sent)
        assert house.web.lost_commits == before + 1, "the answer was not lost"
        second = bot.post("/drafts", json=sent)
        # Either the server found its own row again, or it said that it does not know and the bot asked again.
        assert first.status_code in (200, 202, 503), first.text
        assert second.status_code == 200, second.text
        rows = house.rows("SELECT id FROM draft WHERE external_id = %s", sent["external_id"])
        assert rows == [(int(second.json()["id"]),)]
        assert bot.delete(f"/drafts/{second.json()['id']}").status_code == 200  # the next one to claim is not this one


@pytest.mark.timeout(900)
def test_a_decision_whose_commit_was_not_answered_is_one(house, bot, amina, times):
    for _ in range(times(50, 500)):
        assert bot.post("/drafts", json=draft(f"decide-{uuid4().hex}")).status_code == 202
        page = claim(amina)
        number = claimed_id(page)
        fields = form_fields(page, f"/drafts/{number}/decision") | {"verdict": "approve"}
        del fields["next"]
        before = lose_one(house.web)
        first = amina.http.post(f"/drafts/{number}/decision", data=fields)
        assert house.web.lost_commits == before + 1, "the answer was not lost"
        second = amina.http.post(f"/drafts/{number}/decision", data=fields)
        assert first.status_code in (302, 503), first.text
        assert second.status_code == 302, second.text
        rows = house.rows("SELECT decision_key FROM vote WHERE draft_id = %s", number)
        assert [str(key) for (key,) in rows] == [fields["decision_key"]]


UNDER_WAY = "SELECT 1 FROM delivery WHERE status NOT IN ('delivered', 'failed', 'cancelled') LIMIT 1"


@pytest.mark.timeout(900)
def test_a_delivery_whose_result_was_not_answered_arrives_once(house, bot, amina, times):
    for _ in range(times(50, 500)):
        name = f"deliver-{uuid4().hex}"
        assert bot.post("/drafts", json=draft(name)).status_code == 202
        page = claim(amina)
        # The worker commits twice: that it begins to send, and what came of it. Nothing else may be on its way, or its
        # commits are counted, and the beginning is lost: the deadline finds that, much later.
        wait_until(lambda: not house.rows(UNDER_WAY), 60, lambda: house.log("worker1"))
        house.worker.lose_commits(1, after=1)
        before = house.worker.lost_commits
        assert amina.decide(page, "approve").status_code == 302
        wait_until(lambda lost=before: house.worker.lost_commits > lost, 20, lambda: house.log("worker1"))
        status = "SELECT delivery.status FROM delivery JOIN draft ON draft.id = draft_id WHERE external_id = %s"
        wait_until(lambda sql=status, n=name: house.rows(sql, n) == [("delivered",)], 20)
        arrived = [data["external_id"] for data in house.receiver.datas()[-5:]]
        assert arrived.count(name) == 1


def claim(person) -> str:
    """The desk with a draft on it."""
    page = person.http.get("/desk").text
    if claimed_id(page) is None:
        person.post("/claims", page)
        page = person.http.get("/desk").text
    assert claimed_id(page), page[:2000]
    return page


def test_a_connection_that_was_ended_is_replaced_before_it_is_asked(committed):
    assert ask("SELECT 1") == [(1,)]
    with SERVERS.admin(committed) as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    connection.health_check_enabled, connection.health_check_done = True, False
    assert ask("SELECT 1") == [(1,)]
