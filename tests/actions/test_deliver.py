"""From an approved text to a receiver's door: real HTTP, real RQ, and everything that goes wrong on the way."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from config.embedded.redis import Redis
from reviewqueue import later
from reviewqueue.actions import claim, decide, deliver, settle
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Attempt, Customer, Decision, Delivery, Draft, Endpoint, Event, Hold
from reviewqueue.outbound.webhook import Answer
from tests.actions.conftest import by_worker, due, overdue
from tests.factories import SECRET, make_agent, make_decision, make_draft, make_endpoint, make_queue, seen
from tests.outbound.rogue import rogue, saying
from tests.receiver import receiving
from tests.servers import ROOT, SERVERS

TEXTS = {
    "emoji": "Thanks 👩‍👩‍👧‍👦 🇩🇪 👍🏽",
    "right to left": "مرحبا שלום and back",
    "line ends": "one\n\ntwo\n",
    "wide spaces": "a\u2003b\u3000c",
    "spaces": "  \t a \u00a0 ",
    "long": "ä" * 5_000,
}


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


def approved(**draft: Any) -> Delivery:
    """A delivery of a final decision, due now."""
    return _final(make_decision(**draft))


def _final(decision: Decision) -> Delivery:
    Hold.objects.filter(pk=decision.pk).update(until="2020-01-01T00:00Z")
    settle.settle_due()
    return Delivery.objects.get(decision=decision)


def again(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


@pytest.mark.usefixtures("committed")
def test_approved_and_edited_texts_arrive_byte_for_byte(receiver, work):
    make_endpoint(receiver.url)
    sent = {approved(text=text).draft.external_id: text for text in TEXTS.values()}
    edited = approved(verdict="edit")
    sent[edited.draft.external_id] = "A person wrote this."
    assert by_worker(deliver.dispatch) == len(sent)
    work()
    receiver.verify_all(SECRET)
    assert receiver.texts() == sent
    assert len(set(receiver.ids())) == len(sent)
    for delivery in Delivery.objects.select_related("decision__by_vote__final"):
        body = delivery.decision.by_vote.final
        got = sent[delivery.draft.external_id].encode()
        assert hashlib.sha256(bytes(body.salt) + got).digest() == bytes(delivery.digest)
        assert (delivery.status, delivery.attempts, delivery.webhook_id in receiver.ids()) == ("delivered", 1, True)
    assert set(Attempt.objects.values_list("outcome", "code")) == {("delivered", 204)}
    assert Event.objects.filter(kind="delivery.delivered").count() == len(sent)
    told = json.dumps(list(Event.objects.values_list("ids", flat=True)), ensure_ascii=False)
    assert not any(text in told for text in sent.values())


@pytest.mark.django_db
def test_a_receiver_that_fails_is_tried_ten_times_under_one_id_and_once_more_by_a_person(receiver):
    make_endpoint(receiver.url)
    receiver.answers = [500] * 10
    delivery = approved()
    for wait in deliver.WAITS:
        assert deliver.dispatch() == 1
        before = timezone.now()
        run_jobs()
        delivery = again(delivery)
        assert delivery.status == "retry"
        waits = (delivery.not_before - before).total_seconds()
        assert wait <= waits <= wait * 1.1 + 30
        assert deliver.dispatch() == 0
        delivery = due(delivery)
    assert deliver.dispatch() == 1
    run_jobs()
    assert again(delivery).status == "failed"
    assert deliver.dispatch() == 0
    receiver.verify_all(SECRET)
    assert receiver.ids() == [delivery.webhook_id] * 10
    assert list(Attempt.objects.values_list("number", "code")) == [(number, 500) for number in range(1, 11)]

    deliver.send_again(delivery.pk, by=make_agent())
    run_jobs()
    assert again(delivery).status == "delivered"
    assert receiver.ids() == [delivery.webhook_id] * 11
    with pytest.raises(Refused, match="cannot-send-again"):
        deliver.send_again(delivery.pk, by=make_agent())
    with pytest.raises(Refused, match="not-found"):
        deliver.send_again(0, by=make_agent())


@pytest.mark.django_db
def test_a_person_has_it_sent_again_and_it_fails_again_at_once(receiver):
    make_endpoint(receiver.url)
    delivery = approved()
    deliver.dispatch()
    receiver.answers = [500] * 2
    by_worker(lambda: Delivery.objects.update(attempts=9))
    run_jobs()
    assert (again(delivery).status, again(delivery).attempts) == ("failed", 10)
    deliver.send_again(delivery.pk, by=make_agent())
    run_jobs()
    assert (again(delivery).status, again(delivery).attempts) == ("failed", 11)


def job(delivery: Delivery, epoch: int) -> None:
    """The job of one epoch, as a worker runs it."""
    by_worker(deliver.deliver_now, delivery.pk, epoch)


def run_jobs() -> None:
    """The jobs of all that is queued, in order."""
    for delivery in Delivery.objects.filter(status="queued").order_by("id"):
        job(delivery, delivery.epoch)


@pytest.mark.django_db
def test_a_receiver_that_is_gone_is_disabled_and_gets_nothing_more(receiver):
    endpoint = make_endpoint(receiver.url)
    receiver.answers = [410]
    first, second = approved(), approved()
    deliver.dispatch()
    run_jobs()
    assert [again(first).status, again(second).status] == ["failed", "failed"]
    assert Endpoint.objects.get(pk=endpoint.pk).disabled_at is not None
    assert receiver.ids() == [first.webhook_id]
    assert second.tries.get().error == "The endpoint is disabled."
    assert not make_decision().deliveries.exists()
    # Switched on again, a person has them sent.
    Endpoint.objects.update(disabled_at=None)
    for delivery in (first, second):
        deliver.send_again(delivery.pk, by=make_agent())
    run_jobs()
    assert [again(first).status, again(second).status] == ["delivered", "delivered"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "seconds"), [("600", 600), ("a date", 1200), ("1", 5), ("9999999999", 86_400), ("never", 5)]
)
def test_a_receiver_says_how_long_to_wait(header, seconds):
    if header == "a date":
        header = (datetime.now(tz=UTC) + timedelta(minutes=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with rogue(saying(f"503 Later\r\nretry-after: {header}")) as receiver:
        make_endpoint(receiver.url)
        delivery = approved()
        deliver.dispatch()
        job(delivery, 1)
    waits = (again(delivery).not_before - timezone.now()).total_seconds()
    assert seconds - 60 < waits < seconds * 1.1 + 60


@pytest.mark.usefixtures("committed")
def test_two_workers_with_one_job_send_once(receiver, in_threads):
    make_endpoint(receiver.url)
    for _ in range(5):
        delivery = approved()
        deliver.dispatch()
        assert in_threads(2, lambda _, delivery=delivery: job(delivery, 1)) == [None, None]
        assert receiver.ids().count(delivery.webhook_id) == 1
        assert again(delivery).status == "delivered"


@pytest.mark.usefixtures("committed")
def test_a_lost_job_is_found_by_its_deadline_and_an_old_one_does_nothing(receiver, work, empty_redis):
    make_endpoint(receiver.url)
    delivery = approved()
    assert deliver.dispatch() == 1
    assert by_worker(deliver.sweep) == 0
    empty_redis.flushall()
    overdue(delivery)
    assert by_worker(deliver.sweep) == 1
    assert again(delivery).status == "retry"
    assert deliver.dispatch() == 1
    job(delivery, 1)
    assert receiver.posts == []
    work()
    assert again(delivery).status == "delivered"
    for epoch in (1, 2, 3):
        job(delivery, epoch)
    assert receiver.ids() == [delivery.webhook_id]


@pytest.mark.usefixtures("committed")
def test_jobs_that_redis_has_lost_are_missed_within_seconds(receiver, work, empty_redis):
    make_endpoint(receiver.url)
    deliveries = [approved(), approved()]
    assert deliver.dispatch() == 2
    aged(deliver.MISSED_DEADLINE + 1)
    assert by_worker(deliver.sweep) == 0, "they stand there, however long it takes"
    empty_redis.flushall()
    assert by_worker(deliver.sweep) == 2
    assert deliver.dispatch() == 2
    empty_redis.flushall()
    assert by_worker(deliver.sweep) == 0, "they may be on their way to Redis"
    aged(deliver.MISSED_DEADLINE + 1)
    beside = approved()
    assert deliver.dispatch() == 1
    aged(deliver.MISSED_DEADLINE + 1)
    assert by_worker(deliver.sweep) == 2, "not the one beside them, which stands there"
    assert again(beside).status == "queued"
    assert deliver.dispatch() == 2
    work()
    assert sorted(receiver.ids()) == sorted(delivery.webhook_id for delivery in [*deliveries, beside])


@pytest.mark.usefixtures("committed")
def test_what_is_being_sent_has_failed_or_cannot_be_asked_for_is_not_taken_for_lost(
    receiver, work, empty_redis, courier, tmp_path, monkeypatch
):
    make_endpoint(receiver.url)
    failed = approved()
    assert deliver.dispatch() == 1
    with monkeypatch.context() as patch:
        patch.setattr(deliver, "_start", lambda *_: 1 / 0)
        work()
    sending, queued = approved(), approved()
    assert deliver.dispatch() == 2
    by_worker(deliver._start, sending.pk, 1)
    aged(deliver.MISSED_DEADLINE + 1)
    own = Redis(tmp_path).start()
    courier(own.url)
    own.kill()
    assert by_worker(deliver.sweep) == 0
    courier(SERVERS.redis.url)
    for job in empty_redis.scan_iter("rq:job:*"):
        if job != f"rq:job:delivery-{failed.pk}-1":
            empty_redis.delete(job)
    assert by_worker(deliver.sweep) == 1
    assert [again(delivery).status for delivery in (failed, sending, queued)] == ["queued", "sending", "retry"]


def aged(seconds: float) -> None:
    """So long passes for what is under way."""
    Delivery.objects.exclude(deadline=None).update(deadline=F("deadline") - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_the_answer_of_an_attempt_that_was_given_up_changes_nothing(receiver):
    make_endpoint(receiver.url)
    delivery = approved()
    deliver.dispatch()
    slow = by_worker(deliver._start, delivery.pk, 1)
    overdue(delivery)
    assert by_worker(deliver.sweep) == 1
    due(delivery)
    assert deliver.dispatch() == 1
    by_worker(deliver.finish, slow, Answer("gone", 410))
    assert (again(delivery).status, again(delivery).epoch) == ("queued", 2)
    second = by_worker(deliver._start, delivery.pk, 2)
    by_worker(deliver.finish, slow, Answer("gone", 410))
    assert (again(delivery).status, again(delivery).epoch) == ("sending", 2)
    assert Endpoint.objects.get().disabled_at is None
    by_worker(deliver.finish, second, Answer("delivered", 200))
    by_worker(deliver.finish, slow, Answer("retry", 500))
    assert again(delivery).status == "delivered"
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["lost", "delivered"]


def test_a_worker_killed_while_it_sends_is_found_and_the_same_message_sent_again(committed, receiver, work):
    """kill -9 after the request has left and before the answer came."""
    arrived = threading.Event()

    def stall(stream) -> None:
        arrived.set()
        stream.recv(1)

    with rogue(stall) as hanging:
        endpoint = make_endpoint(hanging.url)
        delivery = approved()
        deliver.dispatch()
        command = [sys.executable, "manage.py", "rqworker", "deliver", "--burst"]
        command += ["--worker-class", "reviewqueue.later.Worker"]
        environment = SERVERS.environment(committed, "worker", WEBHOOK_PRIVATE_HOSTS="127.0.0.1")
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert arrived.wait(30), worker.stderr.read().decode()
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
        [lost] = hanging.requests
    assert again(delivery).status == "sending"
    assert by_worker(deliver.sweep) == 0
    overdue(delivery)
    assert by_worker(deliver.sweep) == 1
    Endpoint.objects.filter(pk=endpoint.pk).update(url=receiver.url)
    due(delivery)
    assert deliver.dispatch() == 1
    work()
    [(webhook_id, body, _)] = receiver.posts
    assert f"webhook-id: {webhook_id}\r\n".encode() in lost
    assert lost.endswith(body)
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["lost", "delivered"]


def test_a_delivery_that_kills_its_worker_three_times_has_failed_and_the_others_arrive(committed, receiver, work):
    """A real worker dies of it each time. The others are sent before, between and after; a person can send it again."""
    make_endpoint(receiver.url)
    delivery = approved()
    with rogue(lambda stream: workers[-1].kill()) as deadly:
        Endpoint.objects.update(url=deadly.url)
        workers: list[subprocess.Popen] = []
        for number in range(1, deliver.MOST_SILENT + 1):
            assert deliver.dispatch() == 1
            environment = SERVERS.environment(committed, "worker", WEBHOOK_PRIVATE_HOSTS="127.0.0.1")
            command = [sys.executable, "manage.py", "rqworker", "deliver", "--burst"]
            command += ["--worker-class", "reviewqueue.later.Worker"]
            workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL))
            assert workers[-1].wait(60) == -signal.SIGKILL
            overdue(delivery)
            assert by_worker(deliver.sweep) == 1
            assert again(delivery).status == ("retry" if number < deliver.MOST_SILENT else "failed")
            due(delivery)
    assert len(deadly.requests) == deliver.MOST_SILENT
    Endpoint.objects.update(url=receiver.url)
    others = [approved() for _ in range(3)]
    assert deliver.dispatch() == len(others)
    work()
    assert sorted(receiver.ids()) == sorted(other.webhook_id for other in others)
    assert [attempt.outcome for attempt in delivery.tries.all()] == ["lost"] * deliver.MOST_SILENT
    deliver.send_again(delivery.pk, by=make_agent())
    work()
    assert again(delivery).status == "delivered"


@pytest.mark.django_db
def test_only_silence_in_a_row_makes_a_delivery_fail(receiver):
    """An answer in between, however bad, came from a worker that lived."""
    make_endpoint(receiver.url)
    delivery = approved()
    for outcome in ("lost", "lost", "retry", "lost", "lost", "retry", "lost", "lost"):
        deliver.dispatch()
        started = by_worker(deliver._start, delivery.pk, again(delivery).epoch)
        by_worker(deliver.finish, started, Answer(outcome))
        assert again(delivery).status == "retry"
        due(delivery)


# --- Order ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_conversation_is_sent_in_the_order_of_its_decisions(receiver):
    make_endpoint(receiver.url)
    first, second, other = _pair()
    receiver.answers = [500]
    assert deliver.dispatch() == 2
    assert [again(d).status for d in (first, second, other)] == ["queued", "held", "queued"]
    run_jobs()
    # The first one failed and is tried again in seconds: the second one waits for it.
    assert [again(d).status for d in (first, second, other)] == ["retry", "held", "delivered"]
    assert deliver.dispatch() == 0
    due(first)
    for _ in range(2):
        assert deliver.dispatch() == 1
        run_jobs()
    assert [again(d).status for d in (first, second)] == ["delivered", "delivered"]
    assert receiver.ids()[-2:] == [first.webhook_id, second.webhook_id]


@pytest.mark.django_db
def test_a_long_wait_and_a_failure_let_the_later_ones_pass(receiver):
    make_endpoint(receiver.url)
    first, second, _ = _pair()
    deliver.dispatch()
    receiver.answers = [500]
    run_jobs()
    Delivery.objects.filter(pk=first.pk).update(not_before=timezone.now() + timedelta(minutes=5))
    assert deliver.dispatch() == 1
    run_jobs()
    assert [again(d).status for d in (first, second)] == ["retry", "delivered"]


@pytest.mark.usefixtures("committed")
def test_a_lost_job_does_not_let_the_later_ones_pass(receiver, work, empty_redis):
    make_endpoint(receiver.url)
    first, second, _ = _pair()
    deliver.dispatch()
    empty_redis.flushall()
    overdue(first)
    by_worker(deliver.sweep)
    assert deliver.dispatch() == 1
    assert [again(d).status for d in (first, second)] == ["queued", "held"]


def _pair() -> list[Delivery]:
    """Two deliveries of one conversation, and one of another."""
    first = make_draft()
    conversation = {"id": first.conversation.ref, "channel": "email", "subject": None, "reply_to": None, "messages": []}
    second = make_draft(customer={"id": first.customer.ref, "name": None}, conversation=conversation)
    return [_final(_approve(draft)) for draft in (first, second, make_draft())]


def _approve(draft: Draft) -> Decision:
    agent = make_agent()
    claimed = claim.claim(draft.pk, by=agent)
    return decide.approve(claimed.pk, **seen(claimed, agent))


# --- What keeps a text from leaving -----------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["held", "queued", "retry"])
def test_an_opt_out_before_the_first_byte_cancels(receiver, moment):
    make_endpoint(receiver.url)
    delivery = approved()
    if moment == "retry":
        receiver.answers = [500]
    if moment != "held":
        deliver.dispatch()
    if moment == "retry":
        run_jobs()
        due(delivery)
        receiver.posts.clear()
    Customer.objects.update(opted_out_at=timezone.now())
    deliver.dispatch()
    run_jobs()
    assert (again(delivery).status, receiver.posts) == ("cancelled", [])
    assert Event.objects.get(kind="delivery.cancelled").ids == {"delivery": delivery.pk, "cause": "opted_out"}


@pytest.mark.usefixtures("committed")
def test_an_opt_out_waits_for_a_start_and_a_start_for_an_opt_out(receiver):
    """Both lock the customer's row, so one of the two is first."""
    make_endpoint(receiver.url)
    delivery = approved()
    deliver.dispatch()
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=delivery.draft.customer_id)
        worker = threading.Thread(target=_job_in_thread, args=(delivery,))
        worker.start()
        time.sleep(0.3)
        assert receiver.posts == []
        Customer.objects.update(opted_out_at=timezone.now())
    worker.join(10)
    assert (again(delivery).status, receiver.posts) == ("cancelled", [])


