"""Every "no" of the product becomes HTTP here, once, for every door.

Under /api/ it is application/problem+json (RFC 9457), elsewhere a page that says what happened, what became of the
text a person typed, and one way on.
"""

import logging
import re
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from reviewqueue.lifecycle import Refused
from reviewqueue.models import User
from reviewqueue.queries.conflict import happened
from reviewqueue.rows import is_away, is_busy

logger = logging.getLogger(__name__)


class Rule(NamedTuple):
    """What a code means in HTTP, and where its page leads on.

    `way`: `next` to the next draft, as this one is no longer the reader's; `text` back to it with what was typed, and
    `desk` without (with `form`, one of the desk's, open); `retry` to the same request once more; `start` to the start
    page. What a page knows besides, such as a newer draft, comes before it.
    """

    status: int
    title: str
    way: Literal["next", "text", "desk", "retry", "start"] = "next"
    form: Literal["", "reject", "confirm"] = ""


# The one table: what each code means in HTTP. docs/api.md and the reference page list it.
RULES = {
    # What actions refuse.
    "lease-lost": Rule(409, _("You no longer hold this draft")),
    "already-decided": Rule(409, _("Already decided")),
    "other-tab": Rule(409, _("You decided this in another tab")),
    "taken-over": Rule(409, _("A lead took this draft over")),
    "already-voted": Rule(409, _("You have voted on this draft")),
    "nobody-there": Rule(409, _("Nobody there can take it"), "desk"),
    "rounds-used": Rule(409, _("The bot has had its tries"), "desk"),
    "not-delivered": Rule(409, _("There is nothing to correct")),
    "slot-taken": Rule(409, _("Somebody else has this draft")),
    "newer-message": Rule(409, _("The customer wrote again"), "text"),
    "newer-draft": Rule(409, _("The bot sent a newer draft")),
    "draft-changed": Rule(409, _("The draft is not the one you saw"), "text"),
    "already-sent": Rule(409, _("Too late to undo")),
    "already-delivered": Rule(409, _("Already delivered")),
    "cannot-send-again": Rule(409, _("This delivery cannot be sent again"), "start"),
    "opted-out": Rule(409, _("The customer chose people only")),
    "consent-missing": Rule(409, _("The customer has not agreed")),
    "withdrawn": Rule(410, _("The draft was withdrawn")),
    "expired": Rule(410, _("The draft expired")),
    "erased": Rule(410, _("The draft was erased")),
    "check-failed": Rule(422, _("The text cannot be sent as it is"), "text"),
    "check-warning": Rule(422, _("The text needs a second look"), "text"),
    "external-id-reused": Rule(422, "The external_id belongs to other content"),
    "unknown-queue": Rule(422, _("No such queue")),
    "conversation-mismatch": Rule(422, "Conversation and customer do not match"),
    "reason-missing": Rule(422, _("A reason is missing"), "desk", "reject"),
    "not-confirmed": Rule(422, _("Not confirmed yet"), "desk", "confirm"),
    "too-fast": Rule(429, _("Faster than reading"), "desk", "confirm"),
    "not-allowed": Rule(403, _("Not allowed"), "start"),
    "not-found": Rule(404, _("Not found"), "start"),
    # What the doors refuse before any action.
    "bad-request": Rule(400, _("The request cannot be read"), "start"),
    "bad-json": Rule(400, "The body is not JSON that is read here"),
    "unauthorized": Rule(401, "No valid key"),
    "method-not-allowed": Rule(405, _("Method not allowed"), "start"),
    "body-too-large": Rule(413, _("The body is too large")),
    "batch-too-large": Rule(413, "Too many drafts in one batch"),
    "unsupported-media-type": Rule(415, "The body is not application/json in UTF-8"),
    "invalid": Rule(422, _("A field is not valid")),
    "server-error": Rule(500, _("Something went wrong on our side"), "retry"),
    "unavailable": Rule(503, _("Not available at the moment"), "retry"),
}

# Where a problem's `type` leads: the reference page has an anchor for each code.
TYPES = "/api/v1/docs"

# Seconds after which PostgreSQL may be there again.
RETRY_AFTER = 2

HEADERS = {
    "unauthorized": {"WWW-Authenticate": 'Bearer realm="reviewqueue"'},
    "unavailable": {"Retry-After": str(RETRY_AFTER)},
}

# Fields that a form sent once more brings anew, or not at all.
NOT_AGAIN = ("csrfmiddlewaretoken", "on-draft", "on-epoch", "on-rev")

