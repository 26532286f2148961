"""What an agent is typing, kept from second to second: no closed tab, ended session or lost lease costs more than that.

One row an agent and draft. It outlives release, skip, lapse and undo, and goes with the decision, in its transaction
(actions/decide.py).
"""

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from reviewqueue.actions.decide import refuse_too_long
from reviewqueue.actions.lease import gone, lease_lost
from reviewqueue.edits import canonical
from reviewqueue.models import Draft, Typed, User

MOVE = """
WITH old AS (DELETE FROM typed WHERE draft_id = %s RETURNING agent_id, text, at)
INSERT INTO typed (draft_id, agent_id, text, at) SELECT %s, agent_id, text, at FROM old
"""


@transaction.atomic
def keep(draft_id: int, *, by: User, text: str) -> datetime:
    """Store what `by` has typed for a draft instead of what was stored before; when. The draft's own text is no edit:
    then nothing is kept.

    Whoever lost the lease may go on typing. Refused: not-found, lease-lost (never had it), already-decided, withdrawn,
    expired, check-failed (too long).
    """
    text = canonical(text)
    refuse_too_long(text, draft_id=draft_id, text=text)
    # Locked, so that a decision which comes at the same time takes this text along.
    draft = Draft.objects.select_for_update(of=("self",)).select_related("body").filter(pk=draft_id).first()
    if draft is None:
        raise lease_lost(draft_id, by)
    if draft.status not in ("waiting", "claimed"):
        raise gone(draft, by, text=text)
    mine = Typed.objects.filter(draft=draft, agent=by)
    if by.pk not in (draft.holder_id, draft.last_holder_id) and not mine.exists():
        raise lease_lost(draft_id, by, text=text)
    now = timezone.now()
    if text == draft.body.text:
        mine.delete()
    else:
        store(draft_id, by.pk, text, now)
    return now


def store(draft_id: int, agent_id: int, text: str, at: datetime) -> None:
    Typed.objects.bulk_create(
        [Typed(draft_id=draft_id, agent_id=agent_id, text=text, at=at)],
        update_conflicts=True,
        unique_fields=["draft", "agent"],
        update_fields=["text", "at"],
    )


def throw_away(draft_id: int, *, by: User) -> None:
    """Back to the draft as the bot wrote it."""
    Typed.objects.filter(draft=draft_id, agent=by).delete()


def move_on(old_id: int, newer_id: int) -> None:
    """A newer draft took the place of an older one: what was typed on that is kept with it."""
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [old_id, newer_id])
