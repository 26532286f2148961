"""Who is at the desk: shown to colleagues before it becomes a conflict."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from reviewqueue.models import Draft, Lane, Presence, User

# A page that can be seen gives a sign every 15 s; one that missed two is gone.
GONE_AFTER = timedelta(seconds=40)
IDLE_AFTER = timedelta(minutes=2)


def presence_of(agents: Iterable[int]) -> dict[int, str]:
    """viewing, editing or idle, of those of these agents whose desk is open."""
    now = timezone.now()
    there = Presence.objects.filter(agent__in=list(agents), at__gt=now - GONE_AFTER)
    return {presence.agent_id: _state(presence, now) for presence in there}


def _state(presence: Presence, now: datetime) -> str:
    if presence.active_at < now - IDLE_AFTER:
        return "idle"
    return "editing" if presence.editing else "viewing"


def lanes_with_somebody_free(*, besides: User) -> list[int]:
    """Lanes of queues in which another agent sits at an open, empty desk."""
    has_one = Draft.objects.filter(holder=OuterRef("agent"), status="claimed")
    open_desks = Presence.objects.filter(at__gt=timezone.now() - GONE_AFTER).exclude(agent=besides)
    free = list(open_desks.filter(~Exists(has_one)).values_list("agent", flat=True))
    return list(Lane.objects.filter(queue__agents__in=free).values_list("id", flat=True).distinct()) if free else []
