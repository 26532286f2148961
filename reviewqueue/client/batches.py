"""Lines of JSON, handed in batch by batch; what becomes of each."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from reviewqueue.client.problems import Problem

# The server's default for a whole body is 1 MiB; a batch beyond its limit is halved until it fits.
BATCH_BYTES = 900_000

# Refusals of a batch as a whole that a single one of its lines can be the cause of.
WHOLE_BATCH = (400, 413, 422)

NEW, REPLAYED = 202, 200

Submit = Callable[[Sequence[bytes]], list[dict[str, Any]]]


class Line(NamedTuple):
    number: int
    raw: bytes


class Result(NamedTuple):
    """`status` of one line as if it had been sent alone; `problem` where it was refused."""

    line: Line
    status: int
    problem: dict[str, Any] | None = None


@dataclass
class Summary:
    """How many drafts were new, already there, refused; `refusals` is the file that lists those, if there is one."""

    new: int = 0
    replayed: int = 0
    refused: int = 0
    refusals: str | None = None

    def count(self, results: Iterable[Result]) -> None:
        for result in results:
            self.new += result.status == NEW
            self.replayed += result.status == REPLAYED
            self.refused += result.problem is not None


def numbered(stream: BinaryIO, after: int = 0) -> Iterator[Line]:
    for number, raw in enumerate(stream, after + 1):
        yield Line(number, raw)


def batches(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """At most `size` lines and BATCH_BYTES bytes at a time; a larger line comes alone."""
    batch: list[Line] = []
    room = BATCH_BYTES
    for line in lines:
        if batch and (len(batch) == size or len(line.raw) > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(line)
        room -= len(line.raw)
    if batch:
        yield batch


def submit_each(submit: Submit, lines: Sequence[Line]) -> list[Result]:
    """What became of every line, in order. Blank lines are passed over; those that are not JSON are not sent."""
    written = [line for line in lines if line.raw.strip()]
    problems = {line.number: unreadable(line.raw) for line in written}
    unsent = [Result(line, 0, problems[line.number]) for line in written if problems[line.number]]
    sent = _send(submit, [line for line in written if not problems[line.number]])
    return sorted(unsent + sent, key=lambda result: result.line.number)


def _send(submit: Submit, lines: Sequence[Line]) -> list[Result]:
    """Where the server refuses a batch as a whole, each half is tried: so one line cannot stop the others."""
    if not lines:
        return []
    try:
        answers = submit([line.raw.strip() for line in lines])
    except Problem as problem:
        if problem.status not in WHOLE_BATCH:
            raise
        if len(lines) == 1:
            return [Result(lines[0], problem.status, problem.document)]
        middle = len(lines) // 2
        return _send(submit, lines[:middle]) + _send(submit, lines[middle:])
    return [Result(line, answer["status"], answer.get("problem")) for line, answer in zip(lines, answers, strict=True)]


def unreadable(raw: bytes) -> dict[str, Any] | None:
    """A problem in the server's form, for a line that would break the batch around it."""
    try:
        json.loads(raw.decode())
    except (ValueError, RecursionError) as failure:
        return {"status": 0, "title": "The line is not JSON", "detail": str(failure)}
    return None


def refusal(result: Result) -> str:
    """One line of JSON: {line, problem, draft}; the draft as text where it is not JSON."""
    text = result.line.raw.decode(errors="backslashreplace").strip()
    draft = text if result.status == 0 else json.loads(text)
    return json.dumps({"line": result.line.number, "problem": result.problem, "draft": draft})
