"""Handing drafts out. Redis offers, PostgreSQL confirms by one fenced UPDATE; without Redis, PostgreSQL does both."""

import random
from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from reviewqueue import ready
from reviewqueue.actions.lanes import bring_back
from reviewqueue.actions.lease import AHEAD, SHOWN, LeaseEnd, give_back, gone, lapse, lock_agent, renew
from reviewqueue.actions.log import log
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Draft, Lane, Skip, Submission, User
from reviewqueue.queries.lanes import lanes_of
from reviewqueue.queries.presence import lanes_with_somebody_free
from reviewqueue.rows import ask, composed, read

# Candidates tried from Redis before PostgreSQL is asked, and looks at PostgreSQL while others lock what it finds.
TRIES = 4
# How many heads the PostgreSQL path looks at, over all lanes and at least in each: more than agents claim in one
# moment. Where those of the best lane are all being taken, the next best of another lane will do.
HEADS, LEAST = 256, 4
DEPTH = 32
# One claim in so many asks PostgreSQL first, so that a draft missing from Redis is found soon.
POSTGRES_SHARE = 32

# What is due this soon is not kept unseen while somebody else is free.
SOON = timedelta(minutes=10)

OWN = "SELECT * FROM draft WHERE holder_id = %s AND status = 'claimed'"

# The PostgreSQL path: the first few of each lane by index, then the best of them that nobody else is taking: they are
# tried one after the other, each by its key, until one can be locked.
NEXT = """
WITH first AS MATERIALIZED (
  SELECT head.id, head.order_key FROM unnest(%(lanes)s::bigint[]) AS lane
  CROSS JOIN LATERAL (
    SELECT id, order_key FROM draft
    WHERE status = 'waiting' AND lane_id = lane AND id <> ALL (%(skipped)s::bigint[])
    ORDER BY order_key, id LIMIT {depth}
  ) AS head
)
SELECT taken.id FROM (SELECT id FROM first ORDER BY order_key, id) AS best CROSS JOIN LATERAL (
  SELECT id FROM draft WHERE draft.id = best.id AND status = 'waiting' LIMIT 1 FOR UPDATE SKIP LOCKED
) AS taken LIMIT 1
"""


def claim_next(*, by: User, slot: int = SHOWN) -> Draft | None:
    """The agent's next draft, claimed; the one the agent already has in that slot; or None where nothing waits.

    A draft leased ahead is shown before a new one is claimed. Into slot AHEAD comes nothing that must not be kept
    unseen (`_may_be_kept`), nor what would stand behind that. Refused: not-allowed for someone who may not decide.
    """
    _may_decide(by)
    for _ in range(TRIES):
        # The same agent claimed twice at once (double click, second tab): both get the same draft.
        with suppress(IntegrityError):
            return _own(by, slot) or _next(by, slot)
    return None


def _next(by: User, slot: int) -> Draft | None:
    past_redis = random.randrange(POSTGRES_SHARE) == 0  # noqa: S311  a share, not a secret
    if past_redis:
        bring_back()
    lanes = lanes_of(by)
    skipped = [skip.draft_id for skip in _skips(by.pk)]
    return (
        (None if past_redis else _by_redis(by, slot, lanes, skipped))
        or _by_postgres(by, slot, lanes, skipped)
        # What is brought back may lie in a lane that is new.
        or (_by_postgres(by, slot, lanes_of(by), skipped) if lapse() + bring_back() else None)
    )


@composed
def _skips(agent: int) -> "QuerySet[Skip]":
    return Skip.objects.filter(agent=agent, until__gt=Now(), draft__status="waiting")


def claim(draft_id: int, *, by: User) -> Draft:
    """Claim one waiting draft that the agent picked from the list.

    What is on the agent's screen moves ahead and what was ahead goes back; where the one ahead was picked, the other
    goes back. Refused, and nothing moved: not-allowed, not-found (also outside the agent's lanes), slot-taken where
    someone else has it, already-voted, already-decided, withdrawn, expired.
    """
    _may_decide(by)
    with transaction.atomic():
        lock_agent(by.pk)
        draft = Draft.objects.filter(pk=draft_id).first()
        # A lead may pick from any lane, so that nothing is stuck in one that nobody is served from.
        lanes = None if by.leads else lanes_of(by)
        if draft is None or (lanes is not None and draft.lane_id not in lanes):
            raise Refused("not-found", "There is no such draft in your queues.", draft_id=draft_id)
        if draft.status == "claimed" and draft.holder_id == by.pk and draft.slot == SHOWN:
            return draft
        make_room(by, keep=draft_id)
        refuse_voter(draft, by)
        claimed = _show(by, draft_id) or _confirm(draft_id, by, SHOWN, lanes)
        if claimed is None:
            raise _why_not(draft_id, by)
    with suppress(ready.Away):
        ready.remove(draft_id, claimed.lane_id)
    return claimed


def refuse_voter(draft: Draft, by: User) -> None:
    """Nobody votes twice in a round. The draft is locked to the end of the caller's transaction."""
    if draft.seats == 1:
        return
    locked = Draft.objects.select_for_update().get(pk=draft.pk)
    if locked.votes.filter(round=locked.round, agent=by).exists():
        says = "It needs another person's judgement now, without a look at yours."
        raise Refused("already-voted", says, draft_id=draft.pk)


def _why_not(draft_id: int, by: User) -> Refused:
    draft = Draft.objects.select_related("holder").get(pk=draft_id)
    if draft.status == "claimed":
        return Refused("slot-taken", f"{draft.holder} has this draft now.", draft_id=draft_id)
    return gone(draft, by)


