"""Keeping a claimed draft, and giving it back. The epoch fences every write of a holder; time is only for liveness."""

from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Func
from django.db.models.functions import Now
from django.utils import timezone

from reviewqueue.actions import lanes
from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.actions.order import no_longer_waiting, now_waiting
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Draft, Handover, Lane, Skip, User
from reviewqueue.models.draft import NEVER
from reviewqueue.models.user import LEADS
from reviewqueue.queries.lanes import receivers
from reviewqueue.rows import ask

# The slots of an agent: what is on the screen, and what is leased ahead.
SHOWN, AHEAD = 0, 1

# A skipped draft stays away from the agent this long.
SKIP_FOR = timedelta(minutes=30)
# So many different people skip a draft before the leads get it.
SKIPS = 3
# A draft leased ahead and not shown for this long (seconds) goes back by itself.
AHEAD_FOR = 180
# Leases ended in one transaction.
BATCH = 200


class LeaseEnd(Func):
    """In an UPDATE of a draft: when a lease that begins now ends, by the clock of the database and its queue's time.

    What is not on a screen yet has AHEAD_FOR at the most.
    """

    arity = 0
    output_field = DateTimeField()
    template = (
        "(SELECT statement_timestamp() + make_interval(secs => least(queue.lease_seconds, %(most)s))"
        ' FROM lane JOIN queue ON queue.id = lane.queue_id WHERE lane.id = "draft"."lane_id")'
    )

    def __init__(self, slot: int = SHOWN) -> None:
        super().__init__(most="NULL" if slot == SHOWN else AHEAD_FOR)


def lock_agent(agent_id: int) -> None:
    """An agent's slots change one at a time: who changes them takes this lock first, before that of any draft."""
    ask("SELECT FROM account WHERE id = %s FOR NO KEY UPDATE", [agent_id])


def renew(draft_id: int, *, by: User, epoch: int) -> Draft:
    """Push the end of the lease out by the queue's lease time. Refused: lease-lost.

    A lease that lapsed while nobody else took the draft is taken up again, unless the agent has another one shown.
    """
    own = Draft.objects.filter(pk=draft_id, epoch=epoch, holder=by, status="claimed")
    # Two transactions: a draft that the first one waited for in vain stays locked to its end, and the second one locks
    # the agent, which comes before any draft.
    if not own.update(lease_until=LeaseEnd()):
        _take_up(draft_id, by, epoch)
    draft = own.first()
    if draft is None:
        raise lease_lost(draft_id, by)
    return draft


def look(draft_id: int, *, by: User, epoch: int) -> Draft:
    """The draft, where `by` could still decide it under that claim. Refused like a decision that came too late."""
    draft = Draft.objects.filter(pk=draft_id, epoch=epoch).first()
    if draft and by.pk in (draft.holder_id, draft.last_holder_id if draft.status == "waiting" else None):
        return draft
    raise lease_lost(draft_id, by)


def watch(draft_id: int, *, by: User, epoch: int, rev: int | None, renewing: bool) -> Refused | None:
    """Why what is on a screen can no longer be decided as it is there, or None; `renewing` keeps the draft, too.

    Answered, not raised: a page asks about two drafts at once, and one that is gone takes nothing from the other.
    """
    try:
        renew(draft_id, by=by, epoch=epoch) if renewing else look(draft_id, by=by, epoch=epoch)
    except Refused as refused:
        return refused
    draft = Draft.objects.select_related("body", "customer", "conversation").get(pk=draft_id)
    if draft.conversation and draft.conversation.rev != rev and not dropped(draft):
        return Refused("newer-message", "The customer wrote again.", draft_id=draft_id)
    return dropped(draft, draft_id=draft_id)


@transaction.atomic
def _take_up(draft_id: int, by: User, epoch: int) -> None:
    lock_agent(by.pk)
    lapsed = Draft.objects.filter(pk=draft_id, epoch=epoch, last_holder=by)
    with suppress(IntegrityError), transaction.atomic():
        for draft in move(lapsed, DRAFT["claim"], holder=by, slot=SHOWN, lease_until=LeaseEnd()):
            log("draft.claimed", by, draft=draft_id, epoch=draft.epoch, slot=SHOWN)
            no_longer_waiting(draft)


def lease_lost(draft_id: int, by: User, **facts: object) -> Refused:
    """Why a holder's write came too late."""
    draft = Draft.objects.select_related("holder").filter(pk=draft_id).first()
    if draft is None:
        return Refused("not-found", "There is no such draft.")
    if draft.status == "claimed":
        last = draft.handovers.last()
        if last and last.kind == "taken-over" and last.by_id == draft.holder_id:
            return Refused("taken-over", f"{draft.holder} has it now.", draft_id=draft_id, **facts)
        since = f"{draft.holder} has this draft now."
        return Refused("lease-lost", since, draft_id=draft_id, **facts)
    if draft.status == "waiting":
        return Refused("lease-lost", "You no longer have this draft.", draft_id=draft_id, **facts)
    return gone(draft, by, **facts)


@transaction.atomic
def release(draft_id: int, *, by: User, epoch: int) -> None:
    """Give a draft back: to the queue, or to who asked for help with it. Refused: lease-lost."""
    draft = held(draft_id, by, epoch)
    give_back(draft, "release", by, lane=lanes.after_release(draft, by))


