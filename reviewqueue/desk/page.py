"""What every page knows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from reviewqueue.desk.keymap import keymap_of
from reviewqueue.models import User
from reviewqueue.models.user import Preferences

# Addresses that answer with the desk.
SHOWS = {"preview": "desk", "decision": "desk"}


@dataclass(frozen=True)
class Link:
    """One entry of the main navigation; a link that would lead to a refusal is not there. `action` is its slug in the
    table of keys."""

    url: str
    words: str
    current: bool
    action: str


def page(request: HttpRequest) -> dict[str, Any]:
    """The navigation of the person who is signed in, and how they like to work. Asked by every template, so it reads
    nothing."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"navigation": [], "preferences": Preferences(), "keymap": keymap_of(None)}
    match = getattr(request, "resolver_match", None)
    here = SHOWS.get(match.url_name, match.url_name) if match else None
    places = []
    if user.decides:
        places += [("desk", _("Desk")), ("queue", _("Queue")), ("decisions", _("My decisions"))]
    if user.leads or user.role == "auditor":
        places.append(("board", _("Board")))
    return {
        "navigation": [Link(reverse(name), words, name == here, f"go-{name}") for name, words in places],
        "preferences": Preferences.of(user.preferences),
        "keymap": keymap_of(user),
    }
