"""The board's figures: equal to a count of our own, hidden where there are too few, at a constant cost."""

import csv
import io
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from reviewqueue.actions import settle
from reviewqueue.figures import BUCKETS, wilson
from reviewqueue.lifecycle import DELIVERY, move
from reviewqueue.models import Bot, Decision, Delivery, Feed, Queue, Source, SourceDay
from reviewqueue.queries import rates
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_endpoint, make_queue

VERDICTS = ("approved", "edited", "rejected", "returned")


@pytest.fixture
def dana(browse):
    return browse(make_agent("dana", role="lead"))


def rows_of(page, kind: str) -> dict[str, list[str]]:
    """The cells of the first table of a kind, by name."""
    table = page.root.one("section", aria_labelledby=kind).all("table")[0]
    return {
        row.one("th").words: [cell.words for cell in row.all("td") if not cell.all("svg")]
        for row in table.one("tbody").all("tr")
    }


def test_figures_equal_an_independent_count(dana, final, as_role):
    bots = make_bot("one"), make_bot("two")
    for number, (bot, kind) in enumerate((bot, kind) for bot in bots for kind in ("reply", "sentiment")):
        for verdict in ("approve", "edit", "reject"):
            final(number + 1, verdict=verdict, bot=bot, kind=kind)
    expected: Counter[tuple[str, str, str]] = Counter()
    for feed in Feed.objects.select_related("decision__draft__bot"):
        expected[feed.decision.draft.bot.name, feed.decision.draft.kind, feed.decision.verdict] += 1
    counted = {
        (line.name, table.kind, verdict): rate.count
        for table in rates.board(28, None).tables
        for line in table.lines
        for verdict, rate in line.rates
        if rate.count
    }
    assert counted == expected
    assert sum(expected.values()) == Decision.objects.count() == 30
    for table in rates.board(28, None).tables:
        assert table.total.n == sum(line.n for line in table.lines) == sum(day.n for day in table.days)
        assert all(rate.n == table.total.n for _, rate in table.total.rates)


def test_a_decision_counts_only_once_it_is_final(dana, final, as_role):
    Queue.objects.update(hold_seconds=600)
    decision, other = final(2)
    assert rates.board(28, None).tables[0].total.n == 0
    settle.undo(decision.pk, by=decision.by_agent)
    settle.send_now(other.pk, by=other.by_agent)
    final(0)
    assert rates.board(28, None).tables[0].total.counts == {"approved": 1, "edited": 0, "rejected": 0, "returned": 0}


def test_sandbox_drafts_are_not_counted(dana, final):
    final(1, bot=make_bot(sandbox=True))
    assert rates.board(28, None).tables[0].total.n == 0


def counts(as_role, bot: Bot, *, days_ago=0, kind="reply", version="1", seconds=None, **verdicts: int) -> None:
    """A row of the rollup, written as the beat writes it. `seconds` is {place of a bucket: decisions}."""
    source, _ = Source.objects.get_or_create(bot=bot, model="ship", version=version)
    buckets = [(seconds or {}).get(place, 0) for place in range(len(BUCKETS) + 1)]
    with as_role("worker"):
        SourceDay.objects.create(
            day=timezone.now().date() - timedelta(days=days_ago),
            source=source,
            queue=Queue.objects.first(),
            language="en",
            kind=kind,
            seconds=buckets,
            **verdicts,
        )


def test_a_rate_stands_with_its_n_and_interval_and_not_alone(dana, as_role):
    counts(as_role, make_bot("big"), approved=3432, edited=889, rejected=500)
    counts(as_role, make_bot("mid"), approved=20, edited=10)
    counts(as_role, make_bot("tiny"), approved=29)
    page = dana.open("/board")
    rows = rows_of(page, "reply")
    low, high = wilson(3432, 4821)
    dash = "\N{EN DASH}"
    assert rows["big"][:2] == ["4,821", f"71.2%{low * 100:.1f}{dash}{high * 100:.1f}"]
    assert rows["mid"][:2] == ["30", f"67%49{dash}81"]
    assert rows["tiny"] == ["29", "too few, not shown", dash]
    assert list(rows) == ["big", "mid", "tiny", "All"], "those with too few are not ranked among the others"
    drawn = page.root.one("section", aria_labelledby="reply").all("svg", class_="whisker")
    span = drawn[0].one("line", class_="span").attributes
    assert (float(span["x1"]), float(span["x2"])) == pytest.approx((low * 160, high * 160), abs=0.06)


def test_replies_and_labels_are_never_mixed(dana, as_role):
    bot = make_bot("both")
    counts(as_role, bot, approved=40)
    counts(as_role, bot, kind="sentiment", rejected=50)
    page = dana.open("/board")
    assert rows_of(page, "reply")["both"][0] == "40"
    assert rows_of(page, "sentiment")["both"][0] == "50"


@pytest.mark.parametrize(
    ("days", "n"), [("7", "30"), ("28", "60"), ("90", "90"), ("", "60"), ("1000", "60"), ("x", "60")]
)
def test_periods_are_utc_days(dana, as_role, days, n):
    bot = make_bot("bot")
    for days_ago in (6, 27, 89, 90):
        counts(as_role, bot, days_ago=days_ago, approved=30)
    assert rows_of(dana.open(f"/board?days={days}"), "reply")["bot"][0] == n


