"""A draft goes from one person to another: to a lead, to a colleague, for help, or by a lead who takes it.

The draft waits in a lane that only its receiver is served from, so that hand-out, claims and the list need no second
rule. What was typed stays, and is offered to who goes on with it.
"""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from reviewqueue import edits
from reviewqueue.actions import lanes
from reviewqueue.actions.claim import claim, make_room, refuse_voter
from reviewqueue.actions.decide import refuse_too_long
from reviewqueue.actions.lease import SHOWN, LeaseEnd, give_back, gone, held, lock_agent
from reviewqueue.actions.log import log
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Body, Draft, Handover, Reason, User
from reviewqueue.models.user import LEADS
from reviewqueue.queries.lanes import receivers


def escalate(draft_id: int, *, by: User, epoch: int, reason: str, note: str = "") -> Handover:
    """Give the draft to the leads, and say why. Refused: lease-lost, reason-missing, nobody-there."""
    known = Reason.objects.filter(kind="escalation", slug=reason).first()
    if known is None or (known.needs_note and not note.strip()):
        says = (
            "Say why the draft goes to the leads." if known is None else f"{known.label} needs a note that says more."
        )
        raise Refused("reason-missing", says, draft_id=draft_id, text=note)
    return _give(draft_id, by, epoch, Handover(kind="escalated", reason=reason), note)


def hand_over(draft_id: int, *, by: User, epoch: int, to: int, note: str = "") -> Handover:
    """Give the draft to a colleague, who goes on with it. Refused: lease-lost, nobody-there."""
    return _give(draft_id, by, epoch, Handover(kind="handed-over", to_id=to), note)


@transaction.atomic
def keep(draft_id: int, *, by: User, epoch: int) -> Handover:
    """The draft waits for who has it, and for nobody else. Refused: lease-lost."""
    draft = held(draft_id, by, epoch)
    give_back(draft, "hand_over", by, lanes.of_agent(draft.lane, by.pk))
    return Handover.objects.create(draft=draft, by=by, to=by, kind="handed-over")


def ask_help(draft_id: int, *, by: User, epoch: int, to: int, note: str) -> Handover:
    """Ask a colleague. They get the draft; decide it; or release it, and then who asked has it again.

    Refused: lease-lost, nobody-there, reason-missing (a question without words).
    """
    if not note.strip():
        raise Refused("reason-missing", "Write what you ask.", draft_id=draft_id)
    return _give(draft_id, by, epoch, Handover(kind="help", to_id=to), note)


@transaction.atomic
def _give(draft_id: int, by: User, epoch: int, handover: Handover, note: str) -> Handover:
    refuse_too_long(note, draft_id=draft_id, text=note)
    draft = held(draft_id, by, epoch, text=note)
    able = receivers(draft).exclude(pk=by.pk)
    able = able.filter(pk=handover.to_id) if handover.to_id else able.filter(role__in=LEADS)
    if not able.exists():
        whom = "This person is not" if handover.to_id else "No other lead is"
        says = f"{whom} served from this queue and language, or free to judge this draft. It is still yours."
        raise Refused("nobody-there", says, draft_id=draft_id, text=note)
    handover.draft, handover.by = draft, by
    if note.strip():
        handover.note = Body.of(edits.canonical(note), ink="human", customer_id=draft.customer_id)
        handover.note.save()
    handover.save()
    lane = lanes.of_agent(draft.lane, handover.to_id) if handover.to_id else lanes.of_leads(draft.lane)
    give_back(draft, "hand_over" if handover.to_id else "escalate", by, lane)
    return handover


@transaction.atomic
def take_over(draft_id: int, *, by: User) -> Draft:
    """A lead has the draft of somebody else on the screen, under a new epoch; what was there moves ahead.

    One that nobody has is simply claimed. Refused: not-allowed, not-found, already-voted, slot-taken where it has just
    changed hands, already-decided, withdrawn, expired.
    """
    if not (by.leads and by.is_active):
        raise Refused("not-allowed", "Only a lead takes a draft over.", draft_id=draft_id)
    holder_id = Draft.objects.filter(pk=draft_id).values_list("holder_id", flat=True).first()
    if holder_id is None or holder_id == by.pk:
        return claim(draft_id, by=by)
    # Both agents' slots change. Agents come before drafts, and of two agents the one with the lower number.
    for agent_id in sorted((by.pk, holder_id)):
        lock_agent(agent_id)
    make_room(by)
    draft = Draft.objects.select_for_update().get(pk=draft_id)
    refuse_voter(draft, by)
    if draft.status not in ("claimed", "waiting"):
        raise gone(draft, by)
    if draft.holder_id != holder_id:
        raise Refused("slot-taken", "It has just changed hands. Look at it again.", draft_id=draft_id)
    (taken,) = move(
        Draft.objects.filter(pk=draft_id, epoch=draft.epoch),
        DRAFT["take_over"],
        holder=by,
        last_holder=by,
        slot=SHOWN,
        lease_until=LeaseEnd(),
        shown_at=Now(),
        epoch=F("epoch") + 1,
    )
    Handover.objects.create(draft=draft, by=by, to_id=holder_id, kind="taken-over")
    log(f"draft.{DRAFT['take_over'].says}", by, draft=draft_id, holder=holder_id, epoch=taken.epoch)
    return taken