@transaction.atomic
def release_unseen(draft_id: int, *, by: User, epoch: int) -> None:
    """Give back what was leased ahead, unless it has come to the screen meanwhile, of this page or another."""
    unseen = Draft.objects.filter(pk=draft_id, holder=by, epoch=epoch, status="claimed", slot=AHEAD)
    for draft in unseen.select_for_update(of=("self",)).select_related("lane"):
        give_back(draft, "release", by, lane=lanes.after_release(draft, by))


@transaction.atomic
def skip(draft_id: int, *, by: User, epoch: int) -> None:
    """Give a draft back and not see it again for 30 minutes; the leads get one that so many skipped. Refused:
    lease-lost."""
    draft = held(draft_id, by, epoch)
    Skip.objects.update_or_create(draft=draft, agent=by, defaults={"until": timezone.now() + SKIP_FOR})
    if _nobody_wants(draft):
        Handover.objects.create(draft=draft, by=by, kind="escalated", reason="skipped")
        give_back(draft, "escalate", by, lane=lanes.of_leads(draft.lane))
    else:
        give_back(draft, "skip", by)


@transaction.atomic
def unskip(draft_id: int, *, by: User) -> None:
    """Take a skip back: the draft may be handed to the agent again. Refused: not-found."""
    # What keeps a voter from the second seat is a skip without end, and stays.
    skips = Skip.objects.filter(draft=draft_id, agent=by, until__gt=Now(), until__lt=NEVER)
    if not skips.delete()[0]:
        raise Refused("not-found", "You have not skipped this draft, or it came back already.")
    log("draft.unskipped", by, draft=draft_id)


@transaction.atomic
def pass_on(draft_id: int, *, by: User, epoch: int) -> None:
    """Give a draft to others for good, as its variety of the language is not one's own. It counts as no skip and is
    logged as given back, so that nothing marks the person. Refused: lease-lost; not-allowed where nobody else is left.
    """
    draft = held(draft_id, by, epoch)
    Skip.objects.update_or_create(draft=draft, agent=by, defaults={"until": NEVER})
    others = receivers(draft).exclude(pk__in=Skip.objects.filter(draft=draft, until=NEVER).values("agent"))
    if not others.exists():
        raise Refused("not-allowed", "Nobody else reads this queue and language. Skip it, or tell a lead.")
    give_back(draft, "release", by, lane=lanes.after_release(draft, by))


def _nobody_wants(draft: Draft) -> bool:
    """So many people skipped it, and there is a lead who is served where it goes."""
    if draft.lane.skills or Skip.objects.filter(draft=draft, until__lt=NEVER).count() < SKIPS:
        return False
    return receivers(draft).filter(role__in=LEADS).exists()


def held(draft_id: int, by: User, epoch: int, **facts: object) -> Draft:
    """The draft that the agent has under that epoch, locked to the end of the caller's transaction."""
    mine = Draft.objects.filter(pk=draft_id, holder=by, epoch=epoch, status="claimed")
    draft = mine.select_for_update(of=("self",)).select_related("lane").first()
    if draft is None:
        raise lease_lost(draft_id, by, **facts)
    return draft


def give_back(draft: Draft, verb: str, by: User, lane: Lane | None = None) -> None:
    """The draft waits again, in the same lane or another one, under a new epoch, and is nobody's: who gives it away
    decides it late neither. Inside the caller's transaction."""
    (draft,) = move(
        Draft.objects.filter(pk=draft.pk, epoch=draft.epoch),
        DRAFT[verb],
        lane=lane.pk if lane else draft.lane_id,
        holder=None,
        slot=None,
        lease_until=None,
        last_holder=None,
        epoch=draft.epoch + 1,
    )
    log(f"draft.{DRAFT[verb].says}", by, draft=draft.pk)
    now_waiting(draft)


@transaction.atomic
def lapse() -> int:
    """End the leases whose time has passed; how many. Their epoch stays: a late decision of the last holder still
    counts until someone else has the draft. Any number of processes may run this at once."""
    over = list(
        Draft.objects.select_for_update(skip_locked=True)
        .filter(status="claimed", lease_until__lt=Now())
        .values_list("pk", flat=True)[:BATCH]
    )
    lapsed = move(Draft.objects.filter(pk__in=over), DRAFT["lapse"], holder=None, slot=None, lease_until=None)
    for draft in lapsed:
        log("draft.lapsed", SYSTEM, draft=draft.pk, last_holder=draft.last_holder_id)
    now_waiting(*lapsed)
    return len(lapsed)


def dropped(draft: Draft, **facts: object) -> Refused | None:
    """What its customer did that keeps a draft from being sent by anybody."""
    if draft.body.text is None:
        return Refused("erased", "The customer's texts were erased. Nothing is left to decide.", **facts)
    if draft.customer.opted_out_at and draft.origin == "bot":
        return Refused("opted-out", "The customer wants to be answered by people only.", **facts)
    return None


def gone(draft: Draft, by: User, **facts: object) -> Refused:
    """The refusal for a draft that nobody can work on any more."""
    if Draft.objects.filter(supersedes=draft).exists():
        return Refused("newer-draft", "The bot sent a newer draft.", draft_id=draft.pk, **facts)
    if draft.status == "withdrawn":
        if refused := dropped(draft, draft_id=draft.pk, **facts):
            return refused
        return Refused("withdrawn", "The bot took this draft back.", draft_id=draft.pk, **facts)
    if draft.status == "expired":
        return Refused("expired", "This draft expired.", draft_id=draft.pk, **facts)
    if draft.decisions.latest("round").by_agent_id == by.pk:
        return Refused("other-tab", "You decided this in another tab.", draft_id=draft.pk, **facts)
    return Refused("already-decided", "This draft was already decided.", draft_id=draft.pk, **facts)
