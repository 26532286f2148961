"""A person decides. Vote, decision, deliveries, feedback and log line are one transaction."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NotRequired, TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from reviewqueue import checks, edits
from reviewqueue.actions import careful
from reviewqueue.actions.claim import promote
from reviewqueue.actions.lease import SHOWN, dropped, lease_lost
from reviewqueue.actions.log import log
from reviewqueue.actions.order import no_longer_waiting, now_waiting
from reviewqueue.actions.settle import settle_at_once
from reviewqueue.actions.vote import forget_skips, keep, next_lane, refuse_out_of_turn, settles, votes_of
from reviewqueue.care import is_blind
from reviewqueue.checks import Finding
from reviewqueue.lifecycle import DRAFT, Refused, move
from reviewqueue.models import Body, Decision, Draft, Reason, Remark, User, Vote
from reviewqueue.models.decision import SENT_VERDICTS
from reviewqueue.queries.endpoints import endpoints_for
from reviewqueue.queries.findings import of_text
from reviewqueue.queries.returns import rounds_left
from reviewqueue.rows import ask, composed, read

# What the person says about the language of a text, whatever the verdict.
CAUSES = ("sarcasm", "slang", "dialect", "mixed-language", "both-moods", "unclear")

# A time on a draft beyond this (ms) says that the person went away.
LONGEST_VIEW_MS = 24 * 3600 * 1000

REV = "SELECT rev FROM conversation WHERE id = (SELECT conversation_id FROM draft WHERE id = %s) FOR NO KEY UPDATE"
VOTE = "SELECT * FROM vote WHERE decision_key = %s"

# All that a decision leaves behind, of which none may be missing. The database's clock alone says when its hold ends.
RECORD = """
WITH vote AS (
  INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, conversation_rev,
                    decision_key, at)
  VALUES (%(draft)s, %(round)s, %(seat)s, %(agent)s, %(epoch)s, %(verdict)s, %(seen)s, %(final)s, %(digest)s, %(blind)s,
          %(rev)s, %(key)s, statement_timestamp())
  RETURNING id, at
), decision AS (
  INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
                        with_agent_id, at)
  SELECT %(draft)s, %(round)s, %(mode)s, %(seats)s, %(verdict)s, %(digest)s, id, %(agent)s, %(with_vote)s,
         %(with_agent)s, at FROM vote
  RETURNING *
), hold AS (
  INSERT INTO hold (decision_id, until)
  SELECT id, statement_timestamp() + make_interval(secs => %(hold)s) FROM decision
  RETURNING decision_id, until
), delivery AS (
  INSERT INTO delivery (decision_id, draft_id, conversation_id, mode, verdict, digest, endpoint_id, status, not_before,
                        epoch, attempts)
  SELECT decision_id, %(draft)s, %(conversation)s, %(mode)s, %(verdict)s, %(digest)s, endpoint, 'held', until, 0, 0
  FROM hold, unnest(%(endpoints)s::bigint[]) AS endpoint
), feedback AS (
  INSERT INTO feedback (decision_id, before_id, after_id, note_id, edit_rate, edit_unit, reasons, causes, viewed_ms,
                        spans, confirmed, findings, overridden)
  SELECT id, %(before)s, %(final)s, %(note)s, %(rate)s, %(unit)s, %(reasons)s::text[], %(causes)s::text[], %(viewed)s,
         %(spans)s::jsonb, %(confirmed)s, %(findings)s::jsonb, %(overridden)s::text[]
  FROM decision
), typed AS (
  DELETE FROM typed WHERE draft_id = %(draft)s
)
SELECT * FROM decision
"""


class Seen(TypedDict):
    """What every decision tells: who, what was on the screen, and the key that makes a repeat harmless.

    `seen` is the digest of the painted text (32 bytes), `rev` the conversation's revision then, `viewed_ms` the time
    since first paint. `blind`: the bot's label was not on the screen; `spans`: the places of the labelled text
    that are the reason ([[start, end]] in code points); `confirmed`: the policy point of tier high.
    `override` names the checks whose warnings were read and set aside.
    """

    by: User
    epoch: int
    seen: bytes
    rev: int | None
    decision_key: UUID
    viewed_ms: NotRequired[int | None]
    causes: NotRequired[Sequence[str]]
    blind: NotRequired[bool]
    spans: NotRequired[careful.Spans]
    confirmed: NotRequired[str]
    override: NotRequired[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One press of a button. `verdict` is what the button says; approved or edited is derived from the text."""

    draft_id: int
    by: User
    epoch: int
    seen: bytes
    rev: int | None
    decision_key: UUID
    verdict: str
    text: str | None = None
    reasons: Sequence[str] = ()
    note: str = ""
    causes: Sequence[str] = ()
    viewed_ms: int | None = None
    own: bool = False
    blind: bool = False
    spans: careful.Spans = ()
    confirmed: str = ""
    override: Sequence[str] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """Goes along with every refusal, so that nothing the person typed is lost."""
        return {"draft_id": self.draft_id, "text": self.text or self.note or None}


