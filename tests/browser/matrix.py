"""`make matrix`: the tests that take longer than `make test` may, each a row with what it counted.

A test becomes a row by `@pytest.mark.matrix("what it is")`, runs with --full, and hands over what it counted by
`record_property`: whole numbers are added up over the rows of one name, of others the largest is told. Each row is kept
in var/matrix.json as soon as it has passed, so that a run that was stopped goes on where it was; the table is written
into docs/accessibility.md. ROW="axe: reply,keys" for the rows whose names begin so, also once more.
"""

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.servers import ROOT

REPORT = ROOT / "var" / "matrix.json"
DOCUMENT = ROOT / "docs" / "accessibility.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- /matrix -->\n"

Row = dict[str, Any]


def known() -> dict[str, Row]:
    return json.loads(REPORT.read_text()) if REPORT.exists() else {}


def name_of(item: pytest.Item) -> str:
    """What it is, and which of them; empty for a test that is no row."""
    marker = item.get_closest_marker("matrix")
    if marker is None:
        return ""
    which = item.callspec.id if hasattr(item, "callspec") else item.name.removeprefix("test_")
    return f"{marker.args[0]}: {which}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = tuple(filter(None, os.environ.get("ROW", "").split(",")))
    report = known()

    def wanted(item: pytest.Item) -> bool:
        name = name_of(item)
        return name.startswith(asked) if asked else bool(name) and name not in report

    gone = [item for item in items if not wanted(item)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if wanted(item)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report: pytest.TestReport = yield
    if report.when == "call":
        # Read anew: another run may be at other rows.
        rows, name = known(), name_of(item)
        rows.pop(name, None)
        if report.passed:
            at = datetime.now(tz=UTC).isoformat(timespec="seconds")
            rows[name] = {"figures": dict(item.user_properties), "at": at}
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = table(known())
    terminalreporter.write_line(f"\n{found}")
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + found + END + rest.partition(END)[2])


def table(report: dict[str, Row]) -> str:
    """One line for all rows of a name."""
    together: dict[str, list[Row]] = {}
    for name, row in sorted(report.items()):
        together.setdefault(name.partition(":")[0], []).append(row)
    lines = ["| what | rows passed | counted | day |", "|---|---|---|---|"]
    for what, rows in together.items():
        days = sorted({row["at"][:10] for row in rows})
        lines.append(f"| {what} | {len(rows)} | {counted(rows)} | {' to '.join(dict.fromkeys([days[0], days[-1]]))} |")
    return "\n".join(lines) + "\n"


def counted(rows: list[Row]) -> str:
    figures: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row["figures"].items():
            figures.setdefault(name, []).append(value)
    whole = {name for name, values in figures.items() if all(isinstance(value, int) for value in values)}
    return ", ".join(
        f"{sum(values):,} {name}" if name in whole else f"{name} at most {max(values):,g}"
        for name, values in figures.items()
    )
