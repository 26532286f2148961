"""A bot takes a draft back."""

from django.db import transaction
from django.db.models import F

from reviewqueue.actions.log import log
from reviewqueue.actions.order import no_longer_waiting
from reviewqueue.actions.settle import cancel_provisional
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Bot, Draft, Typed


@transaction.atomic
def withdraw(draft_id: int, *, bot: Bot) -> Draft:
    """Withdraw a draft whose decision is not final: a held one is undone. Withdrawing it again is harmless.

    A bot must not learn of a decision before it is final, so until then it fares as if there were none.
    Refused: not-found (also for another bot's draft), already-decided, expired.
    """
    draft = Draft.objects.select_for_update().filter(pk=draft_id, bot=bot).first()
    if draft is None:
        raise Refused("not-found", "There is no such draft.")
    if draft.status == "withdrawn":
        return draft
    if draft.status == "decided":
        _undo(draft, bot)
    if not DRAFT["withdraw"].starts_from(draft.status):
        raise Refused("expired", f"This draft is {draft.status}; nothing is left to withdraw.", draft_id=draft_id)
    (draft,) = move(
        Draft.objects.filter(pk=draft_id),
        DRAFT["withdraw"],
        holder=None,
        slot=None,
        lease_until=None,
        epoch=F("epoch") + 1,
    )
    Typed.objects.filter(draft=draft_id).delete()
    log("draft.withdrawn", bot, draft=draft_id)
    no_longer_waiting(draft)
    return draft


def _undo(draft: Draft, bot: Bot) -> None:
    decision = draft.decisions.latest("round")
    if not cancel_provisional(decision):
        raise Refused("already-decided", "A person has already decided this draft.", draft_id=draft.pk)
    log("decision.undone", bot, draft=draft.pk, decision=decision.pk)
