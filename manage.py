#!/usr/bin/env python
"""Django's own entrance: every operator's command starts here."""

import os
import sys

from django.core.management import execute_from_command_line

# Which of the four database roles a command takes. No running process but the migration is the
# owner; the administrator is whoever the login is, and makes the others.
ROLES = {"roles": "administrator", "migrate": "owner", "rqworker": "worker", "beat": "worker"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DATABASE_ROLE", ROLES.get([*sys.argv, ""][1], "app"))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
