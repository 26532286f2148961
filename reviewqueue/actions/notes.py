"""Notes among colleagues about a draft. They are never sent, and neither bots nor customers see them."""

from django.db import transaction

from reviewqueue.actions.decide import refuse_too_long
from reviewqueue.actions.log import log
from reviewqueue.edits import canonical
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Note, User
from reviewqueue.queries.timeline import visible


@transaction.atomic
def add(draft_id: int, *, by: User, text: str) -> Note:
    """Write a note on a draft that `by` may see. It is a text about the customer, and erased with theirs.

    Refused: not-found, check-failed (empty, too long).
    """
    text = canonical(text)
    draft = visible(by).filter(pk=draft_id).first()
    if draft is None:
        raise Refused("not-found", "There is no such draft.")
    if not text.strip():
        raise Refused("check-failed", "The note is empty.", draft_id=draft_id)
    refuse_too_long(text, draft_id=draft_id, text=text)
    body = Body.of(text, ink="human", customer_id=draft.customer_id)
    body.save()
    note = Note(draft=draft, author=by, body=body)
    note.save()
    log("draft.noted", by, draft=draft_id, note=note.pk)
    return note
