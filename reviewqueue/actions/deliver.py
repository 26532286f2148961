"""The outbox. PostgreSQL remembers what is owed, RQ carries it, an epoch fences every worker.

A webhook arrives at least once, under one id for ever; a worker that died or a job that was lost is found by its
deadline and sent again under a higher epoch.
"""

import random
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from reviewqueue import later
from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.lifecycle import DELIVERY, Refused, move
from reviewqueue.models import Attempt, Customer, Delivery, Endpoint, User
from reviewqueue.outbound import webhook

# Waits (s) before the second, third, … attempt; after the last one the delivery has failed. Each is stretched by up
# to a tenth, so that a receiver that comes back is not met by all at once. Schedule of Standard Webhooks.
WAITS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST_WAIT = 86_400

# At most this many deliveries stand in RQ's queue, so that none waits there beyond its deadline.
IN_QUEUE = 400
# A job that has not started after this (s) is taken as lost.
QUEUED_DEADLINE = 45
# … and after this (s) already where Redis knows no such job: it has lost its memory.
MISSED_DEADLINE = 5
# A worker that has not answered after this (s) is taken as dead: longer than a send and its bookkeeping.
SENDING_DEADLINE = webhook.SECONDS + 10
# A delivery over which so many workers fell silent in a row has failed: it may be what kills them.
MOST_SILENT = 3
# How long (s) what is queued for an endpoint that began to fail goes back.
FAILING_WAIT = 2
# How long (s) to wait for Redis before trying it again.
REDIS_WAIT = 3

# What is due, endpoint by endpoint, at most one of a conversation and in the order of the decisions. A delivery that is
# tried again within a minute still comes before the later ones; one that waits longer lets them pass. While an endpoint
# fails it has one delivery under way at a time: a receiver that hangs must not hold up the workers for all others.
DUE = """
SELECT id FROM delivery WHERE id = ANY (ARRAY(
  SELECT due.id FROM endpoint CROSS JOIN LATERAL (
    SELECT delivery.id, not_before FROM delivery
    WHERE endpoint_id = endpoint.id AND status IN ('held', 'retry') AND settled = 'final' AND blocked_by IS NULL
      AND not_before <= statement_timestamp()
      AND NOT EXISTS (
        SELECT FROM delivery AS earlier
        WHERE earlier.conversation_id = delivery.conversation_id AND earlier.endpoint_id = endpoint.id
          AND earlier.id < delivery.id AND earlier.blocked_by IS NULL
          AND (earlier.status IN ('held', 'queued', 'sending')
            OR (earlier.status = 'retry' AND earlier.not_before < statement_timestamp() + interval '1 minute')))
    ORDER BY not_before, delivery.id
    LIMIT CASE WHEN endpoint.failing_since IS NULL THEN %(free)s
      WHEN EXISTS (
        SELECT FROM delivery AS under_way
        WHERE under_way.endpoint_id = endpoint.id AND under_way.status IN ('queued', 'sending'))
      THEN 0 ELSE 1 END
  ) AS due
  ORDER BY due.not_before, due.id LIMIT %(free)s
))
ORDER BY not_before, id
FOR UPDATE SKIP LOCKED
"""


def dispatch() -> int:
    """Hand what is due to the workers; how many. Any number of processes may run this at once."""
    if later.is_away():
        return 0
    with transaction.atomic():
        free = IN_QUEUE - Delivery.objects.filter(status="queued").count()
        if free <= 0:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(DUE, {"free": free})
            due = [row[0] for row in cursor.fetchall()]
        queued = _queue(due)
    return sum(_courier(delivery) for delivery in queued)


def _queue(ids: list[int]) -> list[Delivery]:
    return move(
        Delivery.objects.filter(pk__in=ids),
        DELIVERY["dispatch"],
        epoch=F("epoch") + 1,
        deadline=Now() + timedelta(seconds=QUEUED_DEADLINE),
    )


def _courier(delivery: Delivery) -> bool:
    """Enqueue after the commit; without Redis the delivery goes back at once, to be tried a little later."""
    if later.deliver(delivery.pk, delivery.epoch):
        return True
    _put_off(delivery, REDIS_WAIT)
    return False


