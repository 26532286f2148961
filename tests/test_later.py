"""The courier: what a job carries, what our worker runs, and everything that somebody with Redis could make it run."""

import json
import pickle
import time
from collections.abc import Callable

import django_rq
import pytest
from redis import Redis as Client
from rq.job import Job
from rq.registry import StartedJobRegistry

from config.embedded.redis import Redis
from reviewqueue import later
from reviewqueue.actions import deliver, settle
from reviewqueue.models import Delivery, Hold
from reviewqueue.outbound import webhook
from tests.actions.conftest import courier, rested, work  # noqa: F401  fixtures
from tests.factories import make_decision, make_endpoint
from tests.receiver import receiving
from tests.servers import SERVERS

# Where a function that must not run leaves its mark.
RAN: list[object] = []


def forbidden(*args: object) -> None:
    RAN.append(args)


class Pickled:
    """Unpickling it runs forbidden()."""

    def __reduce__(self):
        return forbidden, ("unpickled",)


@pytest.fixture
def client(empty_redis) -> Client:
    RAN.clear()
    return Client.from_url(SERVERS.redis.url)


@pytest.fixture
def good(client, committed) -> Callable[[], bool]:
    """good() enqueues a delivery after all that is there already; calling it again says whether it was made."""
    with receiving() as receiver:
        make_endpoint(receiver.url)
        decision = make_decision()
        Hold.objects.update(until="2020-01-01T00:00Z")
        settle.settle_due()
        [delivery] = deliver._queue([Delivery.objects.get(decision=decision).pk])
        yield (
            lambda: (
                bool(receiver.posts) or plant(client, [later.DELIVER, None, [delivery.pk, delivery.epoch], {}], "good")
            )
        )


def plant(client: Client, data: object, job_id: str, **fields: str | bytes) -> None:
    """A job as somebody with Redis would write it, past RQ."""
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    whole = {"data": data, "origin": "deliver", "status": "queued", "created_at": "2026-01-01T00:00:00.000000Z"}
    client.hset(f"rq:job:{job_id}", mapping=whole | fields)
    client.rpush("rq:queue:deliver", job_id)


HARMLESS = [later.DELIVER, None, [0, 0], {}]
MINE = f"{__name__}.forbidden"

BAD = {
    "another function": ([MINE, None, ["x"], {}], {}),
    "a function of the system": (["os.system", None, ["false"], {}], {}),
    "a near miss": ([later.DELIVER + "x", None, [1, 1], {}], {}),
    "a method of an instance": ([later.DELIVER, "text", [1, 1], {}], {}),
    "no list": ({"a": 1}, {}),
    "a short list": ([later.DELIVER], {}),
    "a function that is a number": ([7, None, [], {}], {}),
    "a function that is a list": ([[later.DELIVER], None, [], {}], {}),
    "a pickle": (pickle.dumps((MINE, None, ("x",), {})), {}),
    "a pickle that bites": (pickle.dumps(Pickled()), {}),
    "a pickle in a field": (HARMLESS, {"meta": pickle.dumps(Pickled()), "result": pickle.dumps(Pickled())}),
    "bytes": (b"\xff\xfe", {}),
    "a date that is none": (HARMLESS, {"created_at": "yesterday"}),
    "a status that is none": (HARMLESS, {"status": "excellent"}),
    "a timeout that is none": (HARMLESS, {"timeout": "soon"}),
    "callbacks": (
        HARMLESS,
        {"success_callback_name": MINE, "failure_callback_name": MINE, "stopped_callback_name": MINE},
    ),
    "callbacks of a failure": (
        [later.DELIVER, None, ["junk", "junk"], {}],
        {"success_callback_name": MINE, "failure_callback_name": MINE},
    ),
    "arguments that do not fit": ([later.DELIVER, None, [1, 2, 3], {"x": 1}], {}),
    "numbers that are too large": ([later.DELIVER, None, [2**70, 2**70], {}], {}),
    "retries without end": ([later.DELIVER, None, [], {}], {"retries_left": "1000000", "retry_intervals": "[0]"}),
    "repeats without end": (HARMLESS, {"repeats_left": "1000000", "repeat_intervals": "[0]"}),
}


