"""A newer draft takes the place of an older one of the same bot."""

from django.db.models import F

from reviewqueue.actions import lanes
from reviewqueue.actions.lease import lock_agent
from reviewqueue.actions.log import log
from reviewqueue.actions.order import no_longer_waiting
from reviewqueue.actions.settle import cancel_provisional
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Bot, Draft
from reviewqueue.queries.lanes import readers


def supersede(external_id: str, newer: Draft, *, bot: Bot) -> Draft | None:
    """Withdraw the draft `external_id` in favour of `newer` (not yet saved), inside the caller's transaction.

    Returns the old draft as it was where somebody had it claimed: the same agent, if the new draft's lane is one of
    theirs, gets the new one in the same slot.
    A decision that is still held is undone. One that was returned stays, and the new one goes to who returned it.
    Refused: not-found, already-decided (final, on its way), already-delivered, and already-decided where it was
    superseded before.
    """
    holder_id = _lock_holder(external_id, bot)
    old = Draft.objects.select_for_update().filter(bot=bot, external_id=external_id).first()
    if old is None:
        raise Refused("not-found", "The draft to supersede does not exist.", pointer="/supersedes")
    if Draft.objects.filter(supersedes=old).exists():
        raise Refused("already-decided", "That draft was superseded before.", pointer="/supersedes")
    if old.customer_id != newer.customer_id:
        raise Refused("conversation-mismatch", "That draft is for another customer.", pointer="/supersedes")
    newer.supersedes = old
    if old.status in ("refused", "withdrawn", "expired"):
        return None
    if old.status == "decided" and _was_returned(old, newer, bot):
        return None
    move(
        Draft.objects.filter(pk=old.pk),
        DRAFT["supersede"],
        holder=None,
        slot=None,
        lease_until=None,
        epoch=F("epoch") + 1,
    )
    log("draft.superseded", bot, draft=old.pk)
    no_longer_waiting(old)
    return old if old.status == "claimed" and old.holder_id == holder_id else None


def _lock_holder(external_id: str, bot: Bot) -> int | None:
    """Who has the draft. Locked before it, like wherever an agent's slots change; who takes it after this look gets
    nothing for it."""
    holder_id = Draft.objects.filter(bot=bot, external_id=external_id).values_list("holder_id", flat=True).first()
    if holder_id:
        lock_agent(holder_id)
    return holder_id


def _was_returned(old: Draft, newer: Draft, bot: Bot) -> bool:
    """Undo the old one's decision; or leave it, since it asked for the new one: that goes to who knows what they asked
    for, unless they are not served there, or several people judge it."""
    decision = old.decisions.latest("round")
    if cancel_provisional(decision):
        log("decision.undone", bot, draft=old.pk, decision=decision.pk)
        return False
    if decision.verdict == "returned":
        log("draft.tried again", bot, draft=old.pk)
        if newer.seats == 1 and readers(newer.lane).filter(pk=decision.by_agent_id).exists():
            newer.lane = lanes.of_agent(newer.lane, decision.by_agent_id)
        return True
    if decision.deliveries.filter(status="delivered").exists():
        raise Refused("already-delivered", "That draft was already delivered.", pointer="/supersedes")
    raise Refused("already-decided", "That draft was already decided, finally.", pointer="/supersedes")
