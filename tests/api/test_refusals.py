"""One table from codes to HTTP, one form for every door, and nothing a person typed is lost."""

import ast
import json
import re

import psycopg
import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import InternalError, OperationalError
from django.http import HttpResponse, UnreadablePostError
from django.test import RequestFactory
from psycopg_pool import PoolTimeout

from reviewqueue import refusals
from reviewqueue.lifecycle import Refused
from reviewqueue.refusals import RULES, RefusalMiddleware, RequestIdMiddleware
from tests.servers import ROOT

REQUESTS = RequestFactory()


def answered(failure, path="/drafts/7/decision", **form):
    """What the middleware makes of an exception that a view raised."""
    request = REQUESTS.post(path, form)
    request.request_id = "r-1"
    return RefusalMiddleware(lambda _: HttpResponse()).process_exception(request, failure)


def test_every_code_that_is_raised_is_in_the_table():
    """And the table has no code that nobody raises, but for those of issues that are still to come."""
    raised = set()
    for file in (ROOT / "reviewqueue").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
                raised |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    assert raised <= set(RULES)
    assert set(RULES) - raised <= {"consent-missing", "bad-json", "invalid"}


def test_the_statuses_of_the_contract():
    statuses = {
        409: "lease-lost already-decided slot-taken newer-message draft-changed already-sent already-delivered"
        " opted-out consent-missing cannot-send-again",
        410: "withdrawn expired erased",
        422: "check-failed check-warning external-id-reused unknown-queue conversation-mismatch reason-missing"
        " not-confirmed",
        429: "too-fast",
        403: "not-allowed",
        404: "not-found",
    }
    for status, codes in statuses.items():
        assert {RULES[code].status for code in codes.split()} == {status}


@pytest.mark.parametrize("code", RULES)
def test_a_refusal_is_a_problem_for_programs_and_a_page_for_people(code):
    refused = Refused(code, "Say <this>.", pointer="/x", draft_id=7, text="Dear <Sam> & co")
    problem = answered(refused, "/api/v1/drafts")
    assert problem.status_code == RULES[code].status
    assert problem["Content-Type"] == "application/problem+json"
    assert json.loads(problem.content) == {
        "type": f"/api/v1/docs#{code}",
        "title": RULES[code].title,
        "status": RULES[code].status,
        "detail": "Say <this>.",
        "request_id": "r-1",
        "errors": [{"pointer": "/x", "detail": "Say <this>."}],
    }
    page = answered(refused)
    html = page.content.decode()
    assert page.status_code == RULES[code].status
    assert page["Content-Type"].startswith("text/html")
    says = "Only a button leads here." if code == "method-not-allowed" else "Say &lt;this&gt;."
    assert says in html
    assert re.search(r"<textarea[^>]*readonly[^>]*>\s*Dear &lt;Sam&gt; &amp; co</textarea>", html)
    assert len(re.findall(r'class="button main"', html)) == 1, "one primary way on"


def test_what_was_typed_is_shown_even_if_the_database_is_away():
    page = answered(OperationalError("gone"), text="Dear Sam,\nit left today.")
    assert page.status_code == 503
    assert page["Retry-After"]
    assert "Dear Sam,\nit left today.</textarea>" in page.content.decode()


def wrapped(kind, cause):
    """As Django raises it, with psycopg's own exception as the cause."""
    failure = kind(str(cause))
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    "failure",
    [
        OperationalError("server closed the connection"),
        PoolTimeout("no connection"),
        psycopg.OperationalError("gone"),
        wrapped(InternalError, psycopg.errors.ReadOnlySqlTransaction("read-only")),
        wrapped(OperationalError, psycopg.errors.DiskFull("full")),
        wrapped(OperationalError, psycopg.errors.AdminShutdown("ending")),
    ],
)
def test_away_is_503(failure):
    problem = answered(failure, "/api/v1/drafts")
    assert (problem.status_code, problem["Retry-After"]) == (503, "2")
    assert json.loads(problem.content)["type"].endswith("#unavailable")


@pytest.mark.parametrize(
    "failure", [ValueError("bug"), wrapped(InternalError, psycopg.errors.InternalError("bug")), KeyError("bug")]
)
def test_a_fault_of_ours_stays_one(failure):
    assert answered(failure, "/api/v1/drafts") is None


def test_a_body_that_broke_off_is_400():
    assert answered(UnreadablePostError("gone"), "/api/v1/drafts").status_code == 400


def test_the_headers_of_a_refused_key():
    assert answered(Refused("unauthorized"), "/api/v1/drafts")["WWW-Authenticate"] == 'Bearer realm="reviewqueue"'


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (lambda request: refusals.not_found(request, Exception()), 404),
        (lambda request: refusals.forbidden(request), 403),
        (lambda request: refusals.bad_request(request, SuspiciousOperation()), 400),
        (refusals.server_error, 500),
        (refusals.csrf_failure, 403),
    ],
)
def test_djangos_own_answers(handler, status):
    problem = handler(REQUESTS.get("/api/v1/drafts"))
    assert (problem.status_code, problem["Content-Type"]) == (status, "application/problem+json")
    page = handler(REQUESTS.post("/drafts/7/decision", {"text": "Dear Sam"}))
    assert page.status_code == status
    assert "Dear Sam</textarea>" in page.content.decode()


def test_what_fails_outside_a_view_with_the_database_away_is_503_too():
    try:
        raise OperationalError("gone")
    except OperationalError:
        assert refusals.server_error(REQUESTS.get("/desk")).status_code == 503


def test_unknown_methods_and_addresses_of_the_door(door):
    answer = door.call("PATCH", "/drafts")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    for path in ("/", "/nothing", "/drafts/1/2"):
        answer = door.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    answer = door.client.get("/api/v1/openapi.json", headers={"Host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert door.client.get("/api/v2/drafts")["Content-Type"] == "application/problem+json"
    assert door.client.get("/nothing")["Content-Type"].startswith("text/html")


# --- Requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("trace-0123.abc", True),
        ("", False),
        ("short", False),
        ("x" * 65, False),
        ("a b\tc d e f", False),
        ("é" * 8, False),
    ],
)
def test_a_request_has_a_name(given, kept):
    request = REQUESTS.get("/", headers={"X-Request-Id": given})
    answer = RequestIdMiddleware(lambda _: HttpResponse())(request)
    assert answer["X-Request-Id"] == request.request_id
    assert (request.request_id == given) == kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", request.request_id)


@pytest.mark.parametrize(
    "content_type",
    ["text/x; charset=zlib", "text/x; charset=idna", "text/x; charset*=bogus'en'%41", "text/x; charset*=a'b", "\xff;;"],
)
def test_a_made_up_charset_changes_nothing(content_type):
    environ = REQUESTS.get("/drafts?x=%C3%A9").environ | {"CONTENT_TYPE": content_type}
    assert refusals.Request(environ).GET["x"] == "é"


def test_forms_are_read_as_utf_8_whatever_they_say():
    plain = "application/x-www-form-urlencoded"
    environ = REQUESTS.post("/x", b"text=%C3%A9", content_type=plain).environ
    assert refusals.Request(environ | {"CONTENT_TYPE": f"{plain}; charset=utf-16"}).POST["text"] == "é"
