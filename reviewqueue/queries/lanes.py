"""Which lanes an agent is served from."""

from django.db.models import Q, QuerySet

from reviewqueue.models import Lane, User


def lanes_of(user: User) -> list[int]:
    """Ids of the lanes of the user's queues, in languages the user reads, asking for no skill the user lacks.

    A user without languages reads all; a lane of unknown language (`und`) is open to everybody of its queue.
    """
    return list(lanes(user).values_list("id", flat=True))


def lanes(user: User) -> "QuerySet[Lane]":
    found = Lane.objects.filter(queue__agents=user, skills__contained_by=user.all_skills)
    if user.languages:
        found = found.filter(Q(language__in=user.languages) | Q(language="und"))
    return found.order_by("id")
