"""One press for many drafts. Each is claimed and acted upon by itself, by the ordinary action, so that every rule holds
for each of them; what is refused stays as it was, and is told."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from reviewqueue.actions import claim, decide, handover
from reviewqueue.actions import lease as leases
from reviewqueue.actions.lease import SHOWN
from reviewqueue.actions.log import log
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, User, Vote

# Drafts of one press.
MOST = 50


@dataclass(frozen=True)
class Item:
    """One draft as the page showed it, and the key that makes a repeat harmless."""

    draft_id: int
    seen: bytes
    rev: int | None
    decision_key: UUID


@dataclass(frozen=True)
class Outcome:
    draft_id: int
    refused: Refused | None


def approve_labels(items: Sequence[Item], *, by: User) -> list[Outcome]:
    """Confirm these labels as they stand. Replies are never approved in bulk."""

    def approve(draft: Draft, item: Item) -> None:
        if draft.kind != "sentiment":
            raise Refused("not-allowed", "A reply is approved by itself.", draft_id=draft.pk)
        decide.approve(draft.pk, by=by, epoch=draft.epoch, seen=item.seen, rev=item.rev, decision_key=item.decision_key)

    return _decide_each("approved", items, approve, by)


def reject(items: Sequence[Item], *, reasons: Sequence[str], note: str, by: User) -> list[Outcome]:
    """Reject these drafts, all for the same reasons."""

    def refuse(draft: Draft, item: Item) -> None:
        decide.reject(
            draft.pk,
            by=by,
            epoch=draft.epoch,
            seen=item.seen,
            rev=item.rev,
            decision_key=item.decision_key,
            reasons=reasons,
            note=note,
        )

    return _decide_each("rejected", items, refuse, by)


def release(drafts: Iterable[int], *, by: User) -> list[Outcome]:
    """Give back what is open with this person, or waits for them alone."""
    return _each("released", drafts, lambda draft: leases.release(draft.pk, by=by, epoch=draft.epoch), by)


def take(drafts: Iterable[int], *, by: User) -> list[Outcome]:
    """These wait for this person alone."""
    return _each("taken", drafts, lambda draft: handover.keep(draft.pk, by=by, epoch=draft.epoch), by)


def hand_over(drafts: Iterable[int], *, to: int, note: str, by: User) -> list[Outcome]:
    """These wait for a colleague alone."""

    def give(draft: Draft) -> None:
        handover.hand_over(draft.pk, by=by, epoch=draft.epoch, to=to, note=note)

    return _each("handed over", drafts, give, by)


def escalate(drafts: Iterable[int], *, reason: str, note: str, by: User) -> list[Outcome]:
    """These wait for a lead."""

    def give(draft: Draft) -> None:
        handover.escalate(draft.pk, by=by, epoch=draft.epoch, reason=reason, note=note)

    return _each("escalated", drafts, give, by)


def _decide_each(says: str, items: Sequence[Item], act: Callable[[Draft, Item], None], by: User) -> list[Outcome]:
    known = {item.draft_id: item for item in items}
    keys = [item.decision_key for item in items]
    # The same press again: what was decided then is decided.
    before = set(Vote.objects.filter(decision_key__in=keys, agent=by).values_list("draft_id", flat=True))
    new = _each(says, [pk for pk in known if pk not in before], lambda draft: act(draft, known[draft.pk]), by)
    return [*(Outcome(draft_id, None) for draft_id in known if draft_id in before), *new]


def _each(says: str, drafts: Iterable[int], act: Callable[[Draft], object], by: User) -> list[Outcome]:
    outcomes = []
    for draft_id in list(dict.fromkeys(drafts))[:MOST]:
        outcomes.append(_one(draft_id, act, by))
        _show_again(by)
    done = [outcome.draft_id for outcome in outcomes if outcome.refused is None]
    log(f"bulk.{says}", by, drafts=done, refused=len(outcomes) - len(done))
    return outcomes


def _one(draft_id: int, act: Callable[[Draft], object], by: User) -> Outcome:
    """A transaction for the claim and one for the act: a decision locks the conversation first, then the draft."""
    held = Draft.objects.filter(pk=draft_id, holder=by, status="claimed").first()
    try:
        draft = held or claim.claim(draft_id, by=by)
        try:
            act(draft)
        except Refused:
            if held is None:
                with suppress(Refused):
                    leases.release(draft_id, by=by, epoch=draft.epoch)
            raise
    except Refused as refused:
        return Outcome(draft_id, refused)
    return Outcome(draft_id, None)


def _show_again(by: User) -> None:
    """What was on the screen before is there again: the next claim would give back what lies ahead."""
    if not Draft.objects.filter(holder=by, status="claimed", slot=SHOWN).exists():
        with suppress(IntegrityError):  # the same agent claimed in another tab
            claim.promote(by)
