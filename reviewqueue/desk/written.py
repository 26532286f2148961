"""A person's own words, begun."""

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from reviewqueue.actions import write
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.models import Draft
from reviewqueue.queries import timeline


@require_POST
@decides
def answers(request: SignedIn, draft_id: int) -> HttpResponse:
    """An answer without AI to the conversation of this draft."""
    return _begun(request, draft_id, write.write)


@require_POST
@decides
def corrections(request: SignedIn, draft_id: int) -> HttpResponse:
    return _begun(request, draft_id, write.correct)


def _begun(request: SignedIn, draft_id: int, begin: Callable[..., Draft]) -> HttpResponse:
    if not timeline.visible(request.user).filter(pk=draft_id).exists():
        raise Http404
    begin(draft_id, by=request.user)
    return redirect("desk")