def test_forged_jobs_run_nothing_and_the_worker_goes_on(client, good, work, caplog):  # noqa: F811
    client.rpush("rq:queue:deliver", "gone", "", "ÿ", "a:b")
    for job_id, (data, fields) in BAD.items():
        plant(client, data, job_id.replace(" ", "-"), **fields)
    good()
    work()
    assert RAN == []
    assert good() is True, caplog.text
    assert client.llen("rq:queue:deliver") == 0
    assert f"names '{MINE}'" in caplog.text
    work()  # the next worker cleans up after the first, and lives, too
    assert RAN == []


def test_a_job_posts_to_nobody(client, committed, work):  # noqa: F811
    with receiving() as receiver:
        hooks = json.dumps(
            [{"url": receiver.url, "statuses": ["finished", "failed"], "events": ["finished", "failed"]}]
        )
        plant(client, HARMLESS, "a", webhooks=hooks)
        plant(client, [later.DELIVER, None, [], {}], "b", webhooks=hooks)
        work()
    assert receiver.posts == []


def test_a_forged_job_that_was_given_up_calls_nothing_when_it_is_cleaned_up(client, committed, work):  # noqa: F811
    """RQ's maintenance calls failure callbacks by name, too."""
    plant(client, HARMLESS, "forged", failure_callback_name=MINE, started_at="2026-01-01T00:00:00.000000Z")
    client.delete("rq:queue:deliver")
    client.zadd("rq:wip:deliver", {"forged:1": 1})
    work()
    assert RAN == []
    assert client.zcard("rq:wip:deliver") == 0


def test_what_depends_on_a_job_is_held_to_the_same_rule(client, committed, work):  # noqa: F811
    plant(client, [MINE, None, ["x"], {}], "dependent", dependency_id="first")
    client.delete("rq:queue:deliver")
    client.sadd("rq:job:first:dependents", "dependent")
    plant(client, HARMLESS, "first")
    work()
    assert RAN == []


def test_without_our_worker_the_same_job_would_have_run(client, db):
    """The control: what is planted above is what RQ itself takes for a job."""
    plant(client, [MINE, None, ["x"], {}], "forged")
    queue = django_rq.get_queue("deliver")
    job = Job.fetch("forged", connection=client, serializer=queue.serializer)
    job.perform()
    assert RAN == [("x",)]
    assert StartedJobRegistry(queue=queue).count == 0


def test_our_worker_reads_json_whatever_the_command_line_says(client, db):
    worker = later.Worker([django_rq.get_queue("deliver")], connection=client, serializer="pickle", job_class=Job)
    assert worker.serializer is later.JSONSerializer
    assert {queue.serializer for queue in worker.queues} == {later.JSONSerializer}
    assert {worker.job_class, *(queue.job_class for queue in worker.queues)} == {later.OurJob}


def test_a_job_carries_two_numbers_and_nothing_else(client, committed):
    assert later.deliver(4821, 7) is True
    [job_id] = client.lrange("rq:queue:deliver", 0, -1)
    fields = client.hgetall(b"rq:job:" + job_id)
    job = Job.fetch(job_id.decode(), connection=client, serializer=later.JSONSerializer)
    assert (job.func_name, list(job.args), job.kwargs) == (later.DELIVER, [4821, 7], {})
    assert not [value for value in fields.values() if b"text" in value or b"http" in value]
    assert int(fields[b"timeout"]) == later.JOB_SECONDS


def test_without_redis_enqueuing_says_so_at_once_and_then_rests(committed, courier, tmp_path):  # noqa: F811
    server = Redis(tmp_path).start()
    courier(server.url)
    server.pause()
    began = time.monotonic()
    assert [later.deliver(number, 1) for number in range(100)] == [False] * 100
    assert time.monotonic() - began < later.TIMEOUT + 1
    server.resume()
    later._courier.resting_until = 0.0
    assert later.deliver(1, 1) is True
    server.kill()
    assert later.deliver(1, 1) is False


def test_the_sweep_outlasts_a_job_and_a_job_outlasts_a_send():
    """Else one that is still at work is taken for dead, and its text is sent a second time."""
    longest = webhook.SECONDS + webhook.ANSWER_SECONDS
    assert longest + 3 <= later.JOB_SECONDS <= deliver.SENDING_DEADLINE - 3
    assert later.JOB_SECONDS < deliver.QUEUED_DEADLINE


def test_jobs_that_nobody_takes_go_away_and_do_not_pile_up(client, monkeypatch):
    monkeypatch.setattr(later, "MOST", 2)
    assert [later.deliver(number, 1) for number in range(3)] == [True, True, False]
    assert 0 < client.ttl("rq:job:delivery-0-1") <= later.JOB_TTL
