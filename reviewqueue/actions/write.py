"""A person's own words: an answer without AI, or a correction of what was sent.

It takes the road of every draft, so that nothing leaves by a second one: claimed by its author at birth, decided
(`written`), held, settled, delivered. What stands for the machine's text is an empty one of the author's.
"""

from uuid import uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reviewqueue.actions import lanes
from reviewqueue.actions.claim import claim
from reviewqueue.actions.lease import lock_agent
from reviewqueue.actions.log import log
from reviewqueue.actions.wave import order_key
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Body, Bot, Draft, Lane, Source, Submission, User
from reviewqueue.models.user import own_lane
from reviewqueue.queries.lanes import WRITABLE, may_write

SERVED = "Only who is served from this queue and language writes here."


def write(draft_id: int, *, by: User) -> Draft:
    """Begin an answer of one's own to the conversation of that draft; it is on the author's screen.

    The one that the author has already begun there is shown again. Refused: not-found, not-allowed (not served from
    the queue and language; and where several people judge each draft, for anybody but a lead).
    """
    return _begin(_base(draft_id), by)


def correct(draft_id: int, *, by: User) -> Draft:
    """Begin a correction of a text that was sent. Refused as in `write`, and not-delivered."""
    base = _base(draft_id)
    if not base.deliveries.filter(status__in=("delivered", "unknown")).exists():
        says = "Nothing of this draft has reached the customer. Write an answer instead."
        raise Refused("not-delivered", says, draft_id=draft_id)
    return _begin(base, by, corrects=base)


def _base(draft_id: int) -> Draft:
    found = Draft.objects.select_related("conversation", "lane__queue", "submission", "customer")
    base = found.filter(pk=draft_id, mode__in=WRITABLE, conversation__isnull=False).first()
    if base is None:
        raise Refused("not-found", "There is no conversation to answer.", draft_id=draft_id)
    return base


@transaction.atomic
def _begin(base: Draft, by: User, corrects: Draft | None = None) -> Draft:
    if not may_write(base, by):
        several = base.lane.queue.seats > 1
        says = "Several people judge each draft of this queue; a lead writes here alone." if several else SERVED
        raise Refused("not-allowed", says, draft_id=base.pk)
    # Of two presses at once the second one finds what the first one began.
    lock_agent(by.pk)
    lane = lanes.of_agent(base.lane, by.pk)
    begun = _begun(base, by, corrects) or _stored(base, by, lane, corrects)
    return claim(begun.pk, by=by)


def _begun(base: Draft, by: User, corrects: Draft | None) -> Draft | None:
    own = Draft.objects.filter(origin="agent", conversation=base.conversation_id, corrects=corrects)
    mine = Q(status="claimed", holder=by) | Q(status="waiting", lane__skills=[own_lane(by.pk)])
    return own.filter(mine).order_by("-id").first()


def _stored(base: Draft, by: User, lane: Lane, corrects: Draft | None) -> Draft:
    people = Bot.objects.get(internal=True)
    blank = Body.of("", ink="human", customer_id=base.customer_id)
    blank.save()
    now = timezone.now()
    draft = Draft(
        bot=people,
        external_id=f"written-{uuid4()}",
        mode=base.mode,
        origin="agent",
        kind="reply",
        customer=base.customer,
        conversation=base.conversation,
        corrects=corrects,
        body=blank,
        digest=blank.digest,
        lane=lane,
        order_key=order_key(lane.queue.priority, now),
        submitted_at=now,
        status="waiting",
    )
    draft.save(force_insert=True)
    Submission.objects.create(
        draft=draft,
        source=Source.objects.get_or_create(bot=people, vendor="", model="", version="", prompt_version="")[0],
        conversation_rev=base.conversation.rev if base.conversation else None,
        language=base.submission.language,
        risk="low",
        due_at=now,
        allowed=["edit", "reject"],
    )
    log("draft.begun", by, draft=draft.pk, beside=base.pk, corrects=corrects and corrects.pk)
    return draft
