"""What the database refuses, whatever our code says: forbidden acts in plain SQL, by the logins the processes have."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from reviewqueue.actions import claim, decide, settle, write
from reviewqueue.models import (
    Attempt,
    Body,
    Consent,
    Decision,
    Delivery,
    Draft,
    Event,
    Feed,
    Handover,
    Hold,
    Leaf,
    Note,
    Remark,
    User,
    Vote,
)
from tests.conftest import _use
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_endpoint, make_queue, seen
from tests.servers import SERVERS

ROLES = ("owner", "app", "worker", "eraser")

# Tables that are written once, and a column of each.
APPEND_ONLY = {
    "consent": "id",
    "message": "id",
    "submission": "draft_id",
    "vote": "id",
    "decision": "id",
    "settlement": "decision_id",
    "feedback": "decision_id",
    "feed": "seq",
    "attempt": "id",
    "event": "id",
    "leaf": "seq",
    "note": "id",
    "handover": "id",
    "remark": "vote_id",
}


# What a role must not make, and what it must not even read.
MAKES_NO = {
    "worker": "draft vote decision delivery feedback body submission message consent customer conversation endpoint "
    "hold notice source lane account",
    "app": "feed attempt leaf source_day agent_day segment_day watermark",
}
READS_NO = {
    "worker": "account account_queue bot_key django_session auth_group skip reason",
    "eraser": "account bot_key django_session message vote decision delivery feedback",
}


class Scene(NamedTuple):
    """A database with one row of everything: `facts` name them, `logins` are sessions of the four roles."""

    facts: dict[str, Any]
    logins: dict[str, psycopg.Connection]


@pytest.fixture(scope="module")
def scene(django_db_blocker) -> Iterator[Scene]:
    before = settings.DATABASES["default"]["NAME"]
    with SERVERS.clone() as name:
        with django_db_blocker.unblock():
            _use(name)
            try:
                facts = _facts()
            finally:
                _use(before)
        logins = {role: psycopg.connect(SERVERS.postgres.url(f"reviewqueue_{role}", name)) for role in ROLES}
        yield Scene(facts, logins)
        for login in logins.values():
            login.close()


@contextmanager
def unguarded(table: str) -> Iterator[Any]:
    """A superuser's cursor, with the guard of one table off: how rows come about that nothing makes yet."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_guard")
        yield cursor
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_guard")
        cursor.execute("SET ROLE reviewqueue_app")


def _final(**draft: Any) -> Decision:
    decision = make_decision(**draft)
    _end_hold(decision)
    return decision


def _end_hold(decision: Decision) -> None:
    Hold.objects.filter(pk=decision.pk).update(until=timezone.now() - timedelta(seconds=5))
    assert settle.settle_due() == 1


def _at(status: str) -> int:
    """A delivery of a final decision in that status."""
    delivery = _final().deliveries.earliest("id")
    with unguarded("delivery") as cursor:
        cursor.execute("UPDATE delivery SET status = %s WHERE id = %s", [status, delivery.pk])
    return delivery.pk


def _drill() -> Decision:
    draft = make_draft(text="The parcel is on the moon.")
    with unguarded("draft") as cursor:
        cursor.execute("UPDATE draft SET mode = 'drill' WHERE id = %s", [draft.pk])
    agent = make_agent()
    claimed = claim.claim(draft.pk, by=agent)
    decision = decide.approve(claimed.pk, **seen(claimed, agent))
    _end_hold(decision)
    return decision


def _pair(agent: User) -> Draft:
    """A draft of two seats, with the first one's vote."""
    draft = make_draft()
    with unguarded("draft") as cursor:
        cursor.execute("UPDATE draft SET seats = 2 WHERE id = %s", [draft.pk])
    Vote.objects.create(
        draft=draft,
        round=1,
        agent=agent,
        epoch=1,
        verdict="approved",
        seen=bytes(draft.digest),
        final_id=draft.body_id,
        digest=bytes(draft.digest),
        decision_key=uuid4(),
    )
    return draft


