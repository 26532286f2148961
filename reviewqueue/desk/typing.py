"""The editor: what is typed is kept, and its changes are shown. And notes for colleagues.

Each address answers a form with a page, and a script, which does not ask for HTML, with the part that changed.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reviewqueue.actions import decide
from reviewqueue.actions import notes as noting
from reviewqueue.actions import typed as typing
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import VIEWS, NoteForm, TypedForm
from reviewqueue.desk.views import render_bench
from reviewqueue.edits import word_diff
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft
from reviewqueue.queries import desk as queries
from reviewqueue.queries.findings import of_text


def _by_script(request: HttpRequest) -> bool:
    return not request.accepts("text/html")


def _sound(form: forms.Form, name: str, draft_id: int) -> str:
    """The text in one field. Refused: check-failed where it cannot even be stored, so that nothing takes its place."""
    form.is_valid()
    if name in form.errors:
        raise Refused("check-failed", str(form.errors[name][0]), draft_id=draft_id)
    return str(form.cleaned_data[name])


@require_POST
@decides
def typed(request: SignedIn, draft_id: int) -> HttpResponse:
    """Keep what is in the editor; without a text, throw away what was kept."""
    if "text" not in request.POST:
        typing.throw_away(draft_id, by=request.user)
        return redirect("desk")
    text = _sound(TypedForm(request.POST), "text", draft_id)
    at = timezone.localtime(typing.keep(draft_id, by=request.user, text=text))
    return JsonResponse({"says": _("Saved %(time)s") % {"time": formats.time_format(at, "H:i:s")}})


@require_POST
@decides
def preview(request: SignedIn, draft_id: int) -> HttpResponse:
    """The changes that the typed text makes; a page without script shows them under the editor, and keeps the text.

    Of a reply alone: the changes of a label would tell one that is hidden.
    """
    form = TypedForm(request.POST)
    text, view = _sound(form, "text", draft_id), form.cleaned_data.get("view") or VIEWS[0]
    if _by_script(request):
        draft = queries.in_hand(draft_id, request.user)
        if draft is None or draft.kind != "reply":
            raise Refused("lease-lost", "This draft is not on your desk any more.", draft_id=draft_id)
        return render(request, "desk/_changes.html", _changes(draft, text, view))
    bench = queries.on_screen(request.user)
    if bench is None or bench.draft.pk != draft_id or bench.draft.kind != "reply":
        raise Refused("lease-lost", "This draft is not on your desk any more.", draft_id=draft_id, text=text)
    if "text" in request.POST:
        typing.keep(draft_id, by=request.user, text=text)
    return render_bench(request, bench, mode="edit", typed=text, previewed=True, **_changes(bench.draft, text, view))


def _changes(draft: Draft, text: str, view: str) -> dict[str, Any]:
    """What is shown of an edit. A text beyond the limit is not compared, only said to be."""
    if says := decide.too_long(text):
        return {"draft": draft, "too_long": says}
    return {
        "draft": draft,
        "text": text,
        "diff": word_diff(draft.body.text or "", text),
        "found": of_text(text, draft),
        "view": view,
        "next_view": VIEWS[(VIEWS.index(view) + 1) % len(VIEWS)],
    }


@require_POST
@decides
def notes(request: SignedIn, draft_id: int) -> HttpResponse:
    """Write a note for colleagues, from the desk or from the draft's page."""
    text = _sound(NoteForm(request.POST), "note", draft_id)
    note = noting.add(draft_id, by=request.user, text=text)
    if _by_script(request):
        written = {"draft": note.draft, "notes": queries.notes_on(note.draft), "on_desk": "desk" in request.POST}
        return render(request, "desk/_notes.html", written)
    return redirect("desk") if "desk" in request.POST else redirect("draft", draft_id=draft_id)
