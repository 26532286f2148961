"""The queue: what is open, narrowed by a filter, in the order in which it is handed out."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import NewsForm, QueueForm
from reviewqueue.desk.tags import bounded, language, present, span
from reviewqueue.filters import NAMES, SPAN, Query, Term, parse, seconds
from reviewqueue.models import User
from reviewqueue.queries import desk as desks
from reviewqueue.queries import queue as listed
from reviewqueue.queries import saved_views
from reviewqueue.queries.rates import MANY

VIEW_NAMES = {
    "mine": gettext_lazy("Mine"),
    "due-soon": gettext_lazy("Due soon"),
    "low-confidence": gettext_lazy("Low confidence"),
    "escalated": gettext_lazy("Escalated"),
    "skipped": gettext_lazy("Skipped by me"),
}

# What a term says, where its value alone does not say it.
WORDS = {
    ("is", "waiting"): gettext_lazy("waiting"),
    ("is", "claimed"): gettext_lazy("open with somebody"),
    ("is", "skipped"): gettext_lazy("skipped by me"),
    ("is", "escalated"): gettext_lazy("escalated"),
    ("type", "reply"): gettext_lazy("reply"),
    ("type", "sentiment"): gettext_lazy("sentiment"),
    ("with", "me"): gettext_lazy("with me"),
    ("with", "nobody"): gettext_lazy("with nobody"),
    ("due", "over"): gettext_lazy("overdue"),
    ("risk", "low"): gettext_lazy("low risk"),
    ("risk", "normal"): gettext_lazy("normal risk"),
    ("risk", "high"): gettext_lazy("high risk"),
    ("sort", "due"): gettext_lazy("by due time"),
}

# What can be written in the box: the name of the filter, and what it narrows to.
HELP = {
    "is": gettext_lazy("where it is"),
    "type": gettext_lazy("a reply or a sentiment label"),
    "lang": gettext_lazy("its language"),
    "queue": gettext_lazy("its queue"),
    "bot": gettext_lazy("the bot that wrote it"),
    "with": gettext_lazy("who has it: me, nobody, or a name"),
    "conf": gettext_lazy("how sure the bot is; no labels where some are judged blind"),
    "due": gettext_lazy("when it is due"),
    "risk": gettext_lazy("how careful to be"),
    "topic": gettext_lazy("what it is about"),
    "sort": gettext_lazy("the order of the list"),
}
EXAMPLES = {"conf": ("<0.6", ">0.9"), "due": ("<30m", "<1h", "<2d"), "with": ("me", "nobody")}


class Link(NamedTuple):
    words: str
    url: str


class Tab(NamedTuple):
    """A view among those above the list; `place` is its digit, 0 from the tenth on."""

    words: str
    url: str
    current: bool
    place: int
    shared_by: User | None


@require_safe
@decides
def queue(request: SignedIn) -> HttpResponse:
    form = QueueForm(request.GET)
    page = listed.page(request.user, form.query, form.cursor)
    first = form.cursor == listed.START
    context = {
        "page": page,
        "query": page.query,
        "chips": [Link(_words(term), address(page.query.without(term))) for term in page.query.terms],
        "unknown": [(one.said, one.meant and _instead(page.query, one.meant)) for one in page.query.unknown],
        "tabs": _tabs(request.user, page.query),
        "filters": _filters(page),
        "here": address(page.query),
        "first": first,
        "nothing": desks.nothing(request.user) if first and not page.rows and not page.query else None,
        "most": MANY,
    }
    return render(request, "desk/queue.html", context)


def address(query: Query) -> str:
    path = reverse("queue")
    return f"{path}?{urlencode({'q': str(query)})}" if query else path


def _words(term: Term) -> str:
    name, value = term
    if (name, value) in WORDS:
        return str(WORDS[name, value])
    if name == "lang":
        return language(value)
    if name == "conf":
        says = _("confidence under %(n)s") if value[0] == "<" else _("confidence over %(n)s")
        return says % {"n": value[1:]}
    if name == "due":
        sign, far = seconds(value)
        says = _("due within %(span)s") if sign == "<" else _("due after %(span)s")
        return says % {"span": span(far)}
    return f"{name}: {value}"


def _instead(query: Query, meant: str) -> Link:
    return Link(meant, address(query.plus(*parse(meant).terms)))


def _tabs(user: User, query: Query) -> list[Tab]:
    return [
        Tab(
            words=view.saved.name if view.saved else str(VIEW_NAMES[view.slug]),
            url=address(view.query),
            current=view.query == query,
            place=place if place <= saved_views.COUNTED else 0,
            shared_by=view.saved.owner if view.saved and view.saved.owner_id != user.pk else None,
        )
        for place, view in enumerate(saved_views.views(user), 1)
    ]


def _filters(page: listed.Page) -> list[tuple[str, str, list[Link]]]:
    """Every filter: its name, what it does, and links that add it."""
    offered = {"lang": page.languages, "queue": page.queues, **EXAMPLES}
    found = []
    for name, words in NAMES.items():
        values = [*(word for word in words if word not in SPAN), *offered.get(name, ())]
        terms = [Term(name, value) for value in values]
        links = [Link(str(term), address(page.query.plus(term))) for term in terms if term not in page.query.terms]
        found.append((name, str(HELP[name]), links))
    return found


@require_safe
@decides
def news(request: SignedIn) -> JsonResponse:
    """What changed since the page of the list was made: list.js asks, and changes no row's place."""
    form = NewsForm(request.GET)
    views = saved_views.views(request.user)[: saved_views.COUNTED]
    found = listed.news(request.user, form.query, form.newest, form.ids, [view.query for view in views])
    answer: dict[str, Any] = {
        "fresh": _fresh(found.fresh),
        "rows": {change.draft_id: _changed(change, request.user) for change in found.changes},
        "counts": [bounded(count) for count in found.counts],
        "updated": f"{timezone.localtime():%H:%M:%S}",
    }
    return JsonResponse(answer)


def _fresh(count: listed.Count) -> str:
    if not count.n:
        return ""
    return ngettext("%(n)s new, show", "%(n)s new, show", count.n) % {"n": bounded(count)}


def _changed(change: listed.Change, me: User) -> dict[str, Any]:
    """`gone` greys the row; the words stand where it says with whom the draft is. None: with whom it waits for."""
    name = _("you") if change.who == me else str(change.who or "")
    words = {
        "decided": _("Decided by %(name)s") % {"name": name},
        "claimed": present(name, change.presence),
        "waiting": None,
        "withdrawn": _("Taken back by the bot"),
        "expired": _("Expired"),
    }
    return {
        "gone": change.status not in ("claimed", "waiting"),
        "words": words.get(change.status, _("Moved elsewhere")),
    }
