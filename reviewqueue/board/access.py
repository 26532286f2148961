"""Who may open the board, and who may take texts away from it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from reviewqueue.lifecycle import Refused
from reviewqueue.models import User

View = Callable[..., HttpResponseBase]


class SignedIn(HttpRequest):
    """A request behind one of these guards: its user is one of ours."""

    user: User


def reads_board(view: View) -> View:
    """For leads and auditors: figures, no texts."""
    return _only(lambda user: user.leads or user.role == "auditor", "The board is for leads and auditors.", view)


def leads(view: View) -> View:
    """For leads: texts of customers and agents leave the house here."""
    return _only(lambda user: user.leads, "Feedback is downloaded by leads.", view)


def _only(may: Callable[[User], bool], says: str, view: View) -> View:
    @wraps(view)
    @never_cache
    @login_required
    def guarded(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request.user):
            raise Refused("not-allowed", says)
        return view(request, *args, **kwargs)

    return guarded
