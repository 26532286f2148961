"""Draws the two tables of states."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.lifecycle import TABLES, Step

PAGE = Path("docs/lifecycle.md")

HEAD = """# Lifecycle

Drawn from the tables in `reviewqueue/lifecycle.py` by `manage.py lifecycle`; `make check` fails when it is stale.
A status says **where** a row is. Facts about it (verdict, mode, reason, erased) are columns. The database repeats the
arrows in a trigger of each table.

Between draft and delivery stands the decision: provisional while its hold lasts, then one settlement row, `final` or
`undone`, never both. Only a final decision can be seen by a bot or leave `held`.

No page or command takes these steps yet: admit and refuse (every draft is checked while it is handed in), expire, lose
track and confirm.
"""


class Command(BaseCommand):
    help = "Write docs/lifecycle.md from the tables of states; with --check only say whether it is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail if the page is stale; write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        page = settings.BASE_DIR / PAGE
        drawn = HEAD + "".join(_section(name, *table) for name, table in TABLES.items())
        if not options["check"]:
            page.write_text(drawn)
            self.stdout.write(f"wrote {PAGE}")
        elif not page.exists() or page.read_text() != drawn:
            raise CommandError(f"{PAGE} is stale; run manage.py lifecycle")


def _section(name: str, statuses: tuple[str, ...], steps: dict[str, Step]) -> str:
    arrows = [
        f"    {before} --> {step.after}: {step.verb.replace('_', ' ')}"
        for step in steps.values()
        for before in step.before
    ]
    rows = [
        f"| {step.verb.replace('_', ' ')} | {', '.join(step.before)} | {step.after} | {step.who} |"
        for step in steps.values()
    ]
    ends = [status for status in statuses if not any(step.starts_from(status) for step in steps.values())]
    return "\n".join(
        [
            f"\n## {name.capitalize()}\n",
            "```mermaid",
            "stateDiagram-v2",
            f"    [*] --> {statuses[0]}",
            *arrows,
            *[f"    {status} --> [*]" for status in ends],
            "```\n",
            "| step | from | to | who |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