def _put_off(delivery: Delivery, seconds: float) -> None:
    """What was queued goes back untried, unless another epoch has it by now."""
    move(
        Delivery.objects.filter(pk=delivery.pk, epoch=delivery.epoch, status="queued"),
        DELIVERY["postpone"],
        not_before=Now() + timedelta(seconds=seconds),
        deadline=None,
    )


def deliver_now(delivery_id: int, epoch: int) -> None:
    """The job: send one delivery, unless its epoch is over. No lock is held while on the network."""
    delivery = _start(delivery_id, epoch)
    if delivery is not None:
        finish(delivery, _send(delivery))


def _send(delivery: Delivery) -> webhook.Answer:
    """One attempt. What is sent is the approved row, and its digest is that of the decision."""
    final = delivery.decision.by_vote.final
    if final is None or final.text is None or bytes(final.digest) != bytes(delivery.digest):
        return webhook.Answer("impossible", error="The approved text was erased.")
    if delivery.endpoint.disabled_at is not None:
        return webhook.Answer("impossible", error="The endpoint is disabled.")
    message = webhook.Message(
        id=delivery.webhook_id,
        url=delivery.endpoint.url,
        secret=delivery.endpoint.secret,
        payload=_payload(delivery, final.text),
        private_hosts=frozenset(settings.WEBHOOK_PRIVATE_HOSTS),
    )
    return webhook.send(message)


@transaction.atomic
def _start(delivery_id: int, epoch: int) -> Delivery | None:
    """`sending`, committed before the first byte; None where another epoch has it, or the customer opted out."""
    waiting = (
        Delivery.objects.select_related("draft", "endpoint")
        .filter(pk=delivery_id, epoch=epoch, status="queued")
        .first()
    )
    if waiting is None or _must_wait(waiting):
        return None
    # The row that an opt-out locks too: either the opt-out sees `sending`, or we see the opt-out.
    customer = Customer.objects.select_for_update(no_key=True).get(pk=waiting.draft.customer_id)
    if customer.opted_out_at is not None and waiting.verdict != "written":
        move(Delivery.objects.filter(pk=delivery_id, epoch=epoch), DELIVERY["cancel"])
        log("delivery.cancelled", SYSTEM, delivery=delivery_id, cause="opted_out")
        return None
    started = move(
        Delivery.objects.filter(pk=delivery_id, epoch=epoch),
        DELIVERY["start"],
        attempts=F("attempts") + 1,
        phase="started",
        deadline=Now() + timedelta(seconds=SENDING_DEADLINE),
    )
    if not started:
        return None
    return Delivery.objects.select_related(
        "endpoint", "decision__by_vote__final", "draft__conversation", "draft__customer", "footer"
    ).get(pk=delivery_id)


def _must_wait(delivery: Delivery) -> bool:
    """Its endpoint began to fail after it was queued, and another one is being tried there: it goes back."""
    if delivery.endpoint.failing_since is None:
        return False
    if not Delivery.objects.filter(endpoint=delivery.endpoint_id, status="sending").exists():
        return False
    _put_off(delivery, FAILING_WAIT)
    return True


def _payload(delivery: Delivery, text: str) -> dict[str, object]:
    """What the receiver gets."""
    draft = delivery.draft
    conversation = draft.conversation
    return {
        "type": "reply.approved",
        "timestamp": delivery.decision.at.isoformat(),
        "data": {
            "draft_id": str(draft.pk),
            "external_id": draft.external_id,
            "verdict": delivery.verdict,
            "text": text,
            "footer": delivery.footer.text if delivery.footer else None,
            "customer": {"id": draft.customer.ref},
            "conversation": conversation
            and {"id": conversation.ref, "channel": conversation.channel, "reply_to": conversation.reply_to},
        },
    }


