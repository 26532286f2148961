"""Who may open what. Decided before a view runs, whatever the page that led there offered."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from reviewqueue.lifecycle import Refused
from reviewqueue.models import User

View = Callable[..., HttpResponseBase]


class SignedIn(HttpRequest):
    """A request behind one of these guards: its user is one of ours."""

    user: User


def signed_in(view: View) -> View:
    """For everybody who is signed in; nobody's page stays in a shared cache."""

    @wraps(view)
    @never_cache
    def guarded(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else _signed_out(request)

    return guarded


def decides(view: View) -> View:
    """For people who claim and decide. An auditor gets a 403 page."""

    @wraps(view)
    @signed_in
    def guarded(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.decides:
            raise Refused("not-allowed", "Your role reads the board; it does not claim or decide drafts.")
        return view(request, *args, **kwargs)

    return guarded


def leads(view: View) -> View:
    """For leads: how everybody works is set here."""

    @wraps(view)
    @signed_in
    def guarded(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.leads:
            raise Refused("not-allowed", "Queues are set by leads.")
        return view(request, *args, **kwargs)

    return guarded


def _signed_out(request: HttpRequest) -> HttpResponse:
    """To the sign-in and back; after a form, a page that keeps what was typed, as a form cannot be gone back to."""
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    if not request.accepts("text/html"):
        return JsonResponse({"code": "signed-out"}, status=401)
    text = request.POST.get("text") or request.POST.get("note", "")
    return render(request, "desk/signed_out.html", {"text": text}, status=401)
