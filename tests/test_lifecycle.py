"""Every step against every status, in our table and in the database's, and nobody else who writes a status."""

import ast
import re
from itertools import permutations, product
from pathlib import Path

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from reviewqueue.lifecycle import DELIVERY, DELIVERY_STATUSES, DRAFT, DRAFT_STATUSES, TABLES, Refused, move, open_steps
from reviewqueue.models import Delivery, Draft
from tests.factories import make_agent, make_decision, make_draft, make_endpoint

PACKAGE = Path(__file__).resolve().parent.parent / "reviewqueue"


@pytest.mark.parametrize(("name", "statuses", "table"), [(name, *entry) for name, entry in TABLES.items()])
def test_tables_speak_of_known_statuses_only(name, statuses, table):
    for step in table.values():
        assert set(step.before) | {step.after} <= set(statuses), step
        assert step.before, step
        assert step.who, step


def test_ends_are_ends():
    assert [s for s in DRAFT_STATUSES if not open_steps(DRAFT, s)] == ["refused", "withdrawn", "expired"]
    assert [s for s in DELIVERY_STATUSES if not open_steps(DELIVERY, s)] == ["delivered", "cancelled"]


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "status"), list(product(DRAFT, DRAFT_STATUSES)))
def test_a_draft_takes_a_step_only_from_where_the_table_says(verb, status):
    step = DRAFT[verb]
    draft = _draft_at(status)
    holder = {"holder": make_agent(), "slot": 0, "lease_until": "2030-01-01T00:00Z"}
    nobody = {"holder": None, "slot": None, "lease_until": None}
    moved = move(Draft.objects.filter(pk=draft.pk), step, **(holder if step.after == "claimed" else nobody))
    assert bool(moved) == step.starts_from(status)
    assert Draft.objects.get(pk=draft.pk).status == (step.after if moved else status)


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "status"), list(product(DELIVERY, DELIVERY_STATUSES)))
def test_a_delivery_takes_a_step_only_from_where_the_table_says(verb, status):
    step = DELIVERY[verb]
    delivery = _delivery_at(status)
    moved = move(Delivery.objects.filter(pk=delivery.pk), step)
    assert bool(moved) == step.starts_from(status)
    assert Delivery.objects.get(pk=delivery.pk).status == (step.after if moved else status)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "before", "after"),
    [(name, before, after) for name, (statuses, _) in TABLES.items() for before, after in permutations(statuses, 2)],
)
def test_the_database_knows_the_same_arrows(table, before, after):
    row = _draft_at(before) if table == "draft" else _delivery_at(before)
    steps = TABLES[table][1].values()
    legal = any(step.starts_from(before) and step.after == after for step in steps)
    extra = ""
    if table == "draft":
        holder = (make_agent().pk, 0, "now()") if after == "claimed" else ("NULL",) * 3
        extra = ", holder_id={}, slot={}, lease_until={}".format(*holder)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET status=%s{extra} WHERE id=%s", [after, row.pk])
    except (IntegrityError, InternalError):
        assert not legal
    else:
        assert legal


def test_only_the_lifecycle_writes_a_status():
    """A draft is born with a status, a delivery too (in SQL, and the database lets none be born but held); afterwards
    only move() changes it."""
    births = {("wave.py", "Draft", "waiting"), ("write.py", "Draft", "waiting")}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        # The client's HTTP statuses are none of ours; migrations hold the database's own copy of the tables.
        if path.name == "lifecycle.py" or {"migrations", "client"} & set(path.parts):
            continue
        code = path.read_text()
        assert not re.search(r"SET\s+status", code), path
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Attribute) and node.attr == "status":
                assert not isinstance(node.ctx, ast.Store), path
            if isinstance(node, ast.Call):
                found |= {
                    (path.name, ast.unparse(node.func), ast.literal_eval(word.value))
                    for word in node.keywords
                    if word.arg == "status" and ast.unparse(node.func).endswith((".update", "Draft", "Delivery"))
                }
    assert found == births


def _draft_at(status):
    if status == "decided":
        return _undone()
    draft = make_draft()
    _force("draft", draft, status, ", holder_id=%s, slot=0, lease_until=now()" if status == "claimed" else "")
    return draft


def _undone():
    """A decided draft whose decision was undone: only such a one goes on."""
    decision = make_decision()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO settlement (decision_id, outcome, at) VALUES (%s, 'undone', now())", [decision.pk])
    return decision.draft


def _delivery_at(status):
    make_endpoint()
    decision = make_decision()
    delivery = Delivery.objects.get(decision=decision)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hold SET until = now() - interval '1 minute'")
        cursor.execute("INSERT INTO settlement (decision_id, outcome, at) VALUES (%s, 'final', now())", [decision.pk])
        cursor.execute("UPDATE delivery SET settled = 'final', not_before = now() - interval '1 minute'")
    _force("delivery", delivery, status, "")
    return delivery


def _force(table, row, status, extra):
    """Put a row into a status against the trigger, as only the owner of a table can."""
    with connection.cursor() as cursor:
        # Deferred foreign keys of the rows just made are checked first: a table with some pending cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SET ROLE NONE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_guard")
        params = [status, make_agent().pk, row.pk] if "%s" in extra else [status, row.pk]
        cursor.execute(f"UPDATE {table} SET status=%s{extra} WHERE id=%s", params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_guard; SET ROLE reviewqueue_app")


def test_a_refusal_reads_as_its_code_and_sentence():
    assert str(Refused("lease-lost", "Ben has it.")) == "lease-lost: Ben has it."
