"""Registers a bot and makes it a key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.actions import bots


class Command(BaseCommand):
    help = "Register a bot, if it is new, and print a fresh key for it. The key is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--space", help="whose customers and conversations it shares; none: main")
        parser.add_argument("--sandbox", action="store_true", help="its drafts can never be delivered")

    def handle(self, *args: Any, **options: Any) -> None:
        name, space, sandbox = options["name"], options["space"], options["sandbox"]
        bot = bots.register(name, space=space or "main", sandbox=sandbox)
        if bot.internal:
            raise CommandError(f"{name} stands for people, who have no keys. Choose another name.")
        if (sandbox and not bot.sandbox) or (space and space != bot.space):
            is_now = f"a {'sandbox' if bot.sandbox else 'live'} bot of space {bot.space}"
            raise CommandError(f"There is a bot named {name} already, {is_now}, and stays that. Choose another name.")
        self.stdout.write(bots.new_key(bot))