def _job_in_thread(delivery: Delivery) -> None:
    try:
        job(delivery, 1)
    finally:
        connections.close_all()


@pytest.mark.django_db
def test_a_text_that_was_erased_fails_and_is_not_tried_again(as_role):
    make_endpoint()
    delivery = approved()
    with as_role("eraser"), connection.cursor() as cursor:
        cursor.execute("UPDATE body SET text = NULL, salt = NULL WHERE customer_id IS NOT NULL")
    by_worker(deliver._queue, [delivery.pk])
    job(delivery, 1)
    assert again(delivery).status == "failed"
    assert delivery.tries.get().error == "The approved text was erased."


@pytest.mark.django_db
def test_a_blocked_delivery_stays_where_it_is():
    make_endpoint()
    delivery = approved()
    Delivery.objects.update(blocked_by="newer_message")
    assert by_worker(deliver.dispatch) == 0
    assert again(delivery).status == "held"


@pytest.mark.django_db
def test_a_held_decision_is_not_dispatched():
    make_queue(hold_seconds=60)
    make_endpoint()
    make_decision()
    Delivery.objects.update(not_before="2020-01-01T00:00Z")
    assert deliver.dispatch() == 0


@pytest.mark.django_db
def test_no_more_are_queued_than_are_sent_before_their_deadline(monkeypatch):
    monkeypatch.setattr(deliver, "IN_QUEUE", 2)
    make_endpoint()
    for _ in range(3):
        approved()
    assert [deliver.dispatch(), deliver.dispatch()] == [2, 0]