def test_one_bot_is_shown_by_its_sources_and_days(dana, as_role):
    bot = make_bot("ship-bot")
    for version, approved in (("1.8", 31), ("1.9", 32)):
        counts(as_role, bot, version=version, approved=approved)
    counts(as_role, make_bot("other"), approved=99)
    page = dana.open(f"/board?bot={bot.pk}")
    rows = rows_of(page, "reply")
    assert {name: cells[0] for name, cells in rows.items()} == {"ship 1.9": "32", "ship 1.8": "31", "All": "63"}


def test_the_median_time_is_a_range(dana, as_role):
    counts(as_role, make_bot("quick"), approved=40, seconds={0: 10, 4: 30})
    counts(as_role, make_bot("slow"), approved=40, seconds={len(BUCKETS): 40})
    counts(as_role, make_bot("untimed"), approved=40)
    rows = rows_of(dana.open("/board"), "reply")
    dash = "\N{EN DASH}"
    assert (rows["quick"][-1], rows["slow"][-1], rows["untimed"][-1]) == (f"5{dash}8 s", "3600+ s", dash)


def test_what_waits_now(dana, monkeypatch):
    make_queue("calm", priority=9)
    for _ in range(3):
        make_draft()
    monkeypatch.setattr(rates, "MANY", 2)
    depths = {depth.queue: depth for depth in rates.board(28, None).depths}
    assert (depths["default"].waiting, depths["calm"].waiting, depths["calm"].oldest) == (3, 0, None)
    assert "next in line has waited under 1 min" in dana.open("/board").words


def test_failed_and_unknown_deliveries_lead_to_their_draft(dana, browse, as_role):
    make_queue(hold_seconds=0)
    make_endpoint()
    decision = make_decision()
    with as_role("worker"):
        for step in ("dispatch", "start", "give_up"):
            move(Delivery.objects.filter(decision=decision), DELIVERY[step])
    trouble = dana.open("/board").root.one("section", aria_labelledby="trouble")
    assert trouble.one("a").attributes["href"] == f"/drafts/{decision.draft_id}"
    assert "failed" in trouble.words
    auditor = browse(make_agent(role="auditor"))
    trouble = auditor.open("/board").root.one("section", aria_labelledby="trouble")
    assert trouble.all("a") == [], "an auditor is not offered what would not open"


def retried(as_role, attempts: int = 1) -> Delivery:
    """A delivery that was handed to a worker and will be tried again in an hour."""
    decision = make_decision()
    with as_role("worker"):
        for step in ("dispatch", "start", "postpone")[:: 1 if attempts else 2]:
            (delivery,) = move(Delivery.objects.filter(decision=decision), DELIVERY[step])
        later = timezone.now() + timedelta(hours=attempts)
        Delivery.objects.filter(pk=delivery.pk).update(attempts=attempts, not_before=later)
    return delivery


def test_a_delivery_that_is_tried_again_and_again_is_in_the_list(dana, as_role, monkeypatch):
    make_queue(hold_seconds=0)
    make_endpoint()
    untried, once, twice = (retried(as_role, attempts) for attempts in (0, 1, 2))
    trouble = dana.open("/board").root.one("section", aria_labelledby="trouble")
    listed = [link.attributes["href"] for link in trouble.all("a")]
    assert listed == [f"/drafts/{delivery.draft_id}" for delivery in (once, twice)]
    assert f"/drafts/{untried.draft_id}" not in listed
    assert "will be tried again" in trouble.words
    assert len(trouble.all("time")) == 2, "each with the time of its next try"
    monkeypatch.setattr(rates, "TROUBLES", 1)
    trouble = dana.open("/board").root.one("section", aria_labelledby="trouble")
    assert len(trouble.all("a")) == 1
    assert "There are more" in trouble.words


def test_what_is_tried_again_is_read_by_index(dana, as_role):
    """Each endpoint's oldest, whatever stands behind them: never the whole table."""
    make_queue(hold_seconds=0)
    make_endpoint()
    retried(as_role)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {rates.RETRIED}", {"look_at": 10, "troubles": 10})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "using delivery_retrying on delivery" in plan


def test_as_of_is_the_time_of_the_last_fold(dana, final):
    assert "no decision counted yet" in dana.open("/board").words
    final(1)
    assert "as of" in dana.open("/board").words


def test_the_number_of_queries_does_not_grow(dana, as_role, django_assert_num_queries):
    make_queue(hold_seconds=0)
    make_endpoint()
    for bots in (1, 3):
        retried(as_role)
        while Bot.objects.count() < bots:
            counts(as_role, make_bot(), approved=40, days_ago=Bot.objects.count())
        with django_assert_num_queries(11):
            dana.open("/board")


def test_the_sheet_sums_up_to_the_board(dana, as_role):
    one, two = make_bot("one"), make_bot('=cmd|"/c"!A1')
    counts(as_role, one, approved=30, edited=5, days_ago=1)
    counts(as_role, one, approved=7, rejected=1)
    counts(as_role, two, kind="sentiment", returned=2)
    answer = dana.client.get("/board/rates.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {(row["kind"], row["bot"]) for row in rows} == {("reply", "one"), ("sentiment", '\'=cmd|"/c"!A1')}
    for table in rates.board(28, None).tables:
        mine = [row for row in rows if row["kind"] == table.kind]
        assert {verdict: sum(int(row[verdict]) for row in mine) for verdict in VERDICTS} == table.total.counts
    first = rows[0]
    assert (first["n"], first["approved_low"]) == ("35", str(round(wilson(30, 35)[0], 4)))
    assert rows[1]["approved_low"] == "", "no interval for eight"
