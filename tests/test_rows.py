"""Models read and stored by constant SQL are what Django would read and store."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Q
from psycopg.pq import ExecStatus

from reviewqueue.models import Body, Conversation, Customer, Draft, Lane, Queue, Submission
from reviewqueue.rows import ask, composed, insert, read
from tests.factories import make_draft

pytestmark = pytest.mark.django_db

ODD = "null \\u0000 is refused elsewhere; 'quotes' \"double\" \\back %s {} \n\u2028 \U0001f600 \u05d0\u200f \x01"


def again(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("model", [Draft, Submission, Body, Customer, Conversation, Lane, Queue])
def test_a_row_reads_as_django_reads_it(model):
    make_draft(topics=["a b", "c"], segments={"tier": "gold"}, metadata={"n": [1, None, {"x": 2.5}]})
    table, pk = model._meta.db_table, model._meta.pk.column
    ours = read(model, f"SELECT 7 AS seven, {table}.* FROM {table} ORDER BY {pk} DESC LIMIT 1", [])
    [django] = model.objects.order_by("-pk")[:1]
    assert ours == [django]
    assert again(ours[0]) == again(django)
    assert ours[0].seven == 7


def test_what_is_composed_once_reads_as_django_reads_it(django_assert_num_queries):
    joined = ("body", "conversation__subject", "lane__queue", "submission__source", "submission__about", "holder")

    def compose(draft, holder):
        found = Draft.objects.filter(Q(pk=draft) | Q(holder=holder), status="waiting")
        return found.select_related(*joined).order_by("-pk")[:3]

    ours = composed(compose)
    drafts = [make_draft(segments={"tier": "gold"}, topics=["a b"]), make_draft(kind="sentiment", conversation=None)]
    for draft in (*drafts, drafts[0]):
        with django_assert_num_queries(1):
            (one,) = ours(draft.pk, 0)
            rows = [one, one.body, one.lane.queue, one.submission, one.submission.source, one.submission.about]
            assert (one.holder, one.conversation is None) == (None, draft.kind == "sentiment")
        (django,) = compose(draft.pk, 0)
        same = [django, django.body, django.lane.queue, django.submission, django.submission.source]
        for mine, theirs in zip(rows, [*same, django.submission.about], strict=True):
            assert mine == theirs
            assert mine is None or again(mine) == again(theirs)
    assert ours(-1, 0) == []
    assert ours(2**70, 0) == [], "an address may name any number"


def kept(word: str) -> int:
    """How many plans this connection keeps of statements with that word."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, %s) > 0", [word])
        return cursor.fetchone()[0]


def test_one_plan_is_kept_whatever_a_number_is():
    make_draft()
    for size in (1, 2**20, 2**40):
        for _ in range(3):
            ask("SELECT id AS sized FROM lane WHERE id = %s OR id = ANY (%s)", [size, [size]])
    assert kept("sized") == 1


def test_where_no_plans_are_kept_it_reads_the_same():
    draft = make_draft()
    connection.connection.prepare_threshold = None
    try:
        for _ in range(4):
            assert read(Lane, "SELECT *, 7 AS planless FROM lane WHERE id = %s", [draft.lane_id]) == [draft.lane]
        assert kept("planless") == 0
    finally:
        connection.connection.prepare_threshold = settings.DATABASES["default"]["OPTIONS"]["prepare_threshold"]


def test_a_kept_plan_outlives_a_migration_that_adds_a_column(as_role):
    draft = make_draft()
    said = "SELECT lane.*, 7 AS migrated FROM lane WHERE id = %s"
    for _ in range(3):
        read(Lane, said, [draft.lane_id])
    assert kept("migrated") == 1
    with as_role("owner"):
        # Beside psycopg, which forgets all plans once it sees an ALTER: that of a migration comes from elsewhere.
        done = connection.connection.pgconn.exec_(
            b"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE lane ADD COLUMN more int"
        )
        assert done.status == ExecStatus.COMMAND_OK
    assert read(Lane, said, [draft.lane_id]) == [draft.lane]


def test_what_is_stored_comes_back_as_it_was():
    draft = make_draft()
    bodies = [Body.of(text, ink="machine", customer_id=draft.customer_id) for text in (ODD, "", " x ")]
    assert insert(bodies) is not None
    assert [body.text for body in Body.objects.filter(pk__in=[body.pk for body in bodies]).order_by("pk")] == [
        ODD,
        "",
        " x ",
    ]
    for body in bodies:
        stored = Body.objects.get(pk=body.pk)
        assert (stored.text, bytes(stored.salt)) == (body.text, body.salt)
        assert bytes(stored.digest) == body.digest


def test_numbers_lists_times_and_nothing_keep_their_kind():
    old = make_draft()
    draft = Draft(**{**again(old), "id": None, "external_id": "second", "order_key": 2**53 - 1, "submitted_at": NOW})
    insert([draft])
    stated = {
        "topics": ["a,b", '"', "{}", "NULL", ""],
        "labels": [],
        "segments": {"k": "v"},
        "metadata": None,
        "confidence": 0.1,
    }
    insert([Submission(**{**again(old.submission), "draft_id": draft.pk, "due_at": NOW, "score": None, **stated})])
    stored = Draft.objects.select_related("submission").get(external_id="second")
    assert (stored.pk, stored.order_key, stored.submitted_at, stored.holder_id) == (draft.pk, 2**53 - 1, NOW, None)
    assert {name: getattr(stored.submission, name) for name in stated} == stated
    assert (stored.submission.due_at, stored.submission.score) == (NOW, None)
    assert not Submission.objects.filter(metadata__isnull=False, pk=stored.pk).exists(), "NULL, not the JSON null"


def test_none_are_none():
    assert insert([]) == []


NOW = datetime(2026, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