INCOMING_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def problem(refused: Refused, request_id: str) -> dict[str, Any]:
    """The members of a problem document: type, title, status, detail, request_id, and errors where a field is bad.

    A fact `errors` ([{pointer, detail}]) or `pointer` (JSON pointer) of the refusal names the fields.
    """
    rule = RULES[refused.code]
    document: dict[str, Any] = {
        "type": f"{TYPES}#{refused.code}",
        "title": rule.title,
        "status": rule.status,
        "detail": refused.detail or f"{rule.title}.",
        "request_id": request_id,
    }
    errors: Sequence[Mapping[str, str]] = refused.facts.get("errors") or ()
    if not errors and (pointer := refused.facts.get("pointer")) is not None:
        errors = [{"pointer": pointer, "detail": document["detail"]}]
    if errors:
        document["errors"] = list(errors)
    return document


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The response for a refusal, for the door the request came through."""
    if _is_api(request):
        response = _json(request, refused)
    elif request.accepts("text/html"):
        response = _page(request, refused)
    else:
        response = JsonResponse(panel(request, refused), status=RULES[refused.code].status)
        response["Cache-Control"] = "no-store"
    for name, value in HEADERS.get(refused.code, {}).items():
        response[name] = value
    if seconds := refused.facts.get("retry_after"):
        response["Retry-After"] = str(seconds)
    return response


def _json(request: HttpRequest, refused: Refused) -> HttpResponse:
    document = problem(refused, request_id(request))
    return JsonResponse(document, status=document["status"], content_type="application/problem+json")


def _page(request: HttpRequest, refused: Refused) -> HttpResponse:
    status = RULES[refused.code].status
    page = render_to_string("refusal.html", _context(request, refused), _known(request, status))
    return HttpResponse(page, status=status, headers={"Cache-Control": "no-store"})


def panel(request: HttpRequest, refused: Refused) -> dict[str, Any]:
    """A refusal for a script that shows it beside the draft that is on the screen now."""
    rule = RULES[refused.code]
    context = _context(request, refused) | {"beside": True}
    html = render_to_string("desk/_conflict.html", context, _known(request, rule.status))
    return {"code": refused.code, "draft": context["draft_id"], "title": context["title"], "panel": html}


def _known(request: HttpRequest, status: int) -> HttpRequest | None:
    """Context processors read the session: with the database away, the page does without them."""
    return request if status < 500 else None


def _context(request: HttpRequest, refused: Refused) -> dict[str, Any]:
    text, draft_id = refused.facts.get("text") or _typed(request), refused.facts.get("draft_id")
    rule = RULES[refused.code]
    user = getattr(request, "user", None) if rule.status < 500 else None
    told = happened(draft_id, user, text) if draft_id and isinstance(user, User) and user.decides else None
    return {
        "code": refused.code,
        "title": gettext(rule.title),
        "way": rule.way,
        "form": rule.form,
        "detail": refused.detail,
        "text": text,
        "draft_id": draft_id,
        "happened": told,
        "again": _again(request),
        "request_path": request.path,
        "csrf_token": get_token(request),
        "request_id": request_id(request),
    }


def _again(request: HttpRequest) -> list[tuple[str, str]]:
    """The form that was sent, for a button that sends it once more: its decision_key makes a repeat harmless."""
    if not _typed(request, "decision_key"):
        return []
    return [(name, value) for name in request.POST for value in request.POST.getlist(name) if name not in NOT_AGAIN]


def _typed(request: HttpRequest, name: str = "text") -> str:
    """What a person typed into a form, so that no failure loses it."""
    if request.method != "POST":
        return ""
    try:
        return request.POST.get(name, "")
    except (UnreadablePostError, RawPostDataException, SuspiciousOperation, MultiPartParserError):
        return ""


def request_id(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def refusal_of(failure: BaseException) -> Refused | None:
    """The refusal an exception stands for, or None where it is a fault of ours."""
    if isinstance(failure, Refused):
        return failure
    if is_away(failure) or is_busy(failure):
        # Nobody knows: the answer that got lost may have been that to COMMIT.
        says = "The database does not answer. This may be saved or not: send the same again shortly, it counts once."
        return Refused("unavailable", says)
    if isinstance(failure, UnreadablePostError):
        return Refused("bad-request", "The request ended before its body was complete.")
    return None


class Request(WSGIRequest):
    """What config/wsgi.py makes of a request: read as UTF-8, whatever its Content-Type says.

    Django decodes forms and query strings by the charset named there, and a made-up one (`charset=zlib`) fails before
    any middleware is asked.
    """

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            stated = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            stated = "", {}
        self.content_type, self.content_params = stated


class RequestIdMiddleware:
    """Names each request (`request.request_id`), by the caller's X-Request-Id where that is a plain word."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        name = given if INCOMING_ID.fullmatch(given) else secrets.token_hex(8)
        request.request_id = name  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = name
        return response


class RefusalMiddleware:
    """Turns what a view raises, and Django's own empty answer to another method, into refusals."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405:
            allowed = response.get("Allow", "")
            response = answer(request, Refused("method-not-allowed", f"This address takes {allowed}."))
            response["Allow"] = allowed
        return response

    def process_exception(self, request: HttpRequest, failure: Exception) -> HttpResponse | None:
        refused = refusal_of(failure)
        if refused is None:
            return None
        if refused.code == "unavailable":
            logger.error("request %s: %s", request_id(request), failure)
        return answer(request, refused)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, Refused("bad-request", "Check the address and the headers of the request."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, Refused("not-allowed", "Your role does not open this page."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, Refused("not-found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Also reached by what fails outside a view, such as the session's middleware with the database away."""
    failure = sys.exception()
    refused = refusal_of(failure) if failure else None
    detail = "This was logged; name the request_id when you report it."
    return answer(request, refused or Refused("server-error", detail))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For settings.CSRF_FAILURE_VIEW: what was typed is kept there, too."""
    detail = "The form was older than your session. Open the page again, and send it from there."
    return answer(request, Refused("not-allowed", detail))
