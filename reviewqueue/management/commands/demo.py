"""People, a bot and a few drafts to try the product with. Only where the embedded database runs."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.actions import demo


class Command(BaseCommand):
    help = "Make demo sign-ins, a demo bot and demo drafts in the embedded database, and print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--receiver", required=True, help="URL that approved replies are sent to")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("Demo sign-ins exist only with the embedded database. Use manage.py person and bot.")
        self.stdout.write(json.dumps(demo.prepare(seed=settings.SECRET_KEY, receiver=options["receiver"])))
