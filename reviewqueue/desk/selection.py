"""Many drafts at once: what was selected in the list, what is to be done with it, and what came of that."""

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext_lazy
from django.views.decorators.http import require_POST

from reviewqueue.actions import bulk
from reviewqueue.care import is_blind
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import SelectionForm
from reviewqueue.desk.queue import address
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, Reason
from reviewqueue.queries import selection as queries

# What was done to so many.
DONE = {
    "approve": ngettext_lazy("%(n)s label confirmed", "%(n)s labels confirmed", "n"),
    "reject": ngettext_lazy("%(n)s draft rejected", "%(n)s drafts rejected", "n"),
    "take": ngettext_lazy("%(n)s draft assigned to you", "%(n)s drafts assigned to you", "n"),
    "assign": ngettext_lazy("%(n)s draft assigned", "%(n)s drafts assigned", "n"),
    "escalate": ngettext_lazy("%(n)s draft escalated", "%(n)s drafts escalated", "n"),
    "release": ngettext_lazy("%(n)s draft released", "%(n)s drafts released", "n"),
}


@require_POST
@decides
def selection(request: SignedIn) -> HttpResponse:
    """One button for all that is selected. Deciding asks once more before: it shows what it is about."""
    form = SelectionForm(request.POST)
    if not form.is_valid() or form.cleaned_data["do"] not in ACTS:
        raise Refused("invalid", "Select drafts in the list first, at most 50.")
    do = form.cleaned_data["do"]
    if do in ASKS and "sure" not in request.POST:
        return ASKS[do](request, form)
    outcomes = ACTS[do](request, form)
    done = [outcome for outcome in outcomes if outcome.refused is None]
    context = {
        "words": DONE[do] % {"n": len(done)},
        "refused": [outcome for outcome in outcomes if outcome.refused is not None],
        "back": address(form.query),
    }
    return render(request, "desk/selection_done.html", context)


def _ask_approve(request: SignedIn, form: SelectionForm) -> HttpResponse:
    seen = queries.selected(request.user, form.ids)
    # What is to be judged blind is not shown here either.
    drafts = [draft for draft in seen if draft.kind == "sentiment" and not is_blind(draft)]
    if not drafts:
        raise Refused("invalid", "Only labels are confirmed together, and none that is to be judged blind.")
    more = {"sample": queries.sample(drafts), "labels": queries.labels(drafts)}
    return _ask(request, form, drafts, **more)


def _ask_reject(request: SignedIn, form: SelectionForm) -> HttpResponse:
    drafts = queries.selected(request.user, form.ids)
    kinds = {draft.kind for draft in drafts}
    if len(kinds) != 1:
        raise Refused("invalid", "Replies and labels are rejected for different reasons. Select only one kind.")
    return _ask(request, form, drafts, reasons=list(Reason.objects.filter(kind=kinds.pop())))


def _ask_escalate(request: SignedIn, form: SelectionForm) -> HttpResponse:
    drafts = queries.selected(request.user, form.ids)
    return _ask(request, form, drafts, reasons=list(Reason.objects.filter(kind="escalation")))


def _ask_assign(request: SignedIn, form: SelectionForm) -> HttpResponse:
    drafts = queries.selected(request.user, form.ids)
    return _ask(request, form, drafts, colleagues=queries.colleagues(drafts, request.user))


def _ask(request: SignedIn, form: SelectionForm, drafts: list[Draft], **more: Any) -> HttpResponse:
    context = {
        "do": form.cleaned_data["do"],
        "drafts": drafts,
        "items": [_spelled(draft) for draft in drafts],
        "left_out": len(form.ids) - len(drafts),
        "query": form.query,
        "back": address(form.query),
        **more,
    }
    return render(request, "desk/selection.html", context)


def _spelled(draft: Draft) -> str:
    """One draft as the page shows it: SelectionForm reads it back."""
    rev = draft.conversation.rev if draft.conversation else ""
    return f"{draft.pk}:{bytes(draft.digest).hex()}:{rev}:{uuid.uuid4()}"


def _reject(request: SignedIn, form: SelectionForm) -> list[bulk.Outcome]:
    data = form.cleaned_data
    return bulk.reject(form.items, reasons=data["reasons"], note=data["note"], by=request.user)


def _escalate(request: SignedIn, form: SelectionForm) -> list[bulk.Outcome]:
    reason = next(iter(form.cleaned_data["reasons"]), "")
    return bulk.escalate(form.ids, reason=reason, note=form.cleaned_data["note"], by=request.user)


def _assign(request: SignedIn, form: SelectionForm) -> list[bulk.Outcome]:
    to = form.cleaned_data["to"]
    if to is None:
        raise Refused("invalid", "Choose a colleague.")
    return bulk.hand_over(form.ids, to=to, note=form.cleaned_data["note"], by=request.user)


ASKS: dict[str, Callable[[SignedIn, SelectionForm], HttpResponse]] = {
    "approve": _ask_approve,
    "reject": _ask_reject,
    "escalate": _ask_escalate,
    "assign": _ask_assign,
}
ACTS: dict[str, Callable[[SignedIn, SelectionForm], list[bulk.Outcome]]] = {
    "approve": lambda request, form: bulk.approve_labels(form.items, by=request.user),
    "reject": _reject,
    "escalate": _escalate,
    "assign": _assign,
    "take": lambda request, form: bulk.take(form.ids, by=request.user),
    "release": lambda request, form: bulk.release(form.ids, by=request.user),
}