def _facts() -> dict[str, Any]:
    # No hold ends by itself while the scene is set, however busy the machine is.
    make_queue(hold_seconds=1800)
    first, second = make_endpoint(), make_endpoint("http://127.0.0.1:9/other", channel="chat")
    ann, ben = make_agent(), make_agent()
    undone = make_decision()
    settle.undo(undone.pk, by=undone.by_agent)
    decisions = {
        "held": make_decision(),
        "undone": undone,
        "final": _final(),
        "fed": _final(),
        "rejected": make_decision(verdict="reject"),
        "sandboxed": _final(bot=make_bot(sandbox=True)),
        "drill": _drill(),
    }
    drafts = {"claimed": claim.claim(make_draft().pk, by=ann), "waiting": make_draft(), "pair": _pair(ann)}
    drafts["own"] = write.write(drafts["waiting"].pk, by=make_agent())
    forged = Body.of("forged", ink="human", customer_id=None)
    forged.save()
    Note.objects.create(draft=drafts["waiting"], author=ann, body=forged)
    Handover.objects.create(draft=drafts["waiting"], by=ann, to=ben, kind="help")
    Remark.objects.create(vote=drafts["pair"].votes.get())
    failed = _at("failed")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    Feed.objects.create(seq=1, decision=decisions["fed"])
    Attempt.objects.create(delivery_id=failed, number=1, outcome="retry")
    Leaf.objects.create(seq=1, event=Event.objects.latest("id"), hash=b"x")
    Consent.objects.create(
        customer=drafts["waiting"].customer, granted=True, purpose="ai_drafting", actor="customer", notice_id=1
    )
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reviewqueue_app")
    facts = {
        "ann": ann.pk,
        "ben": ben.pk,
        "cem": make_agent().pk,
        "lea": make_agent(role="lead").pk,
        "endpoint": first.pk,
        "endpoint2": second.pk,
        "forged": forged.pk,
        "forged_digest": bytes(forged.digest),
        "failed": failed,
        "unknown": _at("unknown"),
        "sending": _at("sending"),
        "pair_vote": drafts["pair"].votes.get().pk,
        "key": uuid4(),
    }
    for name, decision in decisions.items():
        delivery = Delivery.objects.filter(decision=decision).first()
        facts |= {
            name: decision.pk,
            f"{name}_draft": decision.draft_id,
            f"{name}_digest": bytes(decision.digest),
            f"{name}_delivery": delivery and delivery.pk,
        }
    for name, draft in drafts.items():
        facts |= {
            name: draft.pk,
            f"{name}_body": draft.body_id,
            f"{name}_digest": bytes(draft.digest),
            f"{name}_customer": draft.customer_id,
            f"{name}_conversation": draft.conversation_id,
        }
    return facts


class Act(NamedTuple):
    """`reason` is found in what PostgreSQL says: the constraint, or our trigger's sentence, or the missing right."""

    role: str
    what: str
    reason: str
    sql: str

    def __str__(self) -> str:
        return f"{self.role}: {self.what}"


def acts() -> Iterator[Act]:
    """Those of forbidden.sql, and the same few for many tables."""
    for block in (Path(__file__).parent / "forbidden.sql").read_text().split("\n\n")[1:]:
        head, _, sql = block.partition("\n")
        roles, what, reason = re.fullmatch(r"-- ([\w, ]+?): (.+) => (.+)", head).groups()
        for role in roles.split(", "):
            yield Act(role, what, reason, sql)
    for table, column in APPEND_ONLY.items():
        for sql in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            for role in ("app", "worker"):
                yield Act(role, f"{sql.split()[0].lower()} {table}", f"permission denied for table {table}", sql)
            yield Act("owner", f"{sql.split()[0].lower()} {table}", "is append-only", sql)
    for role, tables in MAKES_NO.items():
        for table in tables.split():
            sql = f"INSERT INTO {table} DEFAULT VALUES"
            yield Act(role, f"{table} made", f"permission denied for table {table}", sql)
    for role, tables in READS_NO.items():
        for table in tables.split():
            yield Act(role, f"{table} read", f"permission denied for table {table}", f"SELECT * FROM {table}")


@pytest.mark.parametrize("act", list(acts()), ids=str)
def test_forbidden(scene, act):
    login = scene.logins[act.role]
    try:
        with pytest.raises(psycopg.Error) as refused:
            _run(login, act.sql, scene.facts)
    finally:
        login.rollback()
    assert act.reason in str(refused.value)


