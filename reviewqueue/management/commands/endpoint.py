"""Says where approved replies of a queue go."""

import ipaddress
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.actions import queues
from reviewqueue.models import Queue

KNOB = "WEBHOOK_PRIVATE_HOSTS"


class Command(BaseCommand):
    help = (
        "Send approved replies of a queue to a webhook, and print the secret it is signed with. Said again, it moves "
        "the endpoint, with what is still on its way, and enables it if it was gone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue")
        parser.add_argument("url", help="https://…, or http://… of a host in WEBHOOK_PRIVATE_HOSTS")
        parser.add_argument("--channel", default="", help="only this channel's conversations; none: all others")

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options["url"])
        try:
            endpoint = queues.set_endpoint(options["queue"], options["url"], channel=options["channel"])
        except Queue.DoesNotExist as error:
            raise CommandError(f"There is no queue named {options['queue']}; see manage.py queue.") from error
        self.stdout.write(endpoint.secret)


def _check(url: str) -> None:
    """Refuses here, where somebody reads it, what each attempt would be refused for."""
    try:
        parts = urlsplit(url)
        named, _ = parts.hostname in [host.lower() for host in settings.WEBHOOK_PRIVATE_HOSTS], parts.port
    except ValueError as error:
        raise CommandError(f"That is not a URL: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or any(sign.isspace() for sign in url):
        raise CommandError("The URL must look like https://host/path.")
    if named:
        return
    if parts.scheme == "http":
        raise CommandError(f"Only https leaves this network. Use https, or name {parts.hostname} in {KNOB}.")
    with suppress(ValueError):
        if not ipaddress.ip_address(parts.hostname).is_global:
            raise CommandError(f"{parts.hostname} is not a public address. Name it in {KNOB} if it is yours.")
