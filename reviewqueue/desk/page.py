"""What every page knows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from reviewqueue.models import User

# Addresses that answer with the desk.
SHOWS = {"preview": "desk", "decision": "desk"}


@dataclass(frozen=True)
class Link:
    """One entry of the main navigation; a link that would lead to a refusal is not there."""

    url: str
    words: str
    current: bool


def page(request: HttpRequest) -> dict[str, Any]:
    """The navigation of the person who is signed in. Asked by every template, so it reads nothing."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"navigation": []}
    match = getattr(request, "resolver_match", None)
    here = SHOWS.get(match.url_name, match.url_name) if match else None
    places = []
    if user.decides:
        places += [("desk", _("Desk")), ("queue", _("Queue")), ("decisions", _("My decisions"))]
    if user.leads or user.role == "auditor":
        places.append(("board", _("Board")))
    return {"navigation": [Link(reverse(name), words, name == here) for name, words in places]}
