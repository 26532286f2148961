"""Where an approved text goes."""

from django.db.models import QuerySet

from reviewqueue.models import Draft, Endpoint
from reviewqueue.rows import composed


def endpoints_for(draft: Draft) -> list[Endpoint]:
    """The enabled endpoints of the draft's queue and channel; those of every channel where it has none of its own.

    A label has no channel and goes nowhere: it leaves by the feed.
    """
    if draft.conversation is None or draft.kind != "reply":
        return []
    channel = draft.conversation.channel
    found = _enabled(draft.lane.queue_id)
    own = [endpoint for endpoint in found if endpoint.channel == channel]
    return own or [endpoint for endpoint in found if not endpoint.channel]


@composed
def _enabled(queue: int) -> "QuerySet[Endpoint]":
    return Endpoint.objects.filter(queue=queue, disabled_at=None).order_by("id")
