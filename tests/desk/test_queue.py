"""The list of open drafts: in hand-out order, page by page, at the same cost however much waits."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from reviewqueue.actions import claim
from reviewqueue.models import Draft, Lane
from reviewqueue.queries import queue
from tests.factories import make_agent, make_bot, make_draft, make_queue


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def shown(page) -> list[int]:
    """Ids of the rows, in their order."""
    return [int(row.one("bdi", class_="id").text[1:]) for row in page.root.one("tbody").all("tr")]


def handed_out() -> list[int]:
    return list(Draft.objects.order_by("order_key", "id").values_list("id", flat=True))


def test_rows_stand_in_the_order_in_which_they_are_handed_out(amina):
    now = timezone.now()
    for minutes in (50, 10, 30):
        make_draft(due_at=(now + timedelta(minutes=minutes)).isoformat())
    assert shown(amina.open("/queue")) == handed_out()
    amina.claim()
    assert amina.page.root.one("h1").words.startswith(f"#{handed_out()[0]}")


def test_a_row_says_what_it_is_and_with_whom(amina, browse):
    draft = make_draft(bot=make_bot("ship-bot"), confidence=0.41, language="ar")
    browse(make_agent("ben")).claim()
    row = amina.open("/queue").root.one("tbody").one("tr")
    for words in (
        f"#{draft.pk} Late parcel",
        "Where is order 4821?",
        "3 h",
        "reply",
        "Arabic",
        "ship-bot",
        "0.41",
        "ben",
    ):
        assert words in row.words


def test_a_row_is_opened_by_a_form_and_what_others_have_by_a_link(amina, browse):
    draft, other = make_draft(), make_draft()
    claim.claim(other.pk, by=make_agent("ben"))
    page = amina.open("/queue")
    assert page.root.one("tbody").one("a").attributes["href"] == f"/drafts/{other.pk}"
    page = amina.press("/claims", draft=draft.pk)
    assert page.root.one("h1").words.startswith(f"#{draft.pk}")


def test_somebody_was_faster(amina):
    draft = make_draft()
    amina.open("/queue")
    claim.claim(draft.pk, by=make_agent("ben"))
    page = amina.press("/claims", 409, draft=draft.pk)
    assert "ben has this draft now." in page.words


def test_pages_show_every_draft_once(amina, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 4)
    make_queue("second").agents.add(amina.user)
    for number in range(11):
        make_draft(queue=("default", "second")[number % 3 == 0], language=("en", "ar")[number % 2])
    amina.claim()
    seen, path = [], "/queue"
    while path:
        page = amina.open(path)
        seen += shown(page)
        onwards = [link for link in page.root.all("a") if link.words == "Next page"]
        path = f"/queue{onwards[0].attributes['href']}" if onwards else ""
    assert seen == handed_out()


def test_filters_narrow_and_are_taken_away_one_by_one(amina):
    make_queue("second").agents.add(amina.user)
    make_draft(language="en")
    arabic = make_draft(language="ar")
    label = make_draft(kind="sentiment", language="ar", queue="second")
    assert set(shown(amina.open("/queue?language=ar"))) == {arabic.pk, label.pk}
    assert shown(amina.open("/queue?language=ar&kind=reply")) == [arabic.pk]
    page = amina.open("/queue?language=ar&queue=second")
    assert shown(page) == [label.pk]
    chips = {chip.words: chip.attributes["href"] for chip in page.root.all("a", class_="chip")}
    assert chips == {
        "Arabic take this filter away": "?queue=second",
        "second take this filter away": "?language=ar",
    }
    assert "No draft matches." in amina.open("/queue?language=en&kind=sentiment").words


def test_a_filter_that_there_is_not_is_left_out_and_told(amina):
    draft = make_draft()
    page = amina.open("/queue?language=ja&kind=poem&queue=default")
    assert shown(page) == [draft.pk]
    assert "left out: poem, ja" in page.words
    assert [chip.words for chip in page.root.all("a", class_="chip")] == ["default take this filter away"]
    assert "left out" not in amina.open("/queue?kind=reply").words


def test_the_count_is_that_of_the_filter(amina, monkeypatch):
    for kind, language in (("reply", "en"), ("reply", "ar"), ("sentiment", "ar")):
        make_draft(kind=kind, language=language)
    for filters, words in (
        ("", "3 waiting"),
        ("?language=ar", "2 waiting, with this filter"),
        ("?language=ar&kind=reply", "1 waiting, with this filter"),
    ):
        assert words in amina.open(f"/queue{filters}").root.one("div", class_="head").words
    monkeypatch.setattr(queue, "LOOK_AT", 2)
    assert "waiting" not in amina.open("/queue?kind=reply").root.one("div", class_="head").words


@pytest.mark.parametrize("nonsense", ["after=1", "after=x-y", "kind=poem", "language=" + "x" * 99])
def test_nonsense_in_the_address_narrows_nothing(amina, nonsense):
    draft = make_draft()
    assert shown(amina.open(f"/queue?{nonsense}")) == [draft.pk]


def test_a_filter_that_no_index_knows_looks_only_so_far(amina, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 2)
    monkeypatch.setattr(queue, "LOOK_AT", 4)
    for _ in range(9):
        make_draft()
    label = make_draft(kind="sentiment")
    page, looks = amina.open("/queue?kind=sentiment"), 1
    while onwards := [link for link in page.root.all("a") if link.words == "Look further"]:
        assert "None of the next 4 drafts matches." in page.words
        page, looks = amina.open(f"/queue{onwards[0].attributes['href']}"), looks + 1
    assert (shown(page), looks) == ([label.pk], 3)


def test_an_agent_sees_the_own_lanes_and_a_lead_all(amina, browse):
    make_queue("other")
    mine, other = make_draft(), make_draft(queue="other")
    assert shown(amina.open("/queue")) == [mine.pk]
    lead = browse(make_agent(role="lead"))
    page = lead.open("/queue")
    assert shown(page) == [mine.pk, other.pk]
    assert page.root.one("tbody").one("a").attributes["href"] == f"/drafts/{other.pk}"


def test_counts_stop(amina, monkeypatch):
    monkeypatch.setattr(queue, "MANY", 2)
    for _ in range(4):
        make_draft()
    assert queue.page(amina.user, queue.Filter()).waiting == 3


def test_an_empty_list_is_honest(amina):
    assert "Nothing waits." in amina.open("/queue").words


def test_the_number_of_queries_does_not_grow_with_the_rows(amina, django_assert_num_queries):
    for rows in (1, 3):
        while Draft.objects.count() < rows:
            make_draft()
        with django_assert_num_queries(7):
            assert len(shown(amina.open("/queue"))) == rows


def test_a_page_is_read_by_index_and_not_by_counting(amina, django_db_blocker):
    """The plan of the list: each lane gives its first rows by index, whatever stands behind them."""
    for _ in range(3):
        make_draft()
    values = {"lanes": list(Lane.objects.values_list("id", flat=True)), "kinds": ["reply"], "depth": 51, "limit": 51}
    with connection.cursor() as cursor:
        # Three rows say nothing of cost: the plan must be possible without sorting or reading what is not asked for.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {queue.NEAR}", {**values, **queue.START._asdict()})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "draft_next_in_lane" in plan
    assert "Seq Scan" not in plan
    assert "Limit" in plan
