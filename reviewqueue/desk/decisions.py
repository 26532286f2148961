"""What I did: decisions, to be undone or sent now; what did not arrive; what I skipped."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.actions import deliver, settle
from reviewqueue.actions import lease as leases
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


@require_safe
@decides
def problems(request: SignedIn) -> HttpResponse:
    """What was decided and did not arrive: one's own, for a lead everybody's."""
    return render(request, "desk/problems.html", {"troubles": queries.troubles(request.user)})


@require_safe
@decides
def skips(request: SignedIn) -> HttpResponse:
    """The drafts that I skipped."""
    return render(request, "desk/skips.html", {"skips": queries.skips(request.user)})


@require_POST
@decides
def skip(request: SignedIn, draft_id: int) -> HttpResponse:
    """Take a skip back."""
    leases.unskip(draft_id, by=request.user)
    return redirect("skips")


@require_POST
@decides
def settlement(request: SignedIn, decision_id: int) -> HttpResponse:
    """Undo a held decision, hold it longer, or end its hold. An undone edit opens the editor with what was typed."""
    form = SettlementForm(request.POST)
    if not form.is_valid():
        raise Refused("bad-request", "The form is damaged. Open your desk again.")
    if form.cleaned_data["outcome"] != "undone":
        act = settle.send_now if form.cleaned_data["outcome"] == "final" else settle.hold_longer
        act(decision_id, by=request.user)
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
