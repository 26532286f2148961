"""What people send from the desk, read and cleaned."""

import json
import re
import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewqueue.actions import bulk
from reviewqueue.actions.decide import CAUSES
from reviewqueue.desk.keymap import TABLE
from reviewqueue.edits import canonical
from reviewqueue.filters import Query, parse
from reviewqueue.queries.desk import escalation_reasons, reasons_named
from reviewqueue.queries.queue import START, Cursor

# What the agent can say about a customer's text, beside the label. Each has its key.
CAUSE_WORDS = {cause: TABLE[cause].words for cause in CAUSES}

# What every decision tells.
SEEN = ("epoch", "seen", "rev", "decision_key", "viewed_ms", "causes", "override", "blind", "spans")

# What each verdict of the form hands to its action, beside what every decision tells.
EXTRA: dict[str, tuple[str, ...]] = {
    "approve": ("confirmed",),
    "edit": ("text", "reasons", "note"),
    "reject": ("reasons", "note"),
    "return": ("reasons", "note"),
    "discard": (),
}

# How the changes of an edit are shown, in the order in which a key goes through them.
VIEWS = ("inline", "side", "final")

# The largest numbers that the columns hold: a form must not carry what the database cannot even compare.
MOST = 2**31 - 1
MOST_BIG = 2**63 - 1


class Text(forms.CharField):
    """A text as it was typed: nothing stripped, and the line ends that a browser sends (CRLF) made LF again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, **options)

    def to_python(self, value: Any) -> str:
        return canonical(super().to_python(value) or "")


class Digest(forms.Field):
    def to_python(self, value: Any) -> bytes:
        try:
            return bytes.fromhex(value or "")
        except ValueError:
            raise forms.ValidationError(_("The form is damaged. Open the draft again.")) from None


class Places(forms.Field):
    """Marked places of a text as a script sends them: [[start, end]] in code points. Which of them there are is the
    action's to know."""

    def to_python(self, value: Any) -> list[list[int]]:
        try:
            places = json.loads(value or "[]")
            sound = all(len(place) == 2 and all(type(end) is int for end in place) for place in places)
        except (ValueError, TypeError, RecursionError):
            sound = False
        if not sound:
            raise forms.ValidationError(_("The form is damaged. Open the draft again."))
        return [list(place) for place in places]


class Words(forms.Field):
    """Several words in one field, as a button has but one value."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> list[str]:
        return str(value or "").split()


class LeaseForm(forms.Form):
    """Whose turn it is: `epoch` is that of the claim the page was made for."""

    epoch = forms.IntegerField(min_value=0, max_value=MOST_BIG)


class DecisionForm(LeaseForm):
    """One press of a decision button, with what was on the screen."""

    verdict = forms.ChoiceField(choices=[(verdict, verdict) for verdict in EXTRA])
    seen = Digest()
    rev = forms.IntegerField(required=False, min_value=0, max_value=MOST)
    decision_key = forms.UUIDField()
    text = Text()
    reasons = forms.TypedMultipleChoiceField(required=False)
    note = Text()
    override = Words()
    causes = forms.MultipleChoiceField(required=False, choices=[(cause, cause) for cause in CAUSES])
    viewed_ms = forms.CharField(required=False)
    blind = forms.BooleanField(required=False)
    spans = Places(required=False)
    listed = Text()
    confirmed = forms.CharField(required=False, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Which reasons there are is the action's to know; here each is only a word.
        self.fields["reasons"].valid_value = lambda value: True  # type: ignore[attr-defined]

    def clean_viewed_ms(self) -> int | None:
        """A damaged clock must not cost anybody a decision: then the server's own time counts."""
        value = self.cleaned_data["viewed_ms"]
        # int() refuses thousands of digits; no real clock has more than the column's ten.
        return min(int(value), MOST) if value.isascii() and value.isdigit() and len(value) <= len(str(MOST)) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("verdict") == "return" and not data.get("note", "").strip():
            self.add_error("note", _("Write what the bot should do otherwise."))
        # A label beyond the ninth is chosen from a list.
        data["text"] = data.get("text") or data.get("listed", "")
        if data.get("verdict") == "reject":
            self._check_reasons(data.get("reasons") or [], data.get("note", ""))
        return data

    def _check_reasons(self, chosen: list[str], note: str) -> None:
        """Said beside the field what the action would refuse on a page of its own."""
        if not chosen:
            self.add_error("reasons", _("Choose a reason for the rejection."))
        known = reasons_named(chosen)
        for slug in chosen:
            if slug not in known:
                self.add_error("reasons", _("There is no reason '%s'. Choose one of the list.") % slug)
            elif known[slug].needs_note and not note.strip():
                self.add_error("note", _("%s needs a note that says more.") % known[slug].words)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the verdict's action."""
        names = (*SEEN, *EXTRA[self.cleaned_data["verdict"]])
        return {name: self.cleaned_data[name] for name in names}


