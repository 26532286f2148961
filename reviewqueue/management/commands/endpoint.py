"""Says where approved replies of a queue go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.actions import queues
from reviewqueue.models import Queue


class Command(BaseCommand):
    help = "Send approved replies of a queue to a webhook, and print the secret it is signed with."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue")
        parser.add_argument("url", help="https://…, or http://… of a host in WEBHOOK_PRIVATE_HOSTS")
        parser.add_argument("--channel", default="", help="only this channel's conversations; none: all others")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint = queues.add_endpoint(options["queue"], options["url"], channel=options["channel"])
        except Queue.DoesNotExist as error:
            raise CommandError(f"There is no queue named {options['queue']}; see manage.py queue.") from error
        self.stdout.write(endpoint.secret)
