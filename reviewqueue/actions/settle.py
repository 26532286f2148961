"""The end of a hold: a decision becomes final, or a person undoes it before. Never both: one row, one primary key."""

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone

from reviewqueue.actions import lanes
from reviewqueue.actions.claim import make_room
from reviewqueue.actions.deliver import dispatch
from reviewqueue.actions.lease import SHOWN, LeaseEnd, lock_agent
from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.lifecycle import DELIVERY, DRAFT, Refused, move
from reviewqueue.models import Decision, Delivery, Draft, Feed, Hold, Settlement, Typed, User
from reviewqueue.models.decision import OWN_VERDICTS

# Decisions settled, or fed, in one transaction.
BATCH = 500

SETTLED = "It is final already, or was undone."

# One beat at a time gives out feed numbers (pg_advisory_xact_lock).
FEED_LOCK = 7_305_001


@transaction.atomic
def undo(decision_id: int, *, by: User) -> Draft:
    """Take a decision back while it is held; the draft is on the screen of the agent who decided it, a round later,
    in which several people vote anew.

    What was on that screen moves ahead, what was ahead goes back to the queue. Refused: not-found, not-allowed,
    already-sent.
    """
    decision = _to_settle(decision_id, by)
    # Locks are taken in one order everywhere: the agent, the draft, its hold.
    lock_agent(decision.by_agent_id)
    before = Draft.objects.select_for_update(of=("self",)).select_related("lane").get(pk=decision.draft_id)
    if not cancel_provisional(decision):
        raise Refused("already-sent", SETTLED, draft_id=decision.draft_id)
    make_room(decision.by_agent)
    (draft,) = move(
        Draft.objects.filter(pk=decision.draft_id, round=decision.round),
        DRAFT["undo"],
        # A lead who settled a disagreement begins anew as one of several.
        lane=lanes.ordinary(before.lane) if before.seats > 1 else before.lane,
        holder=decision.by_agent_id,
        last_holder=decision.by_agent_id,
        slot=SHOWN,
        lease_until=LeaseEnd(),
        shown_at=Now(),
        epoch=F("epoch") + 1,
        round=F("round") + 1,
    )
    if draft.kind == "reply":
        _type_again(decision)
    log("decision.undone", by, draft=draft.pk, decision=decision.pk)
    return draft


def _type_again(decision: Decision) -> None:
    """What the person had written is in their editor again, as if they had not sent it yet."""
    final = decision.by_vote.final
    if decision.verdict in OWN_VERDICTS and final and final.text is not None:
        Typed(draft_id=decision.draft_id, agent_id=decision.by_agent_id, text=final.text).save()


@transaction.atomic
def send_now(decision_id: int, *, by: User) -> None:
    """End the hold at once. Refused: not-found, not-allowed, already-sent."""
    decision = _to_settle(decision_id, by)
    if not Hold.objects.filter(pk=decision_id, settled_at=None).update(until=Now()):
        raise Refused("already-sent", SETTLED, draft_id=decision.draft_id)
    settle_at_once(decision)
    log("decision.sent_now", by, draft=decision.draft_id, decision=decision.pk)


@transaction.atomic
def hold_longer(decision_id: int, *, by: User) -> None:
    """Hold a decision until somebody sends or undoes it, `Hold.LONGEST` at most. Asked again it changes nothing.
    Refused: not-found, not-allowed, already-sent."""
    decision = _to_settle(decision_id, by)
    hold, until = Hold.objects.filter(pk=decision_id, settled_at=None), decision.at + Hold.LONGEST
    if hold.filter(until__lt=until).update(until=until):
        log("decision.held_longer", by, draft=decision.draft_id, decision=decision.pk)
    elif not hold.exists():
        raise Refused("already-sent", SETTLED, draft_id=decision.draft_id)


def _to_settle(decision_id: int, by: User) -> Decision:
    decision = Decision.objects.select_related("by_agent").filter(pk=decision_id).first()
    if decision is None:
        raise Refused("not-found", "There is no such decision.")
    if decision.by_agent_id != by.pk and not by.leads:
        raise Refused("not-allowed", "Only who decided, or a lead, can do this.", draft_id=decision.draft_id)
    return decision


def cancel_provisional(decision: Decision) -> bool:
    """Undo a decision and cancel its deliveries, inside the caller's transaction; False where it is settled.

    The lock on the hold makes undo and send exclude each other.
    """
    hold = Hold.objects.select_for_update().filter(pk=decision.pk, settled_at=None).first()
    if hold is None:
        return False
    Settlement.objects.create(decision=decision, outcome="undone")
    move(Delivery.objects.filter(decision=decision), DELIVERY["cancel"])
    hold.delete()
    return True


def settle_at_once(decision: Decision) -> None:
    """Make a decision whose hold is over final, inside the caller's transaction, and send right after it."""
    _settle([decision.pk])

    def send() -> None:
        dispatch()

    transaction.on_commit(send, robust=True)


@transaction.atomic
def settle_due() -> int:
    """Make the decisions final whose hold has ended; how many. Any number of processes may run this at once."""
    return _settle(
        list(
            Hold.objects.select_for_update(skip_locked=True)
            .filter(settled_at=None, until__lte=Now())
            .order_by("until")
            .values_list("pk", flat=True)[:BATCH]
        )
    )


def _settle(decisions: list[int]) -> int:
    if not decisions:
        return 0
    Settlement.objects.bulk_create(Settlement(decision_id=pk, outcome="final") for pk in decisions)
    Hold.objects.filter(pk__in=decisions).update(settled_at=Now())
    Delivery.objects.filter(decision__in=decisions, status="held").update(settled="final", not_before=Now())
    return len(decisions)


@transaction.atomic
def feed_final() -> int:
    """Give the final decisions their numbers in the feed, in the order in which they were settled; how many.

    One process at a time, after the commit that made them final: so no number is skipped and none is given late.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FEED_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    settled = list(
        Hold.objects.filter(settled_at__isnull=False).order_by("settled_at", "pk").values_list("pk", flat=True)[:BATCH]
    )
    if not settled:
        return 0
    last = Feed.objects.aggregate(last=Max("seq"))["last"] or 0
    Feed.objects.bulk_create(
        Feed(seq=seq, decision_id=pk, settled="final", at=timezone.now()) for seq, pk in enumerate(settled, last + 1)
    )
    Hold.objects.filter(pk__in=settled).delete()
    log("feed.extended", SYSTEM, first=last + 1, last=last + len(settled))
    return len(settled)
