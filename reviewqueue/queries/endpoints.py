"""Where an approved text goes."""

from reviewqueue.models import Draft, Endpoint


def endpoints_for(draft: Draft) -> list[Endpoint]:
    """The enabled endpoints of the draft's queue and channel; those of every channel where it has none of its own.

    A label has no channel and goes nowhere: it leaves by the feed.
    """
    if draft.conversation is None or draft.kind != "reply":
        return []
    channel = draft.conversation.channel
    found = Endpoint.objects.filter(queue=draft.lane.queue_id, channel__in=(channel, ""), disabled_at=None).order_by(
        "id"
    )
    own = [endpoint for endpoint in found if endpoint.channel == channel]
    return own or list(found)
