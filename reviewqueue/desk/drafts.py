"""One draft: its page, and what can be done with it."""

from collections.abc import Callable

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.actions import claim, decide
from reviewqueue.actions import lease as leases
from reviewqueue.desk import ahead
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import DecisionForm, LeaseForm
from reviewqueue.desk.views import render_invalid
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Decision
from reviewqueue.queries import similar as similars
from reviewqueue.queries import timeline

ACTIONS: dict[str, Callable[..., Decision | None]] = {
    "approve": decide.approve,
    "edit": decide.edit,
    "reject": decide.reject,
    "return": decide.return_to_bot,
    "discard": decide.discard,
}


@require_safe
@decides
def draft(request: SignedIn, draft_id: int) -> HttpResponse:
    """Everything that happened to one draft, for those who may see it; nobody else learns that it exists."""
    page = timeline.timeline(draft_id, request.user)
    if page is None:
        raise Http404
    return render(request, "desk/draft.html", {"page": page, "draft": page.draft})


@require_safe
@decides
def similar(request: SignedIn, draft_id: int) -> HttpResponse:
    """Past drafts that were about the same, and what became of them."""
    found = similars.similar(draft_id, request.user)
    if found is None:
        raise Http404
    return render(request, "desk/similar.html", {"draft": found[0], "similar": found[1]})


@require_POST
@decides
def decision(request: SignedIn, draft_id: int) -> HttpResponseBase:
    """Approve, edit or reject; then the next draft."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return render_invalid(request, draft_id, form)
    ACTIONS[form.cleaned_data["verdict"]](draft_id, by=request.user, **form.arguments)
    return _onwards(request)


def _onwards(request: SignedIn) -> HttpResponse:
    if not request.accepts("text/html"):
        return ahead.onwards(request)
    if "next" in request.POST:
        claim.claim_next(by=request.user)
    return redirect("desk")


@require_POST
@decides
def release(request: SignedIn, draft_id: int) -> HttpResponse:
    leases.release(draft_id, by=request.user, epoch=_epoch(request, draft_id))
    return redirect("desk")


@require_POST
@decides
def skip(request: SignedIn, draft_id: int) -> HttpResponse:
    leases.skip(draft_id, by=request.user, epoch=_epoch(request, draft_id))
    return _onwards(request)


@require_POST
@decides
def pass_on(request: SignedIn, draft_id: int) -> HttpResponse:
    """For a variety of the language that the agent does not read."""
    leases.pass_on(draft_id, by=request.user, epoch=_epoch(request, draft_id))
    return _onwards(request)


def _epoch(request: SignedIn, draft_id: int) -> int:
    form = LeaseForm(request.POST)
    if not form.is_valid():
        raise Refused("bad-request", "The form is damaged. Open your desk again.", draft_id=draft_id)
    return int(form.cleaned_data["epoch"])
