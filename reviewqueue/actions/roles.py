"""The four database roles, and the database given to them. Run by an administrator's login, not as one of the roles."""

from django.db import connection, transaction
from psycopg import sql

ROLES = ("reviewqueue_owner", "reviewqueue_app", "reviewqueue_worker", "reviewqueue_eraser")


@transaction.atomic
def prepare() -> list[str]:
    """Make the roles that are missing, let this login take them, and give the schema to the owner; what was made.

    Harmless where all is done, also for a login that may do none of it. Raises ProgrammingError where it may not.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(ROLES)])
        there = {row[0] for row in cursor.fetchall()}
        missing = [role for role in ROLES if role not in there]
        for role in missing:
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        cursor.execute(
            "SELECT role FROM unnest(%s::text[]) AS role WHERE NOT pg_has_role(role, 'MEMBER')", [list(ROLES)]
        )
        for (role,) in cursor.fetchall():
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        cursor.execute("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'")
        if cursor.fetchone() != ("reviewqueue_owner",):
            _give_database(cursor)
    return missing


def _give_database(cursor: object) -> None:
    """Nobody may anything but what a migration of ours grants."""
    others = sql.SQL(", ").join(map(sql.Identifier, ROLES[1:]))
    database = sql.Identifier(connection.settings_dict["NAME"])
    for statement in (
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO reviewqueue_owner, {}").format(database, others),
        sql.SQL("ALTER SCHEMA public OWNER TO reviewqueue_owner"),
        sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(others),
    ):
        cursor.execute(statement)  # type: ignore[attr-defined]
