"""Write docs/openapi.json, or check that it is what the running code answers."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import RequestFactory
from django.urls import resolve

ADDRESS = "/api/v1/openapi.json"
FILE = "docs/openapi.json"


class Command(BaseCommand):
    help = f"Write {FILE} from the code; with --check, fail if it is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if the file is stale")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        file = Path(settings.BASE_DIR, FILE)
        fresh = document()
        if not check:
            file.write_text(fresh)
            self.stdout.write(f"{FILE} written")
        elif not file.exists() or file.read_text() != fresh:
            raise CommandError(f"{FILE} is stale: run manage.py openapi")


def document() -> str:
    """What the address answers, laid out so that a change is a small diff."""
    found = resolve(ADDRESS)
    response = found.func(RequestFactory().get(ADDRESS), *found.args, **found.kwargs)
    return json.dumps(json.loads(response.content), indent=2, ensure_ascii=False) + "\n"
