"""How a queue works: set by leads."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from reviewqueue.actions import queues as actions
from reviewqueue.desk.access import SignedIn, leads
from reviewqueue.desk.forms import MOST
from reviewqueue.edits import canonical
from reviewqueue.models import Queue

RISK_WORDS = {"low": _("low"), "normal": _("normal"), "high": _("high")}

HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")

# "chat 3", "chat: 3", "chat=3"
CHANNEL_HOLD = re.compile(r"(?P<channel>[a-z0-9_-]{1,32})(?:\s*[:=]\s*|\s+)(?P<seconds>[0-9]{1,9})\Z")
LONGEST_HOLD = 1800

# The most entries of a list, and the most characters of one.
ENTRIES = 200
LONGEST = 200


class Lines(forms.CharField):
    """A list, one entry a line; empty lines are none."""

    def __init__(self, *, most: int = ENTRIES, host: bool = False, **options: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": min(most, 5), "dir": "auto"}), **options)
        self.most = most
        self.host = host

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        entries = [line.strip() for line in canonical(super().clean(value)).split("\n") if line.strip()]
        entries = list(dict.fromkeys(entry.lower() for entry in entries) if self.host else dict.fromkeys(entries))
        if len(entries) > self.most:
            says = ngettext("At most %(n)s line.", "At most %(n)s lines.", self.most)
            raise forms.ValidationError(says % {"n": self.most})
        for entry in entries:
            if len(entry) > LONGEST:
                raise forms.ValidationError(_("A line is too long: %s") % entry[:40])
            if self.host and not HOST.match(entry):
                raise forms.ValidationError(_("This is no name of a host: %s") % entry[:40])
        return entries


class ChannelHolds(Lines):
    """{channel: seconds}, one a line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            value = [f"{channel} {seconds}" for channel, seconds in value.items()]
        return super().prepare_value(value)

    def clean(self, value: Any) -> dict[str, int]:  # type: ignore[override]
        holds: dict[str, int] = {}
        for line in super().clean(value):
            found = CHANNEL_HOLD.match(line)
            if not found:
                raise forms.ValidationError(_("Write a channel and its seconds, such as “chat 3”, not: %s") % line[:40])
            if found["channel"] in holds:
                raise forms.ValidationError(_("There are two lines for one channel: %s") % found["channel"])
            holds[found["channel"]] = int(found["seconds"])
        if any(seconds > LONGEST_HOLD for seconds in holds.values()):
            raise forms.ValidationError(_("The longest hold is %s seconds.") % LONGEST_HOLD)
        return holds


class QueueSettings(forms.Form):
    """The fields of a queue; ranges are those that the database holds."""

    guidelines = forms.CharField(
        label=_("Guidelines"),
        help_text=_("Beside every draft. Plain text; an empty line begins a paragraph."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
    )
    risk = forms.ChoiceField(
        label=_("Care, at least"),
        help_text=_("Normal: Approve waits until there was time to read. High: a policy point is confirmed, too."),
        choices=RISK_WORDS.items,
    )
    policy_points = Lines(
        label=_("Policy points"), help_text=_("One a line, at most 3. One is confirmed where care is high."), most=3
    )
    seats = forms.IntegerField(
        label=_("People who judge each draft"), help_text=_("For drafts from now on."), min_value=1, max_value=2
    )
    blind_percent = forms.IntegerField(
        label=_("Labels judged blind, in percent"),
        help_text=_("For this share the AI label is hidden until a person has chosen."),
        min_value=0,
        max_value=100,
    )
    promise_words = Lines(label=_("Words that promise something"), help_text=_("One a line. Checks warn of them."))
    known_hosts = Lines(label=_("Known hosts"), help_text=_("One a line. Checks warn of links to others."), host=True)
    return_rounds = forms.IntegerField(label=_("Times a bot may try again"), min_value=0, max_value=10)
    priority = forms.IntegerField(
        label=_("Priority"),
        help_text=_("0 is handed out first, 9 last. For drafts from now on."),
        min_value=0,
        max_value=9,
    )
    hold_seconds = forms.IntegerField(
        label=_("Seconds a decision can be undone"),
        help_text=_("With 0 it is sent at once and cannot be undone."),
        min_value=0,
        max_value=LONGEST_HOLD,
    )
    channel_holds = ChannelHolds(
        label=_("Seconds a reply can be undone, channel by channel"),
        help_text=_("One a line: the channel and its seconds, such as “chat 3”. All others have the seconds above."),
    )
    lease_seconds = forms.IntegerField(
        label=_("Seconds a claim lasts without a sign of life"), min_value=5, max_value=86_400
    )
    target_seconds = forms.IntegerField(
        label=_("Seconds until a draft is due"),
        help_text=_("Where the bot names no time."),
        min_value=0,
        max_value=MOST,
    )

    def clean_guidelines(self) -> str:
        return canonical(self.cleaned_data["guidelines"])


@require_safe
@leads
def queues(request: SignedIn) -> HttpResponse:
    return render(request, "desk/queues.html", {"queues": Queue.objects.order_by("name")})


@require_http_methods(["GET", "HEAD", "POST"])
@leads
def queue(request: SignedIn, queue_id: int) -> HttpResponse:
    found = Queue.objects.filter(pk=queue_id).first()
    if found is None:
        raise Http404
    stored = {name: getattr(found, name) for name in QueueSettings.base_fields}
    form = QueueSettings(request.POST if request.method == "POST" else None, initial=stored)
    if form.is_valid():
        changed = actions.change(queue_id, by=request.user, **form.cleaned_data)
        messages.success(request, str(_("The queue is saved.") if changed else _("Nothing was changed.")))
        return redirect("queues")
    return render(
        request, "desk/queue_settings.html", {"queue": found, "form": form}, status=422 if form.errors else 200
    )
