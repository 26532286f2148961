"""Faults put into the product from outside, one function each: its first lines say what is broken, `where` the tests
that must see it. Applied by tests.proof.planted in a pytest of its own."""

import time
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.utils import timezone

from reviewqueue import ready
from reviewqueue.actions import claim, decide, deliver, index, settle, submit, supersede, withdraw
from reviewqueue.actions.lease import lease_lost
from reviewqueue.actions.order import no_longer_waiting
from reviewqueue.lifecycle import DELIVERY, DRAFT, DRAFT_STATUSES, move
from reviewqueue.models import Delivery, Draft, Feed, Hold, Settlement
from tests.servers import SERVERS, TEMPLATE

RACES = "tests/faults/test_races.py::"
ACTIONS = "tests/actions/"

# {fault: how it is put in}, and how often the code or SQL that was put in ran.
PLANTS: dict[str, Callable[[], None]] = {}
reached: Counter[str] = Counter()


def plant(*where: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """`where` are the tests that must fail under this fault, the quickest first."""

    def register(put: Callable[[], None]) -> Callable[[], None]:
        put.where = where  # type: ignore[attr-defined]
        PLANTS[put.__name__.replace("_", " ")] = put
        return put

    return register


def swap(owner: Any, name: str, new: Callable[..., Any]) -> None:
    """`new` runs instead of `owner.name`, and is counted."""
    assert hasattr(owner, name)

    def counted(*args: Any, **options: Any) -> Any:
        reached[name] += 1
        return new(*args, **options)

    setattr(owner, name, counted)


def alter(sql: str) -> None:
    """Change the template that all databases of the run are clones of. Fails where there is nothing to change."""
    SERVERS.start()
    with SERVERS.admin(TEMPLATE) as cursor:
        cursor.execute(sql)
    reached[sql] += 1


# --- Who has a draft ----------------------------------------------------------------------------------------------


@plant(RACES + "test_who_stopped_past_the_lease_decides_nothing_once_the_draft_was_handed_on_and_keeps_the_text")
def decide_without_epoch() -> None:
    """A form of an earlier claim counts, whoever had the draft in between."""
    real = decide._decide

    def newest(judgement: decide.Judgement) -> Any:
        draft = Draft.objects.filter(pk=judgement.draft_id).first()
        return real(replace(judgement, epoch=draft.epoch if draft else 0))

    swap(decide, "_decide", newest)


@plant(RACES + "test_who_stopped_past_the_lease_decides_nothing_once_the_draft_was_handed_on_and_keeps_the_text")
def epoch_from_redis() -> None:
    """The epoch of a claim is counted in Redis, so that it begins anew when Redis is lost."""

    def counted(rows: Any, step: Any, **changes: Any) -> Any:
        draft = rows.first()
        if draft is None:
            return []
        return move(rows, step, **changes | {"epoch": ready._redis.client.incr(f"epoch:{draft.pk}")})

    swap(claim, "move", counted)


@plant(
    RACES + "test_who_stopped_past_the_lease_decides_nothing_once_the_draft_was_handed_on_and_keeps_the_text",
    ACTIONS + "test_decide.py",
)
def decide_without_being_the_holder() -> None:
    """Whoever knows a draft's id and epoch decides it."""
    real = decide._is_allowed

    def allowed(draft: Draft, rev: int | None, judgement: decide.Judgement) -> None:
        mine = copy(draft)
        mine.holder_id = mine.last_holder_id = judgement.by.pk
        real(mine, rev, judgement)

    def take(draft: Draft, judgement: decide.Judgement) -> None:
        rows = Draft.objects.filter(pk=draft.pk)
        if not move(rows, DRAFT["decide"], holder=None, slot=None, lease_until=None):
            raise lease_lost(**judgement.facts)
        if draft.status == "waiting":
            no_longer_waiting(draft)

    swap(decide, "_is_allowed", allowed)
    swap(decide, "_take", take)


@plant(RACES + "test_sixty_four_agents_claim_each_draft_once", ACTIONS + "test_claim.py")
def claim_whatever_the_status() -> None:
    """The UPDATE that makes an offer a claim does not ask whether the draft still waits."""
    swap(claim, "move", lambda rows, step, **more: move(rows, replace(step, before=DRAFT_STATUSES), **more))


@plant(RACES + "test_two_tabs_show_one_draft_and_their_double_clicks_are_one_decision")
def no_index_of_slots() -> None:
    """The database lets an agent have two drafts on one screen."""
    alter("DROP INDEX draft_one_per_slot")


# --- What a decision is made on, and how often --------------------------------------------------------------------


@plant(RACES + "test_a_newer_message_is_seen_by_the_decision_or_comes_after_it")
def decide_without_the_newest_message() -> None:
    """A decision does not ask whether the customer has written since."""
    swap(decide, "_rev_now", lambda draft_id: None)


@plant(RACES + "test_two_tabs_show_one_draft_and_their_double_clicks_are_one_decision")
def decide_without_key() -> None:
    """A repeat of a form is not known as one."""
    swap(decide, "_stored", lambda judgement: None)


# --- Handing in and handing out -----------------------------------------------------------------------------------


@plant(RACES + "test_twenty_at_once_under_one_id_are_one_draft")
def acknowledged_before_the_commit() -> None:
    """A draft is in Redis, and its bot has its answer, before PostgreSQL has it."""
    real = submit.store

    def early(*args: Any) -> Any:
        answers: SimpleQueue[Any] = SimpleQueue()

        def store() -> None:
            try:
                with transaction.atomic():
                    stored = real(*args)
                    ready.put((new.draft.pk, new.draft.lane_id, new.draft.order_key) for new in stored.values())
                    answers.put(stored)
                    time.sleep(0.1)
            except Exception as error:
                answers.put(error)
            finally:
                connections.close_all()

        Thread(target=store).start()
        answer = answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    swap(submit, "store", early)


@plant(ACTIONS + "test_index.py")
def rebuild_without_what_was_given_back() -> None:
    """A rebuild of the order forgets the drafts that somebody had and gave back."""
    real = index._waiting

    def never_claimed(lane_id: int) -> Any:
        for batch in real(lane_id):
            fresh = set(Draft.objects.filter(pk__in=[row[0] for row in batch], epoch=0).values_list("pk"))
            yield [row for row in batch if row[:1] in fresh]

    swap(index, "_waiting", never_claimed)


# --- Undone or final ----------------------------------------------------------------------------------------------


@plant(RACES + "test_undoing_against_sending_has_one_winner", ACTIONS + "test_settle.py")
def undo_without_asking_whether_it_is_final() -> None:
    """An undo cancels, also what is settled."""

    def cancel(decision: Any) -> bool:
        Settlement.objects.bulk_create([Settlement(decision=decision, outcome="undone")], ignore_conflicts=True)
        move(Delivery.objects.filter(decision=decision), DELIVERY["cancel"])
        Hold.objects.filter(pk=decision.pk).delete()
        return True

    for module in (settle, supersede, withdraw):
        swap(module, "cancel_provisional", cancel)


@plant(RACES + "test_undoing_against_sending_has_one_winner")
def settle_without_lock() -> None:
    """The beat settles holds that somebody is undoing."""

    @transaction.atomic
    def settle_due() -> int:
        due = Hold.objects.filter(settled_at=None, until__lte=Now()).order_by("until")
        return settle._settle(list(due.values_list("pk", flat=True)[: settle.BATCH]))

    swap(settle, "settle_due", settle_due)


@plant(ACTIONS + "test_settle.py")
def feed_numbers_from_a_sequence() -> None:
    """Two beats number at once, and a lower number can be seen later than a higher one."""
    alter("CREATE SEQUENCE feed_seq; GRANT USAGE ON SEQUENCE feed_seq TO reviewqueue_app, reviewqueue_worker")

    @transaction.atomic
    def feed_final() -> int:
        holds = Hold.objects.select_for_update(skip_locked=True).filter(settled_at__isnull=False)
        settled = list(holds.order_by("settled_at", "pk")[: settle.BATCH])
        for hold in settled:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval('feed_seq')")
                [seq] = cursor.fetchone()
            Feed.objects.create(seq=seq, decision_id=hold.pk, settled="final", at=timezone.now())
            hold.delete()
        return len(settled)

    swap(settle, "feed_final", feed_final)


@plant("tests/models")
def no_key_to_the_settlement() -> None:
    """The database lets a delivery leave that no final decision stands behind."""
    alter("ALTER TABLE delivery DROP CONSTRAINT delivery_when_final")


@plant("tests/models")
def votes_can_be_changed() -> None:
    """The database lets a vote be rewritten."""
    alter("DROP TRIGGER vote_guard_rows ON vote")


# --- Sending ------------------------------------------------------------------------------------------------------


@plant(RACES + "test_whatever_becomes_of_its_job_a_delivery_arrives_under_one_id")
def no_sweep() -> None:
    """Nobody looks for deliveries whose job or worker was lost."""
    swap(deliver, "sweep", lambda: 0)


@plant(RACES + "test_whatever_becomes_of_its_job_a_delivery_arrives_under_one_id")
def a_new_webhook_id_for_each_attempt() -> None:
    """A receiver cannot tell a repeat from a new message."""
    swap(Delivery, "webhook_id", lambda delivery: f"msg_{delivery.pk}_{delivery.attempts}")
    Delivery.webhook_id = property(Delivery.webhook_id)  # type: ignore[assignment,arg-type]


@plant(ACTIONS + "test_deliver.py")
def a_late_answer_counts() -> None:
    """What a worker that was given up for dead reports in the end is taken for the newest attempt's answer."""
    real = deliver.finish

    def finish(delivery: Delivery, answer: Any) -> None:
        delivery.epoch = Delivery.objects.get(pk=delivery.pk).epoch
        real(delivery, answer)

    swap(deliver, "finish", finish)


@plant(ACTIONS + "test_deliver.py")
def a_poison_without_end() -> None:
    """A delivery that kills its worker is handed to the next one, and the next."""
    swap(deliver, "_is_poison", lambda delivery, answer: False)


# --- Signing in ---------------------------------------------------------------------------------------------------


@plant("tests/desk/test_access.py")
def sessions_in_redis() -> None:
    """Who loses Redis signs everybody out."""
    settings.CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": settings.REDIS_URL,
    }
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    swap(SessionStore, "save", SessionStore.save)
