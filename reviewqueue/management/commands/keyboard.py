"""Draws the table of keys."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.loader import render_to_string

PAGE = Path("docs/keyboard.md")


class Command(BaseCommand):
    help = "Write docs/keyboard.md from the table of keys; with --check only say whether it is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail if the page is stale; write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        page = settings.BASE_DIR / PAGE
        drawn = render_to_string("desk/keyboard.md")
        if not options["check"]:
            page.write_text(drawn)
            self.stdout.write(f"wrote {PAGE}")
        elif not page.exists() or page.read_text() != drawn:
            raise CommandError(f"{PAGE} is stale; run manage.py keyboard")
