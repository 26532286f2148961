"""How much is handed to the workers, and of which endpoint."""

import pytest

from reviewqueue.actions import deliver, settle
from reviewqueue.models import Delivery
from reviewqueue.outbound.webhook import Answer
from tests.actions.conftest import by_worker, due
from tests.factories import make_agent, make_decision, make_endpoint, make_queue

pytestmark = pytest.mark.django_db


def final(queue: str, count: int) -> list[Delivery]:
    """So many deliveries of final decisions, each of a conversation of its own."""
    make_queue(queue)
    make_endpoint(f"http://127.0.0.1:9/{queue}", queue=queue)
    agent = make_agent(queues=(queue,))
    for _ in range(count):
        settle.send_now(make_decision(by=agent, queue=queue).pk, by=agent)
    return list(Delivery.objects.filter(endpoint__queue__name=queue).order_by("id"))


def attempt(delivery: Delivery, answer: Answer) -> None:
    """One attempt; what is tried again is due at once."""
    delivery.refresh_from_db()
    if delivery.status != "queued":
        [delivery] = deliver._queue([delivery.pk])
    by_worker(deliver.finish, by_worker(deliver._start, delivery.pk, delivery.epoch), answer)
    if answer.outcome == "retry":
        due(delivery)


def statuses(deliveries: list[Delivery]) -> list[str]:
    return [Delivery.objects.get(pk=delivery.pk).status for delivery in deliveries]


def test_all_that_is_due_is_handed_out(empty_redis):
    slow, quick = final("slow", 3), final("quick", 3)
    assert by_worker(deliver.dispatch) == 6
    assert statuses(slow + quick) == ["queued"] * 6


def test_an_endpoint_that_fails_is_tried_one_at_a_time_and_holds_up_nobody(empty_redis):
    slow, quick = final("slow", 5), final("quick", 5)
    attempt(slow[0], Answer("retry", error="No answer."))
    assert by_worker(deliver.dispatch) == 6
    assert statuses(quick) == ["queued"] * 5
    assert statuses(slow) == ["queued", "held", "held", "held", "held"]
    assert by_worker(deliver.dispatch) == 0, "the one that is under way comes first"


def test_the_first_that_arrives_opens_the_endpoint_again(empty_redis):
    """However many others wait for their next attempt."""
    deliveries = final("default", 5)
    attempt(deliveries[0], Answer("retry", error="No answer."))
    attempt(deliveries[1], Answer("retry", error="No answer."))
    assert by_worker(deliver.dispatch) == 1
    attempt(Delivery.objects.get(status="queued"), Answer("delivered", code=204))
    assert by_worker(deliver.dispatch) == 4


def test_a_worker_that_fell_silent_says_nothing_of_the_receiver(empty_redis):
    deliveries = final("default", 3)
    attempt(deliveries[0], Answer("lost"))
    assert by_worker(deliver.dispatch) == 2


def test_what_was_queued_before_the_endpoint_began_to_fail_goes_back_while_another_is_tried(empty_redis):
    first, second, third = final("default", 3)
    assert by_worker(deliver.dispatch) == 3
    attempt(first, Answer("retry", error="No answer."))
    [trying, waiting] = Delivery.objects.filter(status="queued").order_by("id")
    assert by_worker(deliver._start, trying.pk, trying.epoch)
    assert by_worker(deliver._start, waiting.pk, waiting.epoch) is None
    assert statuses([first, second, third]) == ["retry", "sending", "retry"]
    assert Delivery.objects.get(pk=third.pk).attempts == 0
