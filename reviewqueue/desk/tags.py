"""Tags and filters that every template has: how this product writes numbers, times, languages and changes."""

import json
from bisect import bisect
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf.locale import LANG_INFO
from django.template import Context, Library
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reviewqueue.care import READ
from reviewqueue.characters import MARKS, direction, hidden
from reviewqueue.checks import SAYS, Finding, errors, warnings
from reviewqueue.desk import numbers
from reviewqueue.desk.changes import Run, counted, lines, pairs, runs
from reviewqueue.desk.keymap import TABLE, Action, Keymap, Words, keymap_of
from reviewqueue.models import Draft, User
from reviewqueue.queries.desk import Bench
from reviewqueue.queries.queue import Count
from reviewqueue.queries.rates import Rate

register = Library()

# For "none", and between two numbers.
DASH = "\N{EN DASH}"

# A change list longer than this starts with a summary, and its parts drop their hidden words (they would flood
# a screen reader).
MANY_CHANGES = 12

# From this many decisions on a rate is written with one decimal.
DECIMAL_FROM = 1000


@register.simple_tag
def icon(name: str) -> SafeString:
    """A picture beside a word, never instead of one."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name)


# --- Keys ---------------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def key(context: Context, slug: str, number: int | None = None) -> SafeString:
    """The attributes of what an action's key presses: `<button {% key "approve" %}>`, and for the entries of
    a numbered list `{% key "choose" forloop.counter %}`. The badge, too, is drawn from them."""
    keymap = _keymap(context)
    pressed = keymap.key(slug, number)
    if not pressed:
        return SafeString("")
    spoken = keymap.spoken(pressed)
    aria = format_html(' aria-keyshortcuts="{}"', spoken) if spoken else ""
    return format_html('data-key="{}"{}', pressed, aria)


@register.simple_tag(takes_context=True)
def refuses(context: Context, slug: str) -> SafeString:
    """For the words that say why an action is not there: `<p {% refuses "approve" %}>…` is spoken when its key is
    pressed."""
    return format_html('data-refuses="{}"', _keymap(context).key(slug))


@register.simple_tag
def waits(bench: Bench) -> SafeString:
    """The attributes of an Approve button by which bench.js holds it until there was time to read."""
    if bench.tier == "low":
        return SafeString("")
    wait = format_html('data-hold="{}" data-wait="{}"', bench.hold_ms, _("Approve available in {n} s"))
    if bench.tier == "high":
        return wait
    return format_html('{} data-unread="{}"', wait, _("Read to the end of the draft first"))


@register.simple_tag(takes_context=True)
def walks(context: Context, *slugs: str) -> SafeString:
    """For what is walked through by keys: `<table {% walks "next" "previous" %}>`. Its stops are the elements with
    `data-stop` in it."""
    keymap = _keymap(context)
    return format_html('data-walk="{}"', json.dumps({keymap.key(slug): slug for slug in slugs}))


@register.simple_tag(takes_context=True)
def keyboard(context: Context) -> list[tuple[str, Words, list[tuple[Action, str]]]]:
    """The whole table, by screen."""
    return _keymap(context).sections()


def _keymap(context: Context) -> Keymap:
    return context.get("keymap") or keymap_of(None)


# --- Numbers ------------------------------------------------------------------------------------------------


@register.filter
def number(value: int | None) -> str:
    return DASH if value is None else numbers.decimal(value)


@register.filter
def capped(value: int, most: int) -> str:
    """A count that stopped at `most`: "1,000+"."""
    return f"{numbers.decimal(most)}+" if value > most else numbers.decimal(value)


@register.filter
def bounded(count: Count) -> str:
    """A count that may have stopped: "88+"."""
    return f"{numbers.decimal(count.n)}+" if count.more else numbers.decimal(count.n)


@register.filter
def confidence(value: float | None) -> str:
    return DASH if value is None else numbers.decimal(value, 2)


@register.filter
def percent(rate: Rate) -> str:
    """A rate as people read it: whole per cent, one decimal from 1,000 decisions on, nothing under 30."""
    return numbers.percent(rate.share, _digits(rate)) if rate.shown else ""


@register.filter
def interval(rate: Rate) -> str:
    """The 95 % interval of a rate in per cent, from and to with an en dash between them."""
    if not rate.shown:
        return ""
    low, high = (numbers.decimal(share * 100, _digits(rate)) for share in (rate.low, rate.high))
    return f"{low}{DASH}{high}"


def _digits(rate: Rate) -> int:
    return 1 if rate.n >= DECIMAL_FROM else 0


@register.simple_tag
def whisker(rate: Rate) -> SafeString:
    """The interval drawn: ─●─ on a line from 0 to 100. Says nothing that the words beside it do not say."""
    if not rate.shown:
        return SafeString("")
    low, share, high = (f"{value * 160:.1f}" for value in (rate.low, rate.share, rate.high))
    return format_html(
        '<svg class="whisker" viewBox="0 0 160 12" width="160" height="12" aria-hidden="true">'
        '<line class="rail" x1="0" y1="6" x2="160" y2="6"/>'
        '<line class="span" x1="{}" y1="6" x2="{}" y2="6"/><circle cx="{}" cy="6" r="3"/></svg>',
        low,
        high,
        share,
    )


# --- Times --------------------------------------------------------------------------------------------------


@register.filter
def span(value: float | timedelta | None) -> str:
    """A duration: 8.4 s, 14 min, 3 h 20 min, 3 days."""
    if value is None:
        return DASH
    seconds = abs(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < 60:
        return _("%(n)s s") % {"n": numbers.decimal(seconds, 1, least=0)}
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if hours < 1:
        return _("%(n)s min") % {"n": minutes}
    if hours < 48:
        rest = minutes % 60
        return _("%(h)s h %(m)s min") % {"h": hours, "m": rest} if rest else _("%(h)s h") % {"h": hours}
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@register.filter
def seconds(milliseconds: int) -> float:
    return milliseconds / 1000


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago, in whole minutes at the least: a work list does not count seconds."""
    if moment is None:
        return DASH
    gone = timezone.now() - moment
    return span(gone) if gone >= timedelta(minutes=1) else _("under 1 min")


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    if moment is None:
        return DASH
    words = _("%(span)s ago") % {"span": since(moment)}
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), words)


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """A point in time with its zone: 12 Nov 2026, 14:02 UTC."""
    if value is None:
        return DASH
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}">{} {}</time>', value.isoformat(), numbers.day_and_time(local), f"{local:%Z}"
    )


