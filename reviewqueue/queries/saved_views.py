"""The views of the queue list: those that everybody has, a person's own, and what the team shares."""

from dataclasses import dataclass

from django.db.models import Q

from reviewqueue.filters import Query, parse
from reviewqueue.models import SavedView, User

# What everybody has. Their names are words of the door.
BUILT_IN = {
    "mine": parse("with:me"),
    "due-soon": parse("is:waiting due:<1h"),
    "low-confidence": parse("is:waiting conf:<0.6"),
    "escalated": parse("is:escalated"),
    "skipped": parse("is:skipped"),
}

# Views that are counted, and that a digit opens.
COUNTED = 9


@dataclass(frozen=True)
class View:
    """`slug` names a built-in one, `saved` is anybody's."""

    query: Query
    slug: str = ""
    saved: SavedView | None = None


def views(user: User) -> list[View]:
    """In the order of their digits. Only leads are shown what waits for leads."""
    found = SavedView.objects.filter(Q(owner=user) | Q(shared=True, owner__is_active=True)).select_related("owner")
    own_first = sorted(found, key=lambda view: (view.owner_id != user.pk, view.pk))
    return [
        *(View(query, slug=slug) for slug, query in BUILT_IN.items() if slug != "escalated" or user.leads),
        *(View(parse(view.query), saved=view) for view in own_first),
    ]