def approve(draft_id: int, **seen: Unpack[Seen]) -> Decision | None:
    """Approve the draft, or confirm the label, as it stands. Refusals as in `edit`.

    None, here and below, where it was a vote and others have to judge as well.
    """
    return _decide(Judgement(draft_id=draft_id, verdict="approved", **seen))


def edit(
    draft_id: int, *, text: str, reasons: Sequence[str] = (), note: str = "", **seen: Unpack[Seen]
) -> Decision | None:
    """Send `text` instead of the draft (for a label: one of its labels). A text equal to the draft is an approval, and
    one for a draft that a person began is `written`.

    The same `decision_key` again returns the stored decision. Refused: lease-lost, taken-over, already-decided,
    already-voted, withdrawn, expired, draft-changed, newer-message, check-failed, check-warning, not-allowed,
    reason-missing (an unknown reason); where nothing was changed in tier high: not-confirmed, too-fast.
    """
    text = edits.canonical(text)
    return _decide(Judgement(draft_id=draft_id, verdict="edited", text=text, reasons=reasons, note=note, **seen))


def reject(draft_id: int, *, reasons: Sequence[str], note: str = "", **seen: Unpack[Seen]) -> Decision | None:
    """Send nothing; for a label: "cannot tell". At least one reason; some need a note. Refusals as in `edit`."""
    return _decide(Judgement(draft_id=draft_id, verdict="rejected", reasons=reasons, note=note, **seen))


def return_to_bot(draft_id: int, *, note: str, reasons: Sequence[str] = (), **seen: Unpack[Seen]) -> Decision | None:
    """Have the bot try again, by the instructions in `note`. Refused also: rounds-used, and as in `edit`."""
    return _decide(Judgement(draft_id=draft_id, verdict="returned", reasons=reasons, note=note, **seen))


def discard(draft_id: int, **seen: Unpack[Seen]) -> Decision | None:
    """Send nothing of a text that a person began, and give no reason. Refusals as in `edit`."""
    return _decide(Judgement(draft_id=draft_id, verdict="rejected", own=True, **seen))


