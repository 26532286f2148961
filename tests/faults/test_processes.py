"""What the running product does when parts of it die: real processes, killed for real."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from uuid import uuid4

import httpx
import pytest

from reviewqueue.client import Client
from tests.system import Person, System, claimed_id, form_fields, wait_until

_numbers = count(1)


@pytest.fixture
def client(system: System) -> Client:
    return Client(system.url, system.bot_key)


@pytest.fixture(autouse=True, scope="module")
def knobs(system: System) -> None:
    system.manage("queue", "default", "--hold=0", "--lease=600")


@pytest.fixture
def amina(system: System) -> Person:
    return system.sign_in("amina")


def a_draft(name: str) -> dict:
    message = {"id": "m1", "author": "customer", "text": "Where is it?"}
    return {
        "external_id": name,
        "kind": "reply",
        "customer": {"id": f"customer-of-{name}"},
        "conversation": {"id": f"conversation-of-{name}", "messages": [message]},
        "reply": {"text": f"This answers {name}."},
    }


def new_name() -> str:
    return f"draft-{next(_numbers)}-{uuid4().hex[:6]}"


def approve_all(person: Person) -> list[int]:
    """Approve until nothing waits; the ids of the drafts."""
    done = []
    page = person.claim()
    while draft_id := claimed_id(page):
        answer = person.decide(page, "approve")
        assert answer.status_code == 200, answer.text
        done.append(draft_id)
        page = answer.text if claimed_id(answer.text) else person.claim()
    return done


def arrived(system: System, *names: str) -> bool:
    return set(names) <= set(system.receiver.texts())


def test_two_workers_send_once(system, client, amina):
    names = [new_name() for _ in range(20)]
    for name in names:
        client.submit(a_draft(name))
    approve_all(amina)
    wait_until(lambda: arrived(system, *names), 20, "not all arrived")
    ids = [data["external_id"] for data in system.receiver.datas()]
    assert all(ids.count(name) == 1 for name in names)


def test_a_double_click_is_one_decision(system, client, amina):
    name = new_name()
    client.submit(a_draft(name))
    page = amina.claim()
    draft_id = claimed_id(page)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: amina.decide(page, "approve"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert system.rows("SELECT count(*) FROM decision WHERE draft_id = %s", draft_id) == [(1,)]
    wait_until(lambda: arrived(system, name), 20)
    assert [data["external_id"] for data in system.receiver.datas()].count(name) == 1


def test_without_redis_all_goes_on_and_deliveries_resume_when_it_is_back(system, client, amina):
    waiting, during = new_name(), new_name()
    client.submit(a_draft(waiting))
    system.redis.kill()
    try:
        client.submit(a_draft(during))
        assert len(approve_all(amina)) == 2
        assert not arrived(system, waiting)
        assert not arrived(system, during)
    finally:
        system.redis.start()
    wait_until(lambda: arrived(system, waiting, during), 60, lambda: system.log("beat") + system.log("worker1"))
    assert len(set(system.receiver.ids())) == len(system.receiver.texts())


def test_a_redis_that_hangs_holds_nobody_up(system, client, amina):
    name = new_name()
    system.redis.pause()
    try:
        client.submit(a_draft(name))
        assert len(approve_all(amina)) == 1
    finally:
        system.redis.resume()
    wait_until(lambda: arrived(system, name), 60, lambda: system.log("beat"))


def test_the_delivery_of_a_killed_worker_arrives_under_the_same_id(system, client, amina):
    name = new_name()
    system.receiver.open.clear()
    try:
        client.submit(a_draft(name))
        approve_all(amina)
        wait_until(lambda: arrived(system, name), 20, "no worker began to send")
        system.kill("worker1")
        system.kill("worker2")
    finally:
        system.receiver.open.set()
        system.start("worker1")
        system.start("worker2")
    sql = "SELECT delivery.status FROM delivery JOIN draft ON draft.id = draft_id WHERE external_id = %s"
    wait_until(lambda: system.rows(sql, name) == [("delivered",)], 60, lambda: str(system.rows(sql, name)))
    posts = [data["external_id"] for data in system.receiver.datas()]
    assert posts.count(name) == 2, "once by the killed worker, once by the next one"
    ids = {post_id for post_id, data in zip(system.receiver.ids(), system.receiver.datas(), strict=True)
           if data["external_id"] == name}  # fmt: skip
    assert len(ids) == 1
    outcomes = (
        "SELECT outcome FROM attempt JOIN delivery ON delivery.id = delivery_id JOIN draft ON draft.id = draft_id"
    )
    assert system.rows(f"{outcomes} WHERE external_id = %s ORDER BY attempt.id", name) == [("lost",), ("delivered",)]


def test_a_killed_beat_or_web_server_loses_nothing(system, client, amina):
    names = [new_name() for _ in range(3)]
    client.submit(a_draft(names[0]))
    system.kill("beat")
    client.submit(a_draft(names[1]))
    approve_all(amina)
    system.kill("web")
    with suppress(httpx.HTTPError):
        httpx.get(system.url, timeout=1)
    system.start("web")
    system.start("beat")
    system.wait_for_web()
    client.submit(a_draft(names[2]))
    approve_all(amina)
    wait_until(lambda: arrived(system, *names), 60, lambda: system.log("beat"))


def test_what_was_sent_while_postgresql_was_away_is_kept_and_counts_once(system, client, amina):
    name, text = new_name(), "My words, typed while it stopped."
    client.submit(a_draft(name))
    page = amina.claim()
    path = f"/drafts/{claimed_id(page)}/decision"
    system.servers.postgres.stop()
    try:
        refused = amina.decide(page, "edit", text=text)
        told = amina.http.post(
            path, data=form_fields(page, path) | {"text": text}, headers={"accept": "application/json"}
        )
    finally:
        system.servers.postgres.start()
    assert (refused.status_code, told.status_code) == (503, 503)
    assert refused.headers["retry-after"]
    assert "Try again" in refused.text
    assert f">\n{text}</textarea>" in refused.text
    assert text in told.json()["panel"]

    again = form_fields(refused.text, path)
    wait_until(lambda: amina.http.post(path, data=again).status_code == 200, 30, lambda: system.log("web"))
    assert amina.http.post(path, data=again).status_code == 200
    assert system.rows("SELECT count(*) FROM decision WHERE draft_id = %s", path.split("/")[2]) == [(1,)]
    # By its first job: that of a worker whose connection was one to the server of before would wait for the sweep.
    wait_until(lambda: text in system.receiver.texts().values(), 20, lambda: system.log("beat") + system.log("worker1"))


def test_the_web_server_is_back_as_soon_as_postgresql_is(system):
    """A connection pool that tries by itself waits twice as long after each failure: here till the fifteenth second."""

    def answer() -> int:
        return httpx.get(
            f"{system.url}/api/v1/drafts", headers={"authorization": f"Bearer {system.bot_key}"}
        ).status_code

    asked = time.monotonic()
    system.servers.postgres.stop()
    try:
        while time.monotonic() < asked + 8:
            assert answer() == 503
            time.sleep(0.1)
    finally:
        system.servers.postgres.start()
    back = time.monotonic()
    for _ in range(10):  # both of its processes
        wait_until(lambda: answer() == 200, 10, lambda: system.log("web"))
    assert time.monotonic() < back + 3
