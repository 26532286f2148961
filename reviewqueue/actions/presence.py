"""A sign of life of an agent's desk."""

from datetime import timedelta

from django.db import connection

from reviewqueue.models import User

SIGN = """
INSERT INTO presence (agent_id, at, active_at, editing)
VALUES (%(agent)s, statement_timestamp(), statement_timestamp() - make_interval(secs => %(idle)s), %(editing)s)
ON CONFLICT (agent_id) DO UPDATE
SET at = excluded.at, active_at = greatest(presence.active_at, excluded.active_at), editing = excluded.editing
"""


def sign_of_life(*, by: User, idle: timedelta, editing: bool) -> None:
    """The desk of `by` is open; the person did something `idle` ago."""
    with connection.cursor() as cursor:
        cursor.execute(SIGN, {"agent": by.pk, "idle": idle.total_seconds(), "editing": editing})
