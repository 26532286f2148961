"""Adds somebody who signs in."""

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewqueue.actions import people
from reviewqueue.models import Queue, User
from reviewqueue.models.user import ROLES


class Command(BaseCommand):
    help = "Add a person. The password is asked for, or read from standard input with --password-stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=ROLES, default="agent")
        parser.add_argument("--name", default="", help="full name, shown to colleagues")
        parser.add_argument("--queue", action="append", default=[], help="served from this queue; may be repeated")
        parser.add_argument("--language", action="append", default=[], help="reads this language; none: all")
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        try:
            User._meta.get_field("username").clean(username, None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if User.objects.filter(username__iexact=username).exists():
            raise CommandError(f"There is a person named {username} already.")
        unknown = set(options["queue"]) - set(Queue.objects.values_list("name", flat=True))
        if unknown:
            raise CommandError(f"There is no queue named {', '.join(sorted(unknown))}; see manage.py queue.")
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else getpass("Password: ")
        try:
            validate_password(password, User(username=username))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        people.add(
            username,
            password,
            role=options["role"],
            queues=options["queue"],
            languages=options["language"],
            full_name=options["name"],
        )
        self.stdout.write(f"added {username} as {options['role']}")