# --- Redis is not there -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_without_redis_a_delivery_stays_untouched_and_is_sent_when_redis_is_there_again(
    receiver, work, courier, tmp_path
):
    make_endpoint(receiver.url)
    delivery = approved()
    own = Redis(tmp_path).start()
    courier(own.url)
    own.kill()
    assert deliver.dispatch() == 0
    assert (again(delivery).status, again(delivery).epoch) == ("held", 0)
    courier(SERVERS.redis.url)
    assert deliver.dispatch() == 1
    work()
    assert again(delivery).status == "delivered"
    assert receiver.ids() == [delivery.webhook_id]


@pytest.mark.usefixtures("committed")
def test_a_redis_that_hangs_holds_up_no_dispatch(receiver, courier, tmp_path):
    """Neither the beat nor the request of somebody who decided: one second for all of them, not for each."""
    make_endpoint(receiver.url)
    for _ in range(5):
        approved()
    with Redis(tmp_path) as own:
        courier(own.url)
        own.pause()
        began = time.monotonic()
        assert deliver.dispatch() == 0
        took = time.monotonic() - began
        own.resume()
    assert took < 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {"held"}


@pytest.mark.usefixtures("committed")
def test_a_delivery_that_redis_does_not_take_goes_back_and_is_tried_a_little_later(receiver, monkeypatch):
    make_endpoint(receiver.url)
    delivery = approved()
    before = timezone.now()
    monkeypatch.setattr(later, "MOST", 0)
    assert deliver.dispatch() == 0
    delivery = again(delivery)
    assert (delivery.status, delivery.epoch, delivery.attempts, delivery.deadline) == ("retry", 1, 0, None)
    assert delivery.not_before - before > timedelta(seconds=deliver.REDIS_WAIT - 0.1)


@pytest.mark.usefixtures("committed")
def test_a_hold_of_no_seconds_sends_right_after_the_commit(receiver, work):
    make_queue(hold_seconds=0)
    make_endpoint(receiver.url)
    decision = make_decision()
    work()
    assert receiver.ids() == [decision.deliveries.get().webhook_id]
