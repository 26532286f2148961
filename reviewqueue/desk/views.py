"""The desk: one draft at a time."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.actions import claim
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import CAUSE_WORDS, ClaimForm, DecisionForm, HandoverForm
from reviewqueue.lifecycle import Refused
from reviewqueue.queries import desk as queries
from reviewqueue.queries.handovers import colleagues
from reviewqueue.queries.pace import hurried
from reviewqueue.queries.rates import MANY

# The part of the bar from which each form comes.
BARS = {
    "edit": "edit",
    "reject": "reject",
    "return": "return",
    "escalated": "escalate",
    "handed-over": "hand",
    "help": "hand",
}


@require_safe
@decides
def desk(request: SignedIn) -> HttpResponse:
    """The draft on the agent's screen, or why there is none. `edit`, `confirm`, `reject`, `return`, `escalate` and
    `hand` open their part of the bar."""
    bench = queries.on_screen(request.user)
    if bench is None:
        nothing = queries.nothing(request.user)
        return render(request, "desk/empty.html", {"nothing": nothing, **strip(request)})
    return render_bench(request, bench, mode=_mode(request, bench))


def _mode(request: SignedIn, bench: queries.Bench) -> str:
    for mode in ("escalate", "hand"):
        if mode in request.GET:
            return mode
    if bench.own or ("edit" in request.GET and bench.editable and bench.draft.kind == "reply"):
        return "edit"
    if "return" in request.GET and bench.before.returnable:
        return "return"
    if "confirm" in request.GET and bench.tier == "high" and not bench.blocked:
        return "confirm"
    return "reject" if "reject" in request.GET else ""


def render_bench(request: SignedIn, bench: queries.Bench, *, mode: str, status: int = 200, **more: Any) -> HttpResponse:
    """The desk with one draft on it; `more` is what the person typed and what came of it."""
    return render(
        request, "desk/desk.html", {**on_bench(request, bench, mode, **more), **strip(request)}, status=status
    )


def on_bench(request: SignedIn, bench: queries.Bench, mode: str = "", **more: Any) -> dict[str, Any]:
    """What desk/_bench.html is drawn from, for a page or alone."""
    return {
        "bench": bench,
        "draft": bench.draft,
        "seen": bench.seen,
        "mode": mode,
        "at_once": bench.at_once and mode not in ("escalate", "hand"),
        "typed": bench.kept if bench.kept is not None else bench.text,
        "decision_key": uuid.uuid4(),
        "causes": CAUSE_WORDS,
        "escalations": queries.escalation_reasons() if mode == "escalate" else [],
        "colleagues": colleagues(bench.draft, request.user) if mode == "hand" else [],
        "chosen_causes": request.GET.getlist("causes"),
        **more,
    }


def render_invalid(request: SignedIn, draft_id: int, form: DecisionForm | HandoverForm) -> HttpResponse:
    """The desk again, with what is wrong and all that was typed; a refusal where the draft has left it."""
    text = form.data.get("text") or form.data.get("note")
    if not request.accepts("text/html"):
        says = " ".join(str(error) for errors in form.errors.values() for error in errors)
        raise Refused("reason-missing", says, draft_id=draft_id, text=text)
    bench = queries.on_screen(request.user)
    if bench is None or bench.draft.pk != draft_id:
        raise Refused("lease-lost", "This draft is not on your desk.", draft_id=draft_id, text=text)
    mode = BARS.get(form.data.get("verdict") or form.data.get("kind", ""), "")
    typed = {"typed": form.data["text"]} if mode == "edit" and "text" in form.data else {}
    return render_bench(
        request,
        bench,
        mode=mode,
        status=422,
        form=form,
        note=form.data.get("note", ""),
        chosen_causes=request.POST.getlist("causes"),
        chosen_reasons=request.POST.getlist("reasons"),
        **typed,
    )


def strip(request: SignedIn) -> dict[str, Any]:
    """What the strip of held decisions and the counters show, on every state of the desk."""
    held, more = queries.held(request.user)
    return {
        "held": held,
        "more_held": more,
        "hurried": hurried(request.user),
        "counters": queries.counters(request.user),
        "most": MANY,
    }


@require_POST
@decides
def claims(request: SignedIn) -> HttpResponse:
    """Claim the draft that was picked, or the next one."""
    form = ClaimForm(request.POST)
    picked = form.cleaned_data["draft"] if form.is_valid() else None
    if picked:
        claim.claim(picked, by=request.user)
    else:
        claim.claim_next(by=request.user)
    return redirect("desk")