@transaction.atomic
def _decide(judgement: Judgement) -> Decision | None:
    # The conversation is locked before the draft, as when a draft is handed in: a message that arrives now waits for
    # the decision, and one that arrived is seen by it.
    rev = _rev_now(judgement.draft_id)
    # Of two equal requests, the second waits here and then finds the first one's decision.
    before = next(iter(_locked(judgement.draft_id)), None)
    if vote := _stored(before, judgement):
        return Decision.objects.filter(by_vote=vote).first()
    if before is None:
        raise Refused("not-found", "There is no such draft.", **judgement.facts)
    _is_allowed(before, rev, judgement)
    votes = votes_of(before)
    refuse_out_of_turn(before, votes, judgement.by, **judgement.facts)
    careful.refuse_unseen(before, judgement.verdict, **judgement.facts)
    text = _text(before, judgement)
    found = _checked(text, before, judgement)
    final = _final(text, before, judgement)
    verdict = _verdict(before, final, judgement)
    if verdict == "approved":
        viewed_ms = _viewed_ms(before, judgement)
        careful.refuse_careless(before, viewed_ms, judgement.confirmed, **judgement.facts)
    if not settles(before, votes, verdict):
        _vote(before, final, verdict, votes, judgement)
        return None
    _take(before, judgement)
    decision = _record(before, final, verdict, found, votes, judgement)
    forget_skips(before, votes)
    if before.slot == SHOWN:
        promote(judgement.by)
    log(f"draft.{decision.verdict}", judgement.by, draft=before.pk, decision=decision.pk, epoch=before.epoch)
    if before.hold_seconds == 0:
        settle_at_once(decision)
    return decision


@composed
def _locked(draft: int) -> "QuerySet[Draft]":
    found = Draft.objects.select_for_update(of=("self",)).filter(pk=draft)
    return found.select_related("body", "customer", "submission", "conversation", "lane__queue")


def _rev_now(draft_id: int) -> int | None:
    """The revision of the draft's conversation, locked; None for a label without one."""
    found = ask(REV, [draft_id])
    return found[0][0] if found else None


def _stored(draft: Draft | None, judgement: Judgement) -> Vote | None:
    """The vote of an earlier request with the same key: its answer was lost, or the button was pressed twice.

    Refused (already-decided) where this one says something else: who changed their mind must not believe that the new
    one counts.
    """
    vote = next(iter(read(Vote, VOTE, [judgement.decision_key])), None)
    if vote is None:
        return None
    mine = draft is not None and draft.pk == vote.draft_id and vote.agent_id == judgement.by.pk
    if not (draft and mine and _is_same(vote, draft, judgement)):
        raise Refused("already-decided", "This form was used before. Open the draft again.", **judgement.facts)
    return vote


def _is_same(vote: Vote, draft: Draft, judgement: Judgement) -> bool:
    """Whether a vote is what this judgement says. A text that was erased since then is taken for the same."""
    if judgement.verdict not in SENT_VERDICTS or vote.final is None:
        return judgement.verdict == vote.verdict
    return vote.final.text in (None, draft.body.text if judgement.text is None else judgement.text)


def _is_allowed(draft: Draft, rev: int | None, judgement: Judgement) -> None:
    """Refuses what must not be decided: by whom, on what text, knowing which messages (`rev`), for which reasons."""
    by, facts = judgement.by, judgement.facts
    if not (by.is_active and by.decides):
        raise Refused("not-allowed", "Your role reads only; it cannot decide drafts.", **facts)
    mine = (draft.status == "claimed" and draft.holder_id == by.pk) or (
        draft.status == "waiting" and draft.last_holder_id == by.pk
    )
    if not mine or draft.epoch != judgement.epoch:
        raise lease_lost(by=by, **facts)
    refused = dropped(draft, **facts)
    if refused and (refused.code == "erased" or judgement.verdict in SENT_VERDICTS):
        raise refused
    if bytes(draft.digest) != judgement.seen:
        raise Refused("draft-changed", "The form was made for another text. Open the draft again.", **facts)
    if rev is not None and rev != judgement.rev:
        raise Refused("newer-message", "The customer wrote again. Read it before you decide.", **facts)
    if judgement.own and draft.origin != "agent":
        raise Refused("not-allowed", "The draft is a bot's. Reject it, and say why.", **facts)
    _reasons_known(draft, judgement)
    if judgement.verdict == "returned":
        _may_return(draft, judgement)


def _may_return(draft: Draft, judgement: Judgement) -> None:
    facts = judgement.facts
    if "return" not in draft.submission.allowed:
        raise Refused("not-allowed", "The bot takes nothing back.", **facts)
    if not judgement.note.strip():
        raise Refused("reason-missing", "Write what the bot should do otherwise.", **facts)
    if rounds_left(draft) <= 0:
        says = "The bot has tried as often as this queue allows. Edit the draft, reject it, or write without AI."
        raise Refused("rounds-used", says, **facts)


