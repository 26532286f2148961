"""Decisions after they were taken: undo, send now, send again."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.actions import deliver, settle
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import SettlementForm
from reviewqueue.lifecycle import Refused
from reviewqueue.queries import desk as queries
from reviewqueue.queries import timeline


@require_safe
@decides
def decisions(request: SignedIn) -> HttpResponse:
    """My last decisions."""
    return render(request, "desk/decisions.html", {"decisions": queries.last_decisions(request.user)})


@require_POST
@decides
def settlement(request: SignedIn, decision_id: int) -> HttpResponse:
    """Undo a held decision, or end its hold. An undone edit opens the editor with what was typed."""
    form = SettlementForm(request.POST)
    if not form.is_valid():
        raise Refused("bad-request", "The form is damaged. Open your desk again.")
    if form.cleaned_data["outcome"] == "final":
        settle.send_now(decision_id, by=request.user)
        return redirect("desk")
    undone = settle.undo(decision_id, by=request.user)
    bench = queries.on_screen(request.user)
    written = bench and bench.draft.pk == undone.pk and bench.kept is not None
    return redirect(reverse("desk") + ("?edit=1" if written else ""))


@require_POST
@decides
def attempts(request: SignedIn, delivery_id: int) -> HttpResponse:
    """Try a failed delivery once more."""
    delivery = timeline.delivery(delivery_id, request.user)
    if delivery is None:
        raise Http404
    deliver.send_again(delivery_id, by=request.user)
    return redirect("draft", draft_id=delivery.draft_id)
