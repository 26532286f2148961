"""Registers a bot and makes it a key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reviewqueue.actions import bots


class Command(BaseCommand):
    help = "Register a bot, if it is new, and print a fresh key for it. The key is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--space", default="main", help="whose customers and conversations it shares")
        parser.add_argument("--sandbox", action="store_true", help="its drafts can never be delivered")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = bots.register(options["name"], space=options["space"], sandbox=options["sandbox"])
        self.stdout.write(bots.new_key(bot))