def _reasons_known(draft: Draft, judgement: Judgement) -> None:
    facts = judgement.facts
    if judgement.verdict == "rejected" and not judgement.reasons and not judgement.own:
        raise Refused("reason-missing", "Choose a reason for the rejection.", **facts)
    known = {reason.slug: reason for reason in Reason.objects.filter(kind=draft.kind)} if judgement.reasons else {}
    for slug in judgement.reasons:
        if slug not in known:
            raise Refused("reason-missing", f"There is no reason {slug!r}. Choose one of the list.", **facts)
        if known[slug].needs_note and not judgement.note.strip():
            raise Refused("reason-missing", f"{known[slug].label} needs a note that says more.", **facts)
    if unknown := set(judgement.causes) - set(CAUSES):
        raise Refused("reason-missing", f"There is no cause {unknown.pop()!r}.", **facts)


def _text(draft: Draft, judgement: Judgement) -> str:
    """The text that is decided on: what was typed, else the draft's own."""
    for typed in (judgement.text, judgement.note):
        refuse_too_long(typed or "", **judgement.facts)
    text = judgement.text if judgement.text is not None else draft.body.text or ""
    if text != draft.body.text and "edit" not in draft.submission.allowed:
        raise Refused("not-allowed", "The bot allows no edits of this draft.", **judgement.facts)
    sends = judgement.verdict in SENT_VERDICTS
    if sends and draft.kind == "sentiment" and text not in draft.submission.labels:
        raise Refused("check-failed", f"{text!r} is not one of the labels.", **judgement.facts)
    return text


def _checked(text: str, draft: Draft, judgement: Judgement) -> list[Finding]:
    """The findings in the text that is decided on. An error is refused, and a warning that nobody set aside; what
    is not sent may be full of both."""
    found = of_text(text, draft)
    if judgement.verdict not in SENT_VERDICTS:
        return found
    if bad := checks.errors(found):
        raise Refused("check-failed", f"{_says(bad)} Change the text, or reject the draft.", **judgement.facts)
    if new := [finding for finding in checks.warnings(found) if finding.check not in judgement.override]:
        raise Refused("check-warning", f"{_says(new)} Change the text, or send it all the same.", **judgement.facts)
    return found


def _says(found: list[Finding]) -> str:
    return " ".join(dict.fromkeys(checks.SAYS[finding.check] for finding in found))


def _final(text: str, draft: Draft, judgement: Judgement) -> Body | None:
    """The text that leaves: the draft's own where nothing was changed, a new one in the human's ink, or none."""
    if judgement.verdict not in SENT_VERDICTS:
        return None
    if text == draft.body.text:
        return draft.body
    body = Body.of(text, ink="human", customer_id=draft.customer_id)
    body.save()
    return body


def refuse_too_long(typed: str, **facts: Any) -> None:
    """A person's text has the limit of a bot's: what is compared, stored and sent grows with it."""
    if says := too_long(typed):
        raise Refused("check-failed", says, **facts)


def too_long(typed: str) -> str:
    """What is to be said of a text beyond the limit, of any other nothing."""
    size = len(typed.encode())
    if size <= settings.API_TEXT_BYTES:
        return ""
    return f"The text has {size:,} bytes; {settings.API_TEXT_BYTES:,} are the limit. Shorten it."


def _verdict(draft: Draft, final: Body | None, judgement: Judgement) -> str:
    """Whether a text that leaves was changed is told by the text, not by the button."""
    if final is None:
        return judgement.verdict
    if draft.origin == "agent":
        return "written"
    return "approved" if final.pk == draft.body_id else "edited"


