"""The views of the queue list: keep the filter that is open, rename one, delete one."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.actions import saved_views
from reviewqueue.desk.access import SignedIn, decides
from reviewqueue.desk.forms import QueueForm, SavedViewForm
from reviewqueue.desk.queue import address
from reviewqueue.queries import saved_views as queries


@require_safe
@decides
def views(request: SignedIn) -> HttpResponse:
    """All views, and a form that keeps the filter `q` as one more."""
    saved = [(view.saved, address(view.query)) for view in queries.views(request.user) if view.saved]
    context = {
        "query": QueueForm(request.GET).query,
        "own": [(view, url) for view, url in saved if view.owner_id == request.user.pk],
        "shared": [(view, url) for view, url in saved if view.owner_id != request.user.pk],
        "longest": saved_views.LONGEST,
    }
    return render(request, "desk/views.html", context)


@require_POST
@decides
def new(request: SignedIn) -> HttpResponse:
    form = SavedViewForm(request.POST)
    saved_views.keep(query=str(form.query), by=request.user, **form.view)
    return redirect(address(form.query))


@require_POST
@decides
def view(request: SignedIn, view_id: int) -> HttpResponse:
    """Rename, share or delete a view of one's own."""
    if "delete" in request.POST:
        saved_views.drop(view_id, by=request.user)
    else:
        saved_views.change(view_id, by=request.user, **SavedViewForm(request.POST).view)
    return redirect("views")