def _run(login: psycopg.Connection, sql: str, facts: dict[str, Any]) -> None:
    for statement in sql.strip().rstrip(";").split(";"):
        login.execute(statement, facts)
    login.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("role", "sql"),
    [
        ("app", "UPDATE hold SET until = now() WHERE decision_id = %(held)s"),
        ("worker", "UPDATE delivery SET status = 'queued', epoch = epoch + 1 WHERE id = %(final_delivery)s"),
        ("app", "UPDATE delivery SET status = 'queued' WHERE id = %(failed)s"),
        ("app", "UPDATE delivery SET status = 'cancelled' WHERE id = %(held_delivery)s"),
        ("worker", "SELECT FROM customer WHERE id = %(claimed_customer)s FOR NO KEY UPDATE"),
        (
            "worker",
            "UPDATE draft SET status = 'waiting', holder_id = NULL, slot = NULL, lease_until = NULL"
            " WHERE id = %(claimed)s",
        ),
        ("eraser", "UPDATE conversation SET reply_to = NULL"),
        ("eraser", "UPDATE customer SET ref = NULL, name = NULL, key = NULL"),
    ],
)
def test_the_guards_let_the_daily_work_pass(scene, role, sql):
    login = scene.logins[role]
    try:
        _run(login, sql, scene.facts)
    finally:
        login.rollback()


def test_erasing_takes_the_texts_and_leaves_ids_digests_and_links(scene):
    """A decided, edited and delivered draft of a customer whose texts are blanked: everything still ties up."""
    facts, eraser, owner = scene.facts, scene.logins["eraser"], scene.logins["owner"]
    links = """
        SELECT draft.id, draft.digest, body.digest, vote.final_id, vote.digest, decision.digest, delivery.digest
        FROM decision JOIN draft ON draft.id = decision.draft_id JOIN body ON body.id = draft.body_id
        JOIN vote ON vote.id = decision.by_vote_id JOIN delivery ON delivery.decision_id = decision.id
        WHERE decision.id = %(final)s"""
    try:
        before = owner.execute(links, facts).fetchone()
        of = "(SELECT customer_id FROM draft WHERE id = %(final_draft)s)"
        erased = eraser.execute(f"UPDATE body SET text = NULL, salt = NULL WHERE customer_id = {of}", facts).rowcount
        eraser.execute(f"UPDATE customer SET ref = NULL, name = NULL, key = NULL WHERE id = {of}", facts)
        for _ in range(10):  # PostgreSQL plans a trigger's conditions for all values from the sixth time on
            eraser.execute("UPDATE draft SET purged_at = now() WHERE id = %(final_draft)s", facts)
        eraser.commit()
        left = owner.execute(f"SELECT count(*) FROM body WHERE customer_id = {of} AND text IS NOT NULL", facts)
        assert (erased, left.fetchone()) == (3, (0,))  # the subject, the customer's message, the draft
        assert owner.execute(links, facts).fetchone() == before
    finally:
        eraser.rollback()
        owner.rollback()


@pytest.mark.parametrize("role", ["app", "worker", "eraser"])
def test_a_process_owns_nothing_and_is_nobody_special(scene, role):
    name = f"reviewqueue_{role}"
    facts = {
        "session_user": name,
        "current_user": name,
        "(SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user)": False,
        "(SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole)": 0,
        "(SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole)": 0,
        "(SELECT count(*) FROM pg_proc WHERE proowner = current_user::regrole)": 0,
        "(SELECT count(*) FROM information_schema.column_privileges WHERE is_grantable = 'YES')": 0,
        "has_schema_privilege('public', 'CREATE')": False,
        "has_database_privilege(current_database(), 'CREATE')": False,
    }
    found = scene.logins[role].execute(f"SELECT {', '.join(facts)}").fetchone()
    scene.logins[role].rollback()
    assert dict(zip(facts, found, strict=True)) == facts


@pytest.mark.parametrize("role", ["app", "worker", "eraser"])
@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SET ROLE reviewqueue_owner", "permission denied to set role"),
        ("SET session_replication_role = replica", "permission denied to set parameter"),
        ("ALTER TABLE delivery DISABLE TRIGGER ALL", "must be owner"),
        ("ALTER TABLE delivery DROP CONSTRAINT delivery_as_decided", "must be owner"),
        ("DROP TABLE delivery", "must be owner"),
        ("CREATE TABLE other (id int)", "permission denied for schema public"),
        ("CREATE OR REPLACE FUNCTION delivery_step() RETURNS trigger LANGUAGE sql AS ''", "permission denied"),
        ("COPY draft TO PROGRAM 'cat'", "permission denied"),
    ],
)
def test_a_process_cannot_take_the_guards_away(scene, role, sql, reason):
    login = scene.logins[role]
    try:
        with pytest.raises(psycopg.Error) as refused:
            login.execute(sql)
    finally:
        login.rollback()
    assert reason in str(refused.value)
