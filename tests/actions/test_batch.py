"""Many drafts at once fare as they would alone, in order."""

from collections import Counter
from typing import Any

import psycopg
import pytest
from django.db import DataError, OperationalError, connection

from reviewqueue.actions.submit import submit, submit_all
from reviewqueue.actions.wave import HandedIn, Submitted
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Customer, Draft, Event, Message
from tests.actions.test_submit import everything
from tests.factories import make_bot, make_content


def handed_in(**changes: Any) -> HandedIn:
    content = make_content(**changes)
    return HandedIn(content, content)


def said(outcomes: list[Any]) -> list[str]:
    return [outcome.code if isinstance(outcome, Refused) else outcome.draft.external_id for outcome in outcomes]


@pytest.mark.django_db
def test_each_fares_as_it_would_alone():
    bot, other = make_bot(), make_content()
    submit(other, other, bot=make_bot())
    Customer.objects.create(ref="gone", opted_out_at="2026-01-01T00:00Z")
    first = handed_in(external_id="a")
    batch = [
        first,
        handed_in(external_id="b", queue="nowhere"),
        handed_in(external_id="c", customer={"id": "gone", "name": None}),
        handed_in(external_id="d", conversation=other["conversation"]),
        first,
        handed_in(external_id="a"),
        handed_in(external_id="e", customer=first.content["customer"]),
        handed_in(external_id="f", supersedes="a", customer=first.content["customer"]),
        handed_in(external_id="g", supersedes="nothing"),
        handed_in(external_id="h", language="ja"),
    ]
    outcomes = submit_all(batch, bot=bot)
    assert said(outcomes) == [
        "a", "unknown-queue", "opted-out", "conversation-mismatch",
        "a", "external-id-reused", "e", "f", "not-found", "h",
    ]  # fmt: skip
    assert [outcome.replayed for outcome in outcomes if isinstance(outcome, Submitted)] == [False, True, *[False] * 3]
    stored = Draft.objects.filter(bot=bot).order_by("external_id")
    assert [(draft.external_id, draft.status) for draft in stored] == [
        ("a", "withdrawn"), ("e", "waiting"), ("f", "waiting"), ("h", "waiting"),
    ]  # fmt: skip
    assert Counter(Event.objects.values_list("kind", flat=True))["draft.submitted"] == 5


@pytest.mark.django_db
def test_a_refused_draft_leaves_nothing_behind():
    bot = make_bot()
    before = everything()
    submit_all([handed_in(queue="nowhere"), handed_in(supersedes="nothing")], bot=bot)
    assert everything() == before


@pytest.mark.django_db
def test_messages_of_one_conversation_raise_its_rev_once_each():
    first = handed_in()
    talk = first.content["conversation"]
    more = [{"id": f"m{n}", "author": "customer", "text": f"And {n}?", "sent_at": None} for n in (1, 2, 3)]
    batch = [first] + [
        handed_in(customer=first.content["customer"], conversation=talk | {"messages": more[: n + 1]})
        for n in (1, 2, 2)
    ]
    drafts = [outcome.draft for outcome in submit_all(batch, bot=make_bot())]
    assert [draft.submission.conversation_rev for draft in drafts] == [1, 2, 3, 3]
    assert list(Message.objects.values_list("ref", "rev")) == [("m1", 1), ("m2", 2), ("m3", 3)]


@pytest.mark.django_db
def test_a_draft_that_the_database_refuses_stops_no_other():
    def spoiled(run, sql, params, *rest):
        if sql.startswith('INSERT INTO "submission"') and "odd" in str(params):
            raise DataError("odd")
        return run(sql, params, *rest)

    batch = [handed_in(external_id="a"), handed_in(external_id="b", topics=["odd"]), handed_in(external_id="c")]
    with connection.execute_wrapper(spoiled):
        outcomes = submit_all(batch, bot=make_bot())
    assert [type(outcome) for outcome in outcomes] == [Submitted, DataError, Submitted]
    assert sorted(Draft.objects.values_list("external_id", flat=True)) == ["a", "c"]


@pytest.mark.django_db
def test_a_hundred_take_as_many_statements_as_one(django_assert_max_num_queries):
    bot = make_bot()
    submit_all([handed_in()], bot=bot)
    with django_assert_max_num_queries(18):
        submit_all([handed_in() for _ in range(100)], bot=bot)


@pytest.mark.django_db
def test_what_the_database_answers_decides_whether_the_rest_is_tried():
    """A lock that was not given is one draft's bad luck, four of them are everybody's; a session that was ended too."""

    def batch_against(sqlstate, spoiled):
        def run(execute, sql, params, *rest):
            if sql.startswith('INSERT INTO "submission"') and any(f'"{word}"' in str(params) for word in spoiled):
                raise OperationalError(sqlstate) from psycopg.errors.lookup(sqlstate)()
            return execute(sql, params, *rest)

        tried = [handed_in(topics=[str(number)]) for number in range(8)]
        with connection.execute_wrapper(run):
            outcomes = submit_all(tried, bot=make_bot())
        return [isinstance(outcome, Submitted) for outcome in outcomes]

    assert batch_against("55P03", "3") == [True] * 3 + [False] + [True] * 4
    assert batch_against("55P03", "1234") == [True] + [False] * 7
    assert batch_against("25P03", "3") == [False] * 8
    assert batch_against("08006", "3") == [False] * 8


@pytest.mark.usefixtures("committed")
def test_batches_in_opposite_orders_never_stop_each_other(in_threads):
    """All of it new: customers, conversations, drafts of two bots of one space."""
    bots = [make_bot(), make_bot()]
    for _ in range(3):
        drafts = [handed_in() for _ in range(200)]
        answers = in_threads(2, lambda n, drafts=drafts: submit_all(drafts[:: 1 - 2 * n], bot=bots[n]))
        outcomes = [outcome for answer in answers for outcome in answer]
        assert all(isinstance(outcome, Submitted) for outcome in outcomes), outcomes[:3]


@pytest.mark.django_db
def test_a_bot_of_a_thousand_versions_reads_one_of_them():
    bot = make_bot()
    stated = {"vendor": "", "model": "", "prompt_version": ""}
    submit_all([handed_in(source=stated | {"version": str(number)}) for number in range(1000)], bot=bot)
    seen = []

    def count(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        seen.append(context["cursor"].rowcount)
        return answer

    with connection.execute_wrapper(count):
        submit_all([handed_in(source=stated | {"version": "500"})], bot=bot)
    assert max(seen) <= 1


@pytest.mark.usefixtures("committed")
def test_overlapping_batches_at_once_store_each_draft_once(in_threads):
    bot = make_bot()
    drafts = [handed_in() for _ in range(40)]
    orders = [drafts[n:] + drafts[:n] for n in (0, 10, 20, 30)] + [drafts[::-1]]
    answers = in_threads(5, lambda n: submit_all(orders[n], bot=bot))
    outcomes = [outcome for answer in answers for outcome in answer]
    assert all(isinstance(outcome, Submitted) for outcome in outcomes), outcomes
    assert sum(not outcome.replayed for outcome in outcomes) == len(drafts) == Draft.objects.count()
