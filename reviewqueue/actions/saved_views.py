"""Views of the queue list that people keep."""

from django.db import transaction

from reviewqueue.filters import parse
from reviewqueue.lifecycle import Refused
from reviewqueue.models import SavedView, User

# Views that one person keeps, and characters of a name.
MOST, LONGEST = 20, 60


@transaction.atomic
def keep(*, name: str, query: str, shared: bool, by: User) -> SavedView:
    """Keep a filter under a name; the same name again replaces it. Refused: invalid, not-allowed (a lead shares)."""
    name = _named(name, shared=shared, by=by)
    if not SavedView.objects.filter(owner=by, name=name).exists() and by.views.count() >= MOST:
        raise Refused("invalid", f"You have {MOST} views. Delete one before you save another.")
    values = {"query": str(parse(query)), "shared": shared}
    return SavedView.objects.update_or_create(owner=by, name=name, defaults=values)[0]


@transaction.atomic
def change(view_id: int, *, name: str, shared: bool, by: User) -> None:
    """Another name, or for another circle. Refused: not-found, invalid, not-allowed."""
    view = _own(view_id, by)
    view.name, view.shared = _named(name, shared=shared, by=by), shared
    if SavedView.objects.filter(owner=by, name=view.name).exclude(pk=view_id).exists():
        raise Refused("invalid", f"You have a view called {view.name} already.")
    view.save()


@transaction.atomic
def drop(view_id: int, *, by: User) -> None:
    """Refused: not-found."""
    _own(view_id, by).delete()


def _own(view_id: int, by: User) -> SavedView:
    view = SavedView.objects.select_for_update().filter(pk=view_id, owner=by).first()
    if view is None:
        raise Refused("not-found", "You have no such view.")
    return view


def _named(name: str, *, shared: bool, by: User) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise Refused("invalid", f"Give the view a name of 1 to {LONGEST} characters.")
    if shared and not by.leads:
        raise Refused("not-allowed", "A lead shares views with the team.")
    return name