def _may_decide(by: User) -> None:
    if not (by.is_active and by.decides):
        raise Refused("not-allowed", "Your role reads only; it cannot claim or decide drafts.")


def _own(by: User, slot: int) -> Draft | None:
    own = {draft.slot: draft for draft in read(Draft, OWN, [by.pk])}
    if slot == AHEAD:
        return own.get(AHEAD)
    if slot in own:
        with suppress(Refused):  # it lapsed, or was decided in another tab, in this very moment
            return renew(own[slot].pk, by=by, epoch=own[slot].epoch)
    elif AHEAD in own:
        with transaction.atomic():
            return _show(by, own[AHEAD].pk)
    return None


def promote(by: User) -> None:
    """What was leased ahead is on the screen now. Inside the caller's transaction; harmless where there is none."""
    for draft in _ahead(by.pk):
        _show(by, draft.pk)


@composed
def _ahead(holder: int) -> "QuerySet[Draft]":
    return Draft.objects.filter(holder=holder, slot=AHEAD, status="claimed")


def _show(by: User, draft_id: int) -> Draft | None:
    """A draft that the agent has, on the screen, with a lease that begins now; None where the agent has it no more."""
    own = Draft.objects.filter(pk=draft_id, holder=by, status="claimed")
    shown = own.update(slot=SHOWN, shown_at=Now(), lease_until=LeaseEnd())
    return own.get() if shown else None


def make_room(by: User, keep: int | None = None) -> None:
    """Empty the agent's screen: the draft ahead goes back, the one shown moves ahead. Inside a transaction.

    Where the one ahead is to be kept, the one shown goes back. The locks are taken in the order in which a decision
    takes them: shown, then ahead.
    """
    own = list(Draft.objects.select_for_update().filter(holder=by, status="claimed").order_by("slot"))
    kept = any(draft.pk == keep for draft in own)
    for draft in own:
        if draft.pk != keep and (kept or draft.slot == AHEAD):
            give_back(draft, "release", by)
    if not kept:
        Draft.objects.filter(holder=by, slot=SHOWN, status="claimed").update(slot=AHEAD)


def _by_redis(by: User, slot: int, lanes: list[int], skipped: list[int]) -> Draft | None:
    try:
        for _ in range(TRIES if slot == SHOWN else 1):
            candidate = ready.offer(lanes, skipped)
            if candidate is None:
                return None
            if claimed := _accept(candidate, by, slot, lanes):
                return claimed
    except ready.Away:
        return None
    return None


def _accept(candidate: int, by: User, slot: int, lanes: list[int]) -> Draft | None:
    """Confirm what Redis offered, and tell Redis how that went: losing that word costs a second look at most."""
    try:
        with transaction.atomic():
            lock_agent(by.pk)
            claimed = _confirm(candidate, by, slot, lanes)
    except IntegrityError:
        with suppress(ready.Away):
            ready.give_back(candidate)
        raise
    with suppress(ready.Away):
        if claimed or slot == SHOWN:
            ready.taken(candidate)
        else:
            ready.give_back(candidate)
    return claimed


def _by_postgres(by: User, slot: int, lanes: list[int], skipped: list[int]) -> Draft | None:
    for _ in range(TRIES if slot == SHOWN else 1):
        with transaction.atomic():
            lock_agent(by.pk)
            depth = min(DEPTH, max(LEAST, HEADS // max(1, len(lanes))))
            heads = ask(NEXT.format(depth=depth), {"lanes": lanes, "skipped": skipped})
            claimed = _confirm(heads[0][0], by, slot, lanes) if heads else None
        if claimed:
            with suppress(ready.Away):
                ready.remove(claimed.pk, claimed.lane_id)
            return claimed
        if not Draft.objects.filter(status="waiting", lane__in=lanes).exclude(pk__in=skipped).exists():
            return None
    return None


def _confirm(draft_id: int, by: User, slot: int, lanes: list[int] | None = None) -> Draft | None:
    """The fenced UPDATE that makes an offer a claim; None where the draft no longer waits in these lanes.

    Inside the caller's transaction, which has the agent's lock.
    """
    rows = Draft.objects.filter(pk=draft_id)
    if lanes is not None:
        rows = rows.filter(lane_id__in=lanes)
    if slot == AHEAD:
        rows = _may_be_kept(rows, by)
    claimed = move(
        rows,
        DRAFT["claim"],
        holder=by,
        slot=slot,
        lease_until=LeaseEnd(slot),
        shown_at=Now(),
        last_holder=by,
        epoch=F("epoch") + 1,
    )
    if not claimed:
        return None
    log("draft.claimed", by, draft=draft_id, epoch=claimed[0].epoch, slot=slot)
    return claimed[0]


def _may_be_kept(rows: "QuerySet[Draft]", by: User) -> "QuerySet[Draft]":
    """Only drafts that may be leased unseen: neither of tier high nor for two people, nor due soon while another agent
    of the lane is free. Asks other tables only: the row itself is looked at again once it is locked."""
    careful = Lane.objects.filter(pk=OuterRef("lane_id"), queue__risk="high")
    submitted = Submission.objects.filter(pk=OuterRef("pk"))
    rows = rows.filter(~Exists(careful), ~Exists(submitted.filter(risk="high")), seats=1)
    soon = Exists(submitted.filter(due_at__lt=Now() + SOON))
    return rows.exclude(Q(lane_id__in=lanes_with_somebody_free(besides=by)) & Q(soon))
