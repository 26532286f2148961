"""Who may open what. Decided before a view runs, whatever the page that led there offered."""

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
    """A request behind `decides`: its user is one of ours."""

    user: User


def decides(view: View) -> View:
    """For people who claim and decide. An auditor gets a 403 page; nobody's page stays in a shared cache."""

    @wraps(view)
    @never_cache
    @login_required
    def guarded(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.decides:
            raise Refused("not-allowed", "Your role reads the board; it does not claim or decide drafts.")
        return view(request, *args, **kwargs)

    return guarded
