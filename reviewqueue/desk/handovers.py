"""A draft given to somebody else, or taken."""

from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from reviewqueue.actions import claim, handover
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import HandoverForm
from reviewqueue.desk.views import render_invalid
from reviewqueue.models import Handover

ACTIONS: dict[str, Callable[..., Handover]] = {
    "escalated": handover.escalate,
    "handed-over": handover.hand_over,
    "help": handover.ask_help,
}


@require_POST
@decides
def handovers(request: SignedIn, draft_id: int) -> HttpResponseBase:
    """Escalate, hand over or ask for help; then the next draft."""
    form = HandoverForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, draft_id, form)
    ACTIONS[form.cleaned_data["kind"]](draft_id, by=request.user, **form.arguments)
    claim.claim_next(by=request.user)
    return redirect("desk")


@require_POST
@decides
def holder(request: SignedIn, draft_id: int) -> HttpResponse:
    """A lead becomes the holder."""
    handover.take_over(draft_id, by=request.user)
    return redirect("desk")