@register.simple_tag
def clock(value: datetime | None) -> SafeString | str:
    """A time of today, to the second."""
    if value is None:
        return DASH
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), f"{local:%H:%M:%S}")


@register.simple_tag
def due(moment: datetime) -> SafeString:
    """46 min left; 4 min left with a sign; 12 min over with another."""
    left = moment - timezone.now()
    if left < timedelta(0):
        state, words = "late", _("%(span)s over") % {"span": span(left)}
    else:
        state = "soon" if left < timedelta(minutes=10) else "fine"
        words = _("%(span)s left") % {"span": since(timezone.now() - left)}
    mark = "" if state == "fine" else icon("alert")
    return format_html(
        '<span class="due {}">{}<time datetime="{}">{}</time></span>', state, mark, moment.isoformat(), words
    )


@register.filter
def seconds_left(until: datetime) -> str:
    """For the script that counts down: by how much, not until when, as the clocks of two machines differ."""
    return f"{max(0.0, (until - timezone.now()).total_seconds()):.1f}"


# --- Languages and people -----------------------------------------------------------------------------------


@register.filter
def language(tag: str) -> str:
    """The name of a BCP 47 tag, or the tag itself."""
    if tag == "und":
        return _("language not stated")
    info = LANG_INFO.get(tag.lower()) or LANG_INFO.get(tag.split("-")[0].lower())
    return _(info["name"]) if info and "name" in info else tag


@register.filter
def lang(tag: str) -> str:
    """The value of a `lang` attribute; empty says "unknown", which keeps the page's own language off the text."""
    return "" if tag == "und" else tag


