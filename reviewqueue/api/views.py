"""The bots' door. Each view reads its input, calls one action or query, and answers.

Bodies are read by `strict` and checked by `checked`; what goes wrong is raised and answered by refusals.py.
"""

import threading
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from ninja import Router, Status

from reviewqueue.actions import conversation, submit, withdraw
from reviewqueue.actions.wave import HandedIn, Submitted
from reviewqueue.api import cursor, resources, schemas, strict, wait
from reviewqueue.api.auth import BotRequest
from reviewqueue.api.checked import checked
from reviewqueue.api.document import describe
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft
from reviewqueue.queries import drafts, feedback
from reviewqueue.refusals import RULES, problem, refusal_of, request_id

# Members of a draft that do not make it another draft (docs/api.md, "The same draft again").
NOT_IDENTITY = {"metadata", "confidence", "due_at"}

# Digits of the largest id there can be.
ID_DIGITS = 18

SUBMIT = ("external-id-reused", "erased", "opted-out", "consent-missing", "unknown-queue", "conversation-mismatch")
SUPERSEDE = ("not-found", "already-decided", "already-delivered")

# Batches at once in each web process, a quarter of its threads (config/embedded/web.py): one may take many seconds,
# and people's pages need threads too.
BATCHES = 2

_batches = threading.BoundedSemaphore(BATCHES)

router = Router()


@router.post(
    "/drafts",
    response={202: resources.Accepted, 200: resources.Accepted},
    summary="Hand in a draft",
    openapi_extra=describe(takes=schemas.DraftIn, refuses=SUBMIT + SUPERSEDE),
)
def submit_draft(request: BotRequest, response: HttpResponse) -> Status:
    """202: stored, it is ours now. 200 with `Idempotent-Replayed: true`: it was here before, with its present status.

    The external_id is the key, for ever; an Idempotency-Key is accepted and ignored.
    """
    checked(schemas.NoQuery, strict.query(request))
    stored = submit.submit(*_handed_in(strict.body(request)), bot=request.auth)
    accepted = _accepted(stored.draft, request)
    response["Location"] = accepted["url"]
    if stored.replayed:
        response["Idempotent-Replayed"] = "true"
    return Status(_status(stored), accepted)


@router.post(
    "/drafts/batch",
    response=resources.BatchOut,
    exclude_unset=True,
    summary="Hand in many drafts",
    openapi_extra=describe(takes=schemas.BatchIn, refuses=("batch-too-large",)),
)
def submit_batch(request: BotRequest) -> dict[str, Any]:
    """Each draft fares as it would alone, in order: one that is refused does not stop the others.

    A result of 503 means that the database went away on the way there, or that somebody else kept what it needed: hand
    those drafts in again, each is stored once. 503 for the whole request, with `Retry-After`: as far as anybody knows
    nothing was stored, also where too many batches are on their way already.
    """
    checked(schemas.NoQuery, strict.query(request))
    if not _batches.acquire(blocking=False):
        raise Refused("unavailable", "Too many batches at once. Nothing was stored; hand this one in again shortly.")
    try:
        return {"results": _fares(_batch(strict.body(request)), request)}
    finally:
        _batches.release()


def _fares(batch: list[Any], request: BotRequest) -> list[dict[str, Any]]:
    """How each draft fares."""
    outcomes: dict[int, submit.Outcome] = {}
    sound: dict[int, HandedIn] = {}
    for index, document in enumerate(batch):
        try:
            sound[index] = _handed_in(document)
        except Refused as refused:
            outcomes[index] = refused
    outcomes |= dict(zip(sound, submit.submit_all(list(sound.values()), bot=request.auth), strict=True))
    return [_fared(index, outcomes[index], outcomes, request) for index in range(len(batch))]


def _fared(
    index: int, outcome: submit.Outcome, outcomes: dict[int, submit.Outcome], request: BotRequest
) -> dict[str, Any]:
    if isinstance(outcome, Submitted):
        return {"index": index, "status": _status(outcome), "draft": _accepted(outcome.draft, request)}
    refused = refusal_of(outcome)
    nothing_stored = not any(isinstance(other, Submitted) for other in outcomes.values())
    # Where nothing is stored yet, the whole request says so.
    if refused is None or (refused.code == "unavailable" and nothing_stored):
        raise outcome
    return {"index": index, "status": RULES[refused.code].status, "problem": problem(refused, request_id(request))}


def _batch(document: dict[str, Any]) -> list[Any]:
    """The drafts, unchecked. What is wrong inside one of them is told with its result."""
    listed = document.get("drafts")
    outside = document if not isinstance(listed, list) else document | {"drafts": []}
    strict.refuse_faults(outside)
    batch = checked(schemas.BatchIn, document).drafts
    if len(batch) > settings.API_BATCH:
        detail = f"A batch may have {settings.API_BATCH} drafts (API_BATCH), this has {len(batch)}."
        raise Refused("batch-too-large", detail, pointer="/drafts")
    return batch


