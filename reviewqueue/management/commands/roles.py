"""Makes the four database roles."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from reviewqueue.actions import roles


class Command(BaseCommand):
    help = "Make the four database roles and give them this database. Needs a login that may create roles; run it once."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = roles.prepare()
        except ProgrammingError as error:
            raise CommandError(
                f"This login may not prepare the database ({str(error).strip().splitlines()[0]}). Run manage.py roles "
                "once with DATABASE_URL of an administrator, see docs/operating.md."
            ) from error
        self.stdout.write(f"made {', '.join(made)}" if made else "the roles are there")