class HandoverForm(LeaseForm):
    """To whom a draft goes, and why."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in ("escalated", "handed-over", "help")])
    to = forms.IntegerField(required=False, min_value=1, max_value=MOST)
    reason = forms.CharField(required=False, max_length=200)
    note = Text()

    def clean(self) -> dict[str, Any]:
        """Said beside the field what the action would refuse on a page of its own."""
        data = super().clean() or {}
        kind, note = data.get("kind"), data.get("note", "").strip()
        if kind == "escalated":
            self._check_reason(data.get("reason", ""), note)
        elif kind and not data.get("to"):
            self.add_error("to", _("Choose who gets the draft."))
        if kind == "help" and not note:
            self.add_error("note", _("Write what you ask."))
        return data

    def _check_reason(self, slug: str, note: str) -> None:
        known = {reason.slug: reason for reason in escalation_reasons()}
        if slug not in known:
            self.add_error("reason", _("Say why the draft goes to the leads."))
        elif known[slug].needs_note and not note:
            self.add_error("note", _("%s needs a note that says more.") % known[slug].words)

    @property
    def arguments(self) -> dict[str, Any]:
        names = ("epoch", "note", "reason" if self.cleaned_data["kind"] == "escalated" else "to")
        return {name: self.cleaned_data[name] for name in names}


class WatchForm(forms.Form):
    """What stands on a screen: a draft under a claim, with the messages up to `rev`. Empty where nothing does."""

    draft = forms.IntegerField(required=False, min_value=1, max_value=MOST_BIG)
    epoch = forms.IntegerField(required=False, min_value=0, max_value=MOST_BIG)
    rev = forms.IntegerField(required=False, min_value=0, max_value=MOST)


class PulseForm(forms.Form):
    """`idle` are the seconds since the person last did something; `over` gives back what is leased ahead."""

    idle = forms.IntegerField(min_value=0, max_value=MOST)
    editing = forms.BooleanField(required=False)
    over = forms.BooleanField(required=False)


class TypedForm(forms.Form):
    """What is in the editor, and how its changes are to be shown."""

    text = Text()
    view = forms.ChoiceField(required=False, choices=[(view, view) for view in VIEWS])


class NoteForm(forms.Form):
    note = Text()


class ClaimForm(forms.Form):
    draft = forms.IntegerField(required=False, min_value=1, max_value=MOST_BIG)


class SettlementForm(forms.Form):
    outcome = forms.ChoiceField(choices=[("undone", "undone"), ("held", "held"), ("final", "final")])


class QueueForm(forms.Form):
    """The list's filter, as it stands in the address. What makes no sense there narrows nothing."""

    q = forms.CharField(required=False)
    after = forms.RegexField(required=False, regex=r"\A[0-9]{1,18}-[0-9]{1,18}\Z")

    @property
    def query(self) -> Query:
        self.is_valid()
        return parse(self.cleaned_data.get("q", ""))

    @property
    def cursor(self) -> Cursor:
        self.is_valid()
        given = self.cleaned_data.get("after", "")
        return Cursor(*map(int, given.split("-"))) if given else START


class NewsForm(QueueForm):
    """What a page of the list says of itself when it asks for news."""

    since = forms.IntegerField(required=False, min_value=0, max_value=MOST_BIG)
    rows = forms.RegexField(required=False, regex=r"\A[0-9]{1,18}(,[0-9]{1,18}){0,99}\Z")

    @property
    def newest(self) -> int:
        self.is_valid()
        since: int | None = self.cleaned_data.get("since")
        return MOST_BIG if since is None else since

    @property
    def ids(self) -> list[int]:
        self.is_valid()
        given = self.cleaned_data.get("rows", "")
        return [int(draft_id) for draft_id in given.split(",")] if given else []


class SavedViewForm(QueueForm):
    """What a view is called, and whether the team sees it. Whether that goes is the action's to say."""

    name = forms.CharField(required=False)
    shared = forms.BooleanField(required=False)

    @property
    def view(self) -> dict[str, Any]:
        self.is_valid()
        return {"name": self.cleaned_data.get("name", ""), "shared": self.cleaned_data.get("shared", False)}


class SelectionForm(QueueForm):
    """What is selected in the list and which button was pressed; for a decision, then, each draft as it was shown."""

    do = forms.CharField()
    drafts = forms.TypedMultipleChoiceField(required=False)
    item = forms.TypedMultipleChoiceField(required=False)
    to = forms.IntegerField(required=False, min_value=1, max_value=MOST_BIG)
    reasons = forms.TypedMultipleChoiceField(required=False)
    note = Text()

    SELECTED = re.compile(r"[0-9]{1,18}")
    SHOWN = re.compile(r"([0-9]{1,18}):([0-9a-f]{64}):([0-9]{0,9}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, shape in (("drafts", self.SELECTED), ("item", self.SHOWN), ("reasons", re.compile(".*"))):
            self.fields[name].valid_value = shape.fullmatch  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not 0 < len(data.get("drafts") or data.get("item") or []) <= bulk.MOST:
            raise forms.ValidationError(_("Select drafts in the list first, at most 50."))
        return data

    @property
    def ids(self) -> list[int]:
        return [int(draft_id) for draft_id in self.cleaned_data["drafts"]]

    @property
    def items(self) -> list[bulk.Item]:
        found = [self.SHOWN.fullmatch(item) for item in self.cleaned_data["item"]]
        return [
            bulk.Item(int(item[1]), bytes.fromhex(item[2]), int(item[3]) if item[3] else None, uuid.UUID(item[4]))
            for item in found
            if item
        ]
