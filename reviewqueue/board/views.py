"""The board: how the bots do, how much waits, what could not be delivered."""

from typing import Any, TypeVar

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviewqueue.board.access import SignedIn, leads, reads_board
from reviewqueue.board.forms import BoardForm, WindowForm
from reviewqueue.board.sheets import as_csv, as_jsonl
from reviewqueue.lifecycle import Refused
from reviewqueue.queries import exports
from reviewqueue.queries import rates as queries

Response = TypeVar("Response", HttpResponse, StreamingHttpResponse)

INTERVALS = tuple(f"{verdict}_{end}" for verdict in queries.VERDICTS for end in ("low", "high"))
RATE_COLUMNS = (*queries.SHEET, "n", *queries.VERDICTS, *INTERVALS)


@require_safe
@reads_board
def board(request: SignedIn) -> HttpResponse:
    form = BoardForm(request.GET)
    context = {
        "board": queries.board(form.period, form.bot_id),
        "periods": queries.PERIODS,
        "most": queries.MANY,
        "fewest": queries.FEWEST,
    }
    return render(request, "board/board.html", context)


@require_safe
@reads_board
def rates(request: SignedIn) -> HttpResponse:
    """What the tables of the board are sums of, as CSV: a row for each day, kind and source."""
    form = BoardForm(request.GET)
    body = as_csv(RATE_COLUMNS, map(_with_intervals, queries.sheet(form.period, form.bot_id)))
    response = HttpResponse("".join(body), content_type="text/csv; charset=utf-8")
    return _named(response, f"rates-{form.period}-days.csv")


def _with_intervals(row: dict[str, Any]) -> dict[str, Any]:
    """Adds n and the 95 % interval of each rate, empty where there are too few."""
    n = sum(row[verdict] for verdict in queries.VERDICTS)
    ends = {}
    for verdict in queries.VERDICTS:
        rate = queries.Rate(row[verdict], n)
        ends[f"{verdict}_low"] = round(rate.low, 4) if rate.shown else None
        ends[f"{verdict}_high"] = round(rate.high, 4) if rate.shown else None
    return row | {"n": n} | ends


@require_safe
@leads
def feedback_csv(request: SignedIn) -> StreamingHttpResponse:
    rows = exports.feedback(_window(request))
    body = as_csv(exports.COLUMNS, rows)
    return _named(StreamingHttpResponse(body, content_type="text/csv; charset=utf-8"), "feedback.csv")


@require_safe
@leads
def feedback_jsonl(request: SignedIn) -> StreamingHttpResponse:
    body = as_jsonl(exports.feedback(_window(request)))
    return _named(StreamingHttpResponse(body, content_type="application/jsonl; charset=utf-8"), "feedback.jsonl")


def _window(request: SignedIn) -> exports.Window:
    form = WindowForm(request.GET)
    if not form.is_valid():
        says = " ".join(map(str, form.non_field_errors())) or "Write the days as 2026-11-23, or leave them empty."
        raise Refused("invalid", says)
    return form.window


def _named(response: Response, name: str) -> Response:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
