"""`manage.py roles` on a database that an administrator has just made."""

import pytest

from tests.servers import SERVERS, run_manage


@pytest.fixture
def bare():
    """An empty database that joe owns, who may create roles but is no superuser."""
    SERVERS.start()
    with SERVERS.admin() as cursor:
        cursor.execute("CREATE ROLE joe NOLOGIN CREATEROLE")
        cursor.execute(
            "GRANT reviewqueue_owner, reviewqueue_app, reviewqueue_worker, reviewqueue_eraser TO joe WITH ADMIN OPTION"
        )
        cursor.execute("CREATE DATABASE bare OWNER joe")
    try:
        yield "bare"
    finally:
        with SERVERS.admin() as cursor:
            cursor.execute("DROP DATABASE bare WITH (FORCE)")
            cursor.execute("REVOKE reviewqueue_owner, reviewqueue_app, reviewqueue_worker, reviewqueue_eraser FROM joe")
            cursor.execute("DROP ROLE joe")


def prepare(database: str, user: str) -> str:
    url = SERVERS.postgres.url("postgres", database) + f"?options=-c%20role%3D{user}"
    return run_manage("roles", database=database, role="administrator", DATABASE_URL=url)


def test_it_gives_the_database_to_the_owner_and_can_be_run_again(bare):
    assert prepare(bare, "joe") == "the roles are there\n"
    assert prepare(bare, "joe") == "the roles are there\n"
    run_manage("migrate", "--verbosity=0", database=bare, role="owner")
    with SERVERS.admin(bare) as cursor:
        owners = cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        may_create = cursor.execute("SELECT has_schema_privilege('reviewqueue_app', 'public', 'CREATE')").fetchone()
    assert owners == [("reviewqueue_owner",)]
    assert may_create == (False,)


def test_a_login_that_may_not_is_told_what_to_do(bare):
    with pytest.raises(AssertionError, match=r"This login may not prepare the database .* docs/operating.md"):
        prepare(bare, "reviewqueue_app")