@register.simple_tag
def ident(draft_id: int) -> SafeString:
    """A draft's number, left to right in any language."""
    return format_html('<bdi class="id" dir="ltr">#{}</bdi>', draft_id)


@register.filter
def person(user: User | None, me: User) -> str:
    if user is None:
        return ""
    return _("you") if user.pk == me.pk else str(user)


# What the status line says after a press of a button; {next} stands for the draft that is on the screen then.
SAID = {
    "approved": (gettext_lazy("Approved {draft}. Now {next}."), gettext_lazy("Approved. {next}")),
    "edited": (gettext_lazy("Approved {draft} as edited. Now {next}."), gettext_lazy("Edited. {next}")),
    "rejected": (gettext_lazy("Rejected {draft}. Now {next}."), gettext_lazy("Rejected. {next}")),
    "decided": (gettext_lazy("Labelled {draft}. Now {next}."), gettext_lazy("Labelled. {next}")),
    "skipped": (gettext_lazy("Skipped {draft}. Now {next}."), gettext_lazy("Skipped. {next}")),
}


@register.simple_tag(takes_context=True)
def told(context: Context, done: str) -> str:
    """The one sentence for a decision, as long as the person likes it."""
    full, short = SAID[done]
    wishes = context.get("preferences")
    words = short if wishes and wishes.announce == "short" else full
    return str(words).replace("{draft}", f"#{context['draft'].pk}")


PRESENCE = {
    "viewing": gettext_lazy("%(name)s, viewing"),
    "editing": gettext_lazy("%(name)s, editing"),
    "idle": gettext_lazy("%(name)s, idle"),
}


@register.filter
def present(name: str, presence: str) -> str:
    """Who has a draft, and what they do with it."""
    return str(PRESENCE[presence]) % {"name": name} if presence else name


# --- Drafts and decisions -----------------------------------------------------------------------------------

# The same words in the pages, the API, the CSV and the log; a label is confirmed or corrected.
VERDICTS = {
    "approved": gettext_lazy("approved"),
    "edited": gettext_lazy("edited"),
    "rejected": gettext_lazy("rejected"),
    "returned": gettext_lazy("returned"),
    "written": gettext_lazy("written"),
}
LABEL_VERDICTS = VERDICTS | {
    "approved": gettext_lazy("label confirmed"),
    "edited": gettext_lazy("label corrected"),
    "rejected": gettext_lazy("rejected, cannot tell"),
}


@register.filter
def verdict(slug: str, kind: str) -> str:
    return str((LABEL_VERDICTS if kind == "sentiment" else VERDICTS)[slug])


KINDS = {"reply": gettext_lazy("Reply"), "sentiment": gettext_lazy("Sentiment label")}


@register.filter
def kind(slug: str) -> str:
    """What a draft is, and what it is called where nothing else is known of it."""
    return str(KINDS[slug])


STATUSES = {
    "received": gettext_lazy("received"),
    "waiting": gettext_lazy("waiting"),
    "claimed": gettext_lazy("claimed"),
    "decided": gettext_lazy("decided"),
    "refused": gettext_lazy("refused"),
    "withdrawn": gettext_lazy("withdrawn"),
    "expired": gettext_lazy("expired"),
}


@register.filter
def status(slug: str) -> str:
    """Where a draft is."""
    return str(STATUSES[slug])


# What one try to deliver came to.
OUTCOMES = {
    "delivered": gettext_lazy("delivered"),
    "retry": gettext_lazy("will be tried again"),
    "gone": gettext_lazy("receiver is gone"),
    "lost": gettext_lazy("no answer came"),
    "impossible": gettext_lazy("cannot be sent"),
}


@register.filter
def outcome(slug: str) -> str:
    return str(OUTCOMES[slug])


@register.filter
def cause(slug: str) -> str:
    """What makes a text hard to judge."""
    return str(TABLE[slug].words)


