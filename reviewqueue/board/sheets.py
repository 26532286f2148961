"""Rows as CSV that no spreadsheet can mistake for a formula, and as lines of JSON; both made while they are sent."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

# A cell that begins with one of these runs as a formula in some spreadsheet (OWASP: CSV injection); the last four are
# the full-width forms of the first.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")

SEPARATOR = ", "

# JSON leaves these as they are, and some readers of lines (Python's among them) end a line at them.
LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}


class _Echo:
    """The file that csv.writer writes to: hands each line on."""

    def write(self, line: str) -> str:
        return line


def as_csv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """RFC 4180, one line a row, headings first. Lists are joined by a comma, None is empty."""
    columns = list(columns)
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([cell(row[column]) for column in columns])


def cell(value: Any) -> Any:
    """The value as a cell; a text that could be taken for a formula gets a leading apostrophe."""
    if isinstance(value, (list, tuple)):
        value = SEPARATOR.join(value)
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return "" if value is None else value


def as_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line, texts verbatim."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).translate(LINE_ENDS) + "\n"