def _take(draft: Draft, judgement: Judgement, verb: str = "decide", **changes: Any) -> Draft:
    moved = move(
        Draft.objects.filter(pk=draft.pk, epoch=judgement.epoch).filter(
            Q(holder=judgement.by) | Q(status="waiting", last_holder=judgement.by)
        ),
        DRAFT[verb],
        holder=None,
        slot=None,
        lease_until=None,
        **changes,
    )
    if not moved:
        raise lease_lost(by=judgement.by, **judgement.facts)
    if draft.status == "waiting":
        no_longer_waiting(draft)
    return moved[0]


def _vote(draft: Draft, final: Body | None, verdict: str, votes: Sequence[Vote], judgement: Judgement) -> None:
    """One of several has judged: the draft waits for the next, who learns nothing of it."""
    waits = _take(draft, judgement, "vote", lane=next_lane(draft, votes), last_holder=None, epoch=draft.epoch + 1)
    vote = Vote(
        draft=draft,
        round=draft.round,
        seat=len(votes) + 1,
        agent=judgement.by,
        epoch=draft.epoch,
        verdict=verdict,
        seen=judgement.seen,
        final=final,
        digest=final.digest if final else draft.digest,
        blind=judgement.blind and is_blind(draft),
        conversation_rev=judgement.rev,
        decision_key=judgement.decision_key,
    )
    note = _note(draft, judgement)
    keep(vote, Remark(note=note, reasons=list(judgement.reasons), causes=list(judgement.causes)), judgement.by)
    now_waiting(waits)
    if draft.slot == SHOWN:
        promote(judgement.by)


def _note(draft: Draft, judgement: Judgement) -> Body | None:
    if not judgement.note.strip():
        return None
    note = Body.of(edits.canonical(judgement.note), ink="human", customer_id=draft.customer_id)
    note.save()
    return note


def _record(
    draft: Draft,
    final: Body | None,
    verdict: str,
    found: Sequence[Finding],
    votes: Sequence[Vote],
    judgement: Judgement,
) -> Decision:
    """Vote, decision, its hold, one held delivery for each endpoint, and feedback: one statement."""
    digest = final.digest if final else draft.digest
    note = _note(draft, judgement)
    rate, unit = None, None
    if final is not None and draft.kind == "reply" and draft.origin == "bot":
        rate, unit = edits.edit_rate(draft.body.text or "", final.text or "", draft.submission.language)
    sent = final is not None and draft.mode == "live"
    row = {
        "draft": draft.pk, "round": draft.round, "agent": judgement.by.pk, "epoch": draft.epoch,
        "verdict": verdict, "seat": len(votes) + 1,
        "with_vote": votes[0].pk if votes else None, "with_agent": votes[0].agent_id if votes else None,
        "seen": judgement.seen, "final": final and final.pk, "digest": digest, "rev": judgement.rev,
        "key": judgement.decision_key, "mode": draft.mode, "seats": draft.seats,
        "hold": draft.hold_seconds, "conversation": draft.conversation_id,
        "endpoints": [endpoint.pk for endpoint in endpoints_for(draft)] if sent else [],
        "before": draft.body_id, "note": note and note.pk, "rate": rate, "unit": unit,
        "reasons": list(judgement.reasons), "causes": list(judgement.causes),
        "viewed": _viewed_ms(draft, judgement), "blind": judgement.blind and is_blind(draft),
        "spans": json.dumps(careful.marked(draft, judgement.spans, **judgement.facts)),
        "confirmed": judgement.confirmed,
        "findings": json.dumps([asdict(finding) for finding in found]),
        "overridden": [] if final is None else sorted({finding.check for finding in checks.warnings(found)}),
    }  # fmt: skip
    (decision,) = read(Decision, RECORD, row)
    return decision


def _viewed_ms(draft: Draft, judgement: Judgement) -> int | None:
    """Time on the draft: the browser's, at most what the server saw; the server's own where there was no script."""
    if draft.shown_at is None:
        return None
    most = min(LONGEST_VIEW_MS, int((timezone.now() - draft.shown_at).total_seconds() * 1000))
    return max(0, most if judgement.viewed_ms is None else min(judgement.viewed_ms, most))