PURPOSES = {
    "ai_drafting": gettext_lazy("AI replies"),
    "ai_sentiment": gettext_lazy("AI mood labels"),
    "training": gettext_lazy("Training of AI"),
    "analysis": gettext_lazy("Analysis"),
}


@register.filter
def purpose(slug: str) -> str:
    """What a customer agreed to or declined."""
    return str(PURPOSES[slug])


@register.filter
def point(text: str) -> str:
    """A point of the policy, in a lead's words; the one that is always there in the page's language."""
    return _("Read, with the messages and the sources") if text == READ else text


@register.filter
def title(draft: Draft) -> str:
    """What a draft is called: the subject of its conversation, or what it is."""
    subject = draft.conversation.subject if draft.conversation else None
    if subject and subject.text:
        return subject.text
    return kind(draft.kind)


# --- Texts --------------------------------------------------------------------------------------------------


# Characters of the words of a finding that are repeated beside it.
REPEATED = 60


class Place(NamedTuple):
    """Where a finding is: the id of its mark, and the words there."""

    mark: str
    words: str


class Checked(NamedTuple):
    """What one check says about a text, and all the places it says it of."""

    level: str
    says: str
    places: list[Place]


@register.filter
def exactly(text: str) -> SafeString:
    """A text with the names of its hidden characters in their places."""
    return format_html_join("", "{}", ((part,) for part in _exactly(text)))


def _exactly(text: str) -> Iterator[SafeString | str]:
    """Hidden characters do not come along: shown by name, they turn no words around. Marks of direction do, as their
    reader meant the text to be read that way."""
    at = 0
    for run in hidden(text):
        yield text[at : run.start]
        at = run.end
        marks = "".join(one for one in text[run.start : at] if one in MARKS)
        hides = run.end - run.start - len(marks)
        shown = '<bdi class="unseen" dir="ltr" lang="en" translate="no" data-hides="{}">{}</bdi>{}'
        yield format_html(shown, hides, run.names, marks)
    yield text[at:]


@register.filter
def unseen(text: str) -> str:
    """For what stands in a field, where no name can be: 1 hidden character: RIGHT-TO-LEFT OVERRIDE at 14"""
    found = list(hidden(text))
    if not found:
        return ""
    count = sum(run.end - run.start for run in found)
    words = ngettext("%(n)s hidden character:", "%(n)s hidden characters:", count) % {"n": numbers.decimal(count)}
    places = [_("%(name)s at %(place)s") % {"name": run.names, "place": run.start + 1} for run in found[:MANY_CHANGES]]
    return f"{words} {', '.join(places)}{', …' if len(found) > MANY_CHANGES else ''}"


@register.filter
def marked(text: str, findings: Iterable[Finding]) -> SafeString:
    """The text with the places that the checks found marked; overlapping findings share a mark."""
    return format_html_join("", "{}", ((part,) for part in _marks(text, _merged(findings))))


@register.filter
def checked(text: str, findings: Iterable[Finding]) -> list[Checked]:
    """One entry for each check that found something."""
    starts = [start for start, _end, _level in _merged(findings)]
    entries: dict[str, Checked] = {}
    for finding in findings:
        says = _(SAYS.get(finding.check, finding.check))
        entry = entries.setdefault(finding.check, Checked(finding.level, says, []))
        if finding.start < finding.end:
            mark = starts[bisect(starts, finding.start) - 1]
            entry.places.append(Place(f"found-{mark}", _words(text[finding.start : finding.end])))
    return list(entries.values())


@register.filter
def warned(findings: Iterable[Finding]) -> str:
    """The checks that only warn, for the button that goes on all the same."""
    return " ".join(sorted({finding.check for finding in warnings(findings)}))


@register.filter
def blocks(findings: Iterable[Finding]) -> bool:
    """One of them is an error."""
    return bool(errors(findings))


@register.filter("says")
def check_says(check: str) -> str:
    return _(SAYS.get(check, check))


@register.filter
def findings(stored: Iterable[dict[str, Any]]) -> list[Finding]:
    """As they are stored with a draft or a decision."""
    return [Finding(**finding) for finding in stored]