def _handed_in(document: Any) -> HandedIn:
    strict.refuse_faults(document)
    draft = checked(schemas.DraftIn, document)
    return HandedIn(
        content=draft.model_dump(mode="json"),
        canonical=draft.model_dump(mode="json", exclude_defaults=True, exclude=NOT_IDENTITY),
    )


def _status(stored: Submitted) -> int:
    return 200 if stored.replayed else 202


def _accepted(draft: Draft, request: BotRequest) -> dict[str, Any]:
    return {
        "id": str(draft.pk),
        "external_id": draft.external_id,
        "status": drafts.visible_status(draft),
        "url": request.build_absolute_uri(f"/api/v1/drafts/{draft.pk}"),
    }


@router.get(
    "/drafts",
    response=resources.DraftPage,
    summary="List drafts",
    openapi_extra=describe(asks=schemas.ListQuery),
)
def list_drafts(request: BotRequest) -> dict[str, Any]:
    """The bot's own drafts, newest last."""
    asked = checked(schemas.ListQuery, strict.query(request))
    after = cursor.decode("drafts", asked.after)
    found, more = drafts.page(
        request.auth, external_id=asked.external_id, status=asked.status, after=after, limit=asked.limit
    )
    following = cursor.encode("drafts", found[-1].pk) if found else asked.after
    return {"drafts": [drafts.resource(draft) for draft in found], "next": following, "more": more}


@router.get(
    "/drafts/{draft_id}",
    response=resources.DraftOut,
    summary="Read a draft",
    openapi_extra=describe(asks=schemas.ReadQuery, refuses=("not-found",)),
)
def read_draft(request: BotRequest, response: HttpResponse, draft_id: str) -> dict[str, Any]:
    """With `wait`, answers as soon as the decision is final. Where too many wait already, it answers at once, with
    `Retry-After`."""
    asked = checked(schemas.ReadQuery, strict.query(request))
    shown = drafts.resource(_find(request, draft_id))
    if asked.wait and shown["status"] in drafts.OPEN:
        if wait.until_final(int(draft_id), asked.wait):
            shown = drafts.resource(_find(request, draft_id))
        else:
            response["Retry-After"] = "1"
    return shown


@router.delete(
    "/drafts/{draft_id}",
    response=resources.DraftOut,
    summary="Withdraw a draft",
    openapi_extra=describe(refuses=("not-found", "already-decided", "expired")),
)
def withdraw_draft(request: BotRequest, draft_id: str) -> dict[str, Any]:
    """As long as no decision is final. Withdrawing it again is harmless."""
    checked(schemas.NoQuery, strict.query(request))
    withdraw.withdraw(_find(request, draft_id).pk, bot=request.auth)
    return drafts.resource(_find(request, draft_id))


def _find(request: BotRequest, draft_id: str) -> Draft:
    """A draft of this bot. Another bot's id answers exactly as one that does not exist."""
    draft = None
    if draft_id.isascii() and draft_id.isdigit() and len(draft_id) <= ID_DIGITS:
        draft = drafts.find(request.auth, int(draft_id))
    if draft is None:
        raise Refused("not-found", "There is no such draft.")
    return draft


@router.post(
    "/conversations/{path:conversation_id}/messages",
    response=resources.ConversationOut,
    summary="Add messages to a conversation",
    openapi_extra=describe(takes=schemas.MessagesIn, refuses=("not-found",)),
)
def add_messages(request: BotRequest, conversation_id: str) -> dict[str, Any]:
    """A draft written before a newer message of the customer is flagged and not sent unseen.

    Messages are known by their id: those that are here already change nothing.
    """
    checked(schemas.NoQuery, strict.query(request))
    document = strict.body(request)
    strict.refuse_faults(document)
    newer = checked(schemas.MessagesIn, document)
    if "\0" in conversation_id:
        raise Refused("not-found", "There is no such conversation.")
    messages = newer.model_dump(mode="json")["messages"]
    found = conversation.add_messages(conversation_id, messages, bot=request.auth)
    return {"id": found.ref, "rev": found.rev}


@router.get(
    "/feedback",
    response=resources.FeedbackPage,
    summary="Learn from decisions",
    openapi_extra=describe(asks=schemas.PageQuery),
)
def list_feedback(request: BotRequest) -> dict[str, Any]:
    """Final decisions in one order that never changes: nothing is skipped, nothing comes twice."""
    asked = checked(schemas.PageQuery, strict.query(request))
    page = feedback.page(request.auth, after=cursor.decode("feedback", asked.after), limit=asked.limit)
    lessons = [lesson | {"cursor": cursor.encode("feedback", lesson["seq"])} for lesson in page.feedback]
    return {"feedback": lessons, "next": cursor.encode("feedback", page.last), "more": page.more}