@transaction.atomic
def finish(delivery: Delivery, answer: webhook.Answer) -> None:
    """Record one attempt and where it leaves the delivery; nothing where a later epoch has taken over."""
    mine = Delivery.objects.filter(pk=delivery.pk, epoch=delivery.epoch)
    if answer.outcome == "delivered":
        moved = move(mine, DELIVERY["deliver"], deadline=None)
    elif answer.outcome in ("gone", "impossible") or delivery.attempts > len(WAITS) or _is_poison(delivery, answer):
        moved = move(mine, DELIVERY["give_up"], deadline=None)
    else:
        wait = max(_wait(delivery.attempts), min(answer.retry_after or 0, LONGEST_WAIT))
        moved = move(mine, DELIVERY["postpone"], deadline=None, not_before=Now() + timedelta(seconds=wait))
    if not moved:
        return
    _note(delivery.endpoint, answer)
    Attempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        outcome=answer.outcome,
        code=answer.code,
        error=answer.error,
        took_ms=answer.took_ms,
    )
    log(f"delivery.{moved[0].status}", SYSTEM, delivery=delivery.pk, draft=delivery.draft_id, code=answer.code)


def _note(endpoint: Endpoint, answer: webhook.Answer) -> None:
    """What the attempt says about its receiver. A worker that fell silent says nothing."""
    row = Endpoint.objects.filter(pk=endpoint.pk)
    if answer.outcome == "gone":
        row.update(disabled_at=Now())
    elif answer.outcome == "retry" and endpoint.failing_since is None:
        row.filter(failing_since=None).update(failing_since=Now())
    elif answer.outcome == "delivered" and endpoint.failing_since is not None:
        row.update(failing_since=None)


def _is_poison(delivery: Delivery, answer: webhook.Answer) -> bool:
    """Whether this attempt is the last of MOST_SILENT in a row that nobody came back from."""
    before = delivery.tries.order_by("-id").values_list("outcome", flat=True)[: MOST_SILENT - 1]
    return [answer.outcome, *before] == ["lost"] * MOST_SILENT


def _wait(attempts: int) -> float:
    """Seconds before the next attempt, after `attempts` of them."""
    return WAITS[min(attempts, len(WAITS)) - 1] * (1 + random.random() / 10)  # noqa: S311  jitter, not a secret


def sweep() -> int:
    """Take up the deliveries whose job or worker was lost; how many. Any number of processes may run this."""
    return _sweep(_missed())


def _missed() -> Q:
    """Those that Redis was handed a while ago and knows nothing of."""
    handed_over = Q(status="queued", deadline__lt=Now() + timedelta(seconds=QUEUED_DEADLINE - MISSED_DEADLINE))
    jobs = list(Delivery.objects.filter(handed_over).values_list("pk", "epoch")[:IN_QUEUE])
    # One that was handed over anew in this very moment has a later deadline, and is not meant.
    return handed_over & Q(pk__in=later.lost(jobs) if jobs else [])


@transaction.atomic
def _sweep(missed: Q) -> int:
    over = list(
        Delivery.objects.select_for_update(skip_locked=True)
        .filter(missed | Q(status__in=("queued", "sending"), deadline__lt=Now()))
        .order_by("deadline")[:IN_QUEUE]
    )
    for delivery in over:
        if delivery.status == "sending":
            finish(delivery, webhook.Answer(outcome="lost", error="The worker fell silent; its answer is unknown."))
        else:
            move(Delivery.objects.filter(pk=delivery.pk), DELIVERY["postpone"], not_before=Now(), deadline=None)
    return len(over)


@transaction.atomic
def send_again(delivery_id: int, *, by: User) -> None:
    """A person has a failed delivery sent again, under the same id. Refused: not-found, cannot-send-again."""
    delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise Refused("not-found", "There is no such delivery.")
    if not DELIVERY["send_again"].starts_from(delivery.status):
        raise Refused("cannot-send-again", f"It is {delivery.status}.", draft_id=delivery.draft_id)
    Delivery.objects.filter(pk=delivery_id).update(not_before=Now())
    (queued,) = move(
        Delivery.objects.filter(pk=delivery_id),
        DELIVERY["send_again"],
        epoch=F("epoch") + 1,
        deadline=Now() + timedelta(seconds=QUEUED_DEADLINE),
    )
    log("delivery.sent_again", by, delivery=delivery_id, draft=delivery.draft_id)

    def enqueue() -> None:
        later.deliver(queued.pk, queued.epoch)

    transaction.on_commit(enqueue, robust=True)