def _merged(findings: Iterable[Finding]) -> list[tuple[int, int, str]]:
    """Places without an overlap, in reading order."""
    merged: list[tuple[int, int, str]] = []
    at = 0
    for start, end, level in sorted((finding.start, finding.end, finding.level) for finding in findings):
        if max(start, at) < end:
            merged.append((max(start, at), end, level))
            at = end
    return merged


def _marks(text: str, places: list[tuple[int, int, str]]) -> Iterator[SafeString]:
    at = 0
    for start, end, level in places:
        yield exactly(text[at:start])
        yield format_html(
            '<mark class="{}" id="found-{}" tabindex="-1">{}</mark>', level, start, exactly(text[start:end])
        )
        at = end
    yield exactly(text[at:])


def _words(text: str) -> str:
    """What is written there; of what nobody sees, its name."""
    text = ", ".join(run.names for run in hidden(text)) or text
    return text if len(text) <= REPEATED else f"{text[: REPEATED - 1]}…"


@register.simple_tag
def changes(parts: list[tuple[str, str]], without: str = "") -> SafeString:
    """A word diff as paragraphs with <del> and <ins>; each says in hidden words what it is. `without` leaves out the
    one or the other, as between two columns."""
    shown = [run for run in runs(parts) if run.op != without]
    told = not without and not many(parts)
    whole = _way(shown, "auto")
    return format_html_join("", '<p dir="{}">{}</p>', ((_way(line, whole), _line(line, told)) for line in lines(shown)))


def _way(line: list[Run], else_: str) -> str:
    """Each paragraph is read its own way. That of what stays counts: no customer reads what was deleted."""
    stays = direction("".join(run.text for run in line if run.op != "delete"))
    ways = (stays, direction("".join(run.text for run in line)))
    return next((way for way in ways if way != "auto"), else_)


def _line(line: list[Run], told: bool) -> SafeString:
    return format_html_join("", "{}", ((_part(run, told),) for run in line))


def _part(run: Run, told: bool) -> SafeString:
    if run.op == "equal":
        return exactly(run.text)
    gone = run.op == "delete"
    words = (
        format_html('<span class="vh" dir="auto">{} </span>', _("deleted:") if gone else _("inserted:")) if told else ""
    )
    return format_html("<del>{}{}</del>" if gone else "<ins>{}{}</ins>", words, _visible(run.text))


def _visible(text: str) -> SafeString:
    """White space that changed can be seen: line ends always, spaces where nothing else changed."""
    if not text.strip():
        text = text.replace(" ", "·")
    mark = SafeString('<span class="mark" aria-hidden="true">↵</span>\n')
    return format_html_join(mark, "{}", ((exactly(line),) for line in text.split("\n")))


@register.filter
def many(parts: list[tuple[str, str]]) -> bool:
    """So many changes that a list of them reads better."""
    return counted(parts)[0] > MANY_CHANGES


@register.filter
def listed(parts: list[tuple[str, str]]) -> list[SafeString]:
    """The changes in words, one by one."""
    said = {
        (True, True): _("replaced {old} by {new}"),
        (True, False): _("deleted {old}"),
        (False, True): _("inserted {new}"),
    }
    return [
        format_html(
            said[bool(old), bool(new)],
            old=format_html('<del dir="auto">{}</del>', _visible(old)),
            new=format_html('<ins dir="auto">{}</ins>', _visible(new)),
        )
        for old, new in pairs(parts)
    ]


@register.filter
def changed(parts: list[tuple[str, str]]) -> str:
    """In words: 3 changes: 4 words deleted, 5 inserted."""
    count, gone, new = counted(parts)
    if not count:
        return _("No change.")
    changes = ngettext("%(n)s change", "%(n)s changes", count) % {"n": count}
    words = []
    if gone:
        words.append(ngettext("%(n)s word deleted", "%(n)s words deleted", gone) % {"n": gone})
    if new:
        words.append(ngettext("%(n)s word inserted", "%(n)s words inserted", new) % {"n": new})
    return f"{changes}: {', '.join(words)}." if words else f"{changes}."
