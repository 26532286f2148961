"""What a page with script asks for: the draft after this one, what came of a decision, and whether all is still so."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from reviewqueue.actions import claim, lease, presence
from reviewqueue.actions.lease import AHEAD, SHOWN
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import PulseForm, WatchForm
from reviewqueue.desk.views import on_bench, strip
from reviewqueue.lifecycle import Refused
from reviewqueue.queries import desk as queries
from reviewqueue.queries.presence import IDLE_AFTER
from reviewqueue.refusals import panel


@require_POST
@decides
def ahead(request: SignedIn) -> HttpResponse:
    """The draft after the one on the screen, leased; 204 where there is none that may be kept unseen."""
    html = _leased(request, AHEAD)
    return HttpResponse(html) if html else HttpResponse(status=204)


def onwards(request: SignedIn) -> JsonResponse:
    """After a decision that a script sent. `on` names what it shows now, or nothing: then the answer brings it."""
    shown = WatchForm(request.POST, prefix="on")
    on = shown.is_valid() and shown.cleaned_data["draft"]
    return JsonResponse(
        {
            "held": render_to_string("desk/_held.html", strip(request), request),
            "bench": None if on else _leased(request, SHOWN),
            "ahead": _leased(request, AHEAD) if on else None,
            "stale": _stale(request, shown),
        }
    )


def _leased(request: SignedIn, slot: int) -> str | None:
    """The next draft for that slot, as the fragment of the page that shows it."""
    if claim.claim_next(by=request.user, slot=slot) is None:
        return None
    bench = queries.on_screen(request.user, slot)
    return render_to_string("desk/_bench.html", on_bench(request, bench), request) if bench else None


@require_POST
@decides
def pulse(request: SignedIn) -> JsonResponse:
    """A sign of life: keeps the draft on the screen, and says what is no longer so."""
    form = PulseForm(request.POST)
    if not form.is_valid():
        raise Refused("bad-request", "The pulse is damaged.")
    idle = timedelta(seconds=form.cleaned_data["idle"])
    presence.sign_of_life(by=request.user, idle=idle, editing=form.cleaned_data["editing"])
    shown, kept = (WatchForm(request.POST, prefix=prefix) for prefix in ("on", "ahead"))
    if form.cleaned_data["over"] and kept.is_valid() and kept.cleaned_data["draft"]:
        lease.release_unseen(kept.cleaned_data["draft"], by=request.user, epoch=kept.cleaned_data["epoch"] or 0)
    return JsonResponse(
        {
            "counters": render_to_string("desk/_counters.html", strip(request), request),
            "stale": _stale(request, shown, renew=idle < IDLE_AFTER),
            "ahead": not form.cleaned_data["over"] and _stale(request, kept) is None,
            "left": queries.lease_left(request.user),
        }
    )


def _stale(request: SignedIn, watched: WatchForm, *, renew: bool = False) -> dict[str, Any] | None:
    """Why what is on the screen can no longer be decided as it is there, as a panel; None where it can."""
    if not (watched.is_valid() and watched.cleaned_data["draft"]):
        return None
    seen = watched.cleaned_data
    refused = lease.watch(seen["draft"], by=request.user, epoch=seen["epoch"] or 0, rev=seen["rev"], renewing=renew)
    return panel(request, refused) if refused else None
