"""Feedback to download: complete, verbatim, and harmless in a spreadsheet."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.board.sheets import as_csv, cell
from reviewqueue.models import Body, Customer, Feed
from reviewqueue.queries import exports
from tests.factories import make_agent, make_bot

EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


@pytest.fixture
def dana(browse):
    return browse(make_agent("dana", role="lead"))


def lines(dana, path: str = "/board/feedback.jsonl") -> list[dict]:
    answer = dana.client.get(path)
    assert answer.status_code == 200
    assert answer.streaming
    return [json.loads(line) for line in answer.getvalue().decode().splitlines()]


def table(dana, path: str = "/board/feedback.csv") -> list[dict[str, str]]:
    text = dana.client.get(path).getvalue().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_final_decision_with_its_texts_verbatim(dana, final):
    text = "\n ‮Hello,\n\n“Straße” عربي 日本語 🙃\u2028 "
    edited, rejected, label = (
        *final(
            1,
            verdict="edit",
            text=text,
            language="de",
            source={"vendor": "v", "model": "m", "version": "1", "prompt_version": "p"},
        ),
        *final(1, verdict="reject"),
        *final(1, kind="sentiment", verdict="edit"),
    )
    rows = lines(dana)
    assert [row["seq"] for row in rows] == list(Feed.objects.order_by("seq").values_list("seq", flat=True))
    assert set(rows[0]) == set(exports.COLUMNS)
    assert (rows[0]["draft"], rows[0]["final"]) == (text, "A person wrote this.")
    assert (rows[0]["model"], rows[0]["language"], rows[0]["edit_unit"]) == ("m", "de", "word")
    assert rows[0]["edit_rate"] == edited.feedback.edit_rate
    assert (rows[1]["verdict"], rows[1]["final"], rows[1]["reasons"]) == ("rejected", "", ["wrong-facts"])
    assert (rows[2]["kind"], rows[2]["draft"], rows[2]["final"]) == ("sentiment", "positive", "negative")
    assert rejected.draft.external_id == rows[1]["external_id"]
    assert label.at.isoformat() == rows[2]["decided_at"]


def test_csv_says_the_same(dana, final):
    final(2, verdict="edit", text="Hello,\nworld")
    final(1, verdict="reject")
    for row, line in zip(table(dana), lines(dana), strict=True):
        assert (row["draft"], row["final"]) == (line["draft"], line["final"])
        assert row["reasons"] == ", ".join(line["reasons"])
        assert row["seq"] == str(line["seq"])


@pytest.mark.parametrize("evil", EVIL)
def test_no_cell_is_a_formula(dana, final, evil):
    final(1, verdict="edit", text=evil, source={"vendor": evil, "model": "", "version": "", "prompt_version": ""})
    (row,) = table(dana)
    assert row["draft"] == f"'{evil}"
    assert row["vendor"] == f"'{evil}"
    assert lines(dana)[0]["draft"] == evil, "JSON needs no guard and stays verbatim"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (-0.5, -0.5),
        (["=1", "b"], "'=1, b"),
        ("\0", "'\0"),
        ("'=1", "'=1"),
    ],
)
def test_only_what_could_run_is_guarded(value, written):
    assert cell(value) == written


def test_quotes_commas_and_line_ends_come_through():
    texts = ['say "hi"', "a,b", "a\nb", "a\r\nb", " ", "🙃"]
    text = "".join(as_csv(["t"], ({"t": value} for value in texts)))
    assert [row["t"] for row in csv.DictReader(io.StringIO(text, newline=""))] == texts


def test_held_and_sandbox_decisions_are_not_there(dana, final):
    final(1, bot=make_bot(sandbox=True))
    assert lines(dana) == []


def test_who_opted_out_is_left_out_and_who_was_erased_is_empty(dana, final, as_role):
    gone, erased = final(2, verdict="edit")
    Customer.objects.filter(pk=gone.draft.customer_id).update(opted_out_at=timezone.now())
    with as_role("eraser"):
        Body.objects.filter(customer_id=erased.draft.customer_id).update(text=None, salt=None)
    (row,) = lines(dana)
    assert (row["external_id"], row["draft"], row["final"]) == (erased.draft.external_id, "", "")
    assert row["verdict"] == "edited"


def test_from_to_and_bot(dana, final):
    bot = make_bot()
    final(1, bot=bot)
    final(1)
    today = timezone.now().date()
    assert len(lines(dana, f"/board/feedback.jsonl?bot={bot.pk}")) == 1
    assert len(lines(dana, f"/board/feedback.jsonl?first={today}&last={today}")) == 2
    assert lines(dana, f"/board/feedback.jsonl?first={today + timedelta(days=1)}") == []
    assert lines(dana, f"/board/feedback.jsonl?last={today - timedelta(days=1)}") == []


@pytest.mark.parametrize("nonsense", ["first=yesterday", "last=2026-13-01", "bot=x"])
def test_nonsense_is_refused_as_half_an_export_looks_like_a_whole_one(dana, nonsense):
    for kind in ("csv", "jsonl"):
        page = dana.open(f"/board/feedback.{kind}?{nonsense}", status=422)
        assert "Write the days as 2026-11-23" in page.words


def test_from_after_to_is_told_and_not_answered_with_an_empty_file(dana, final):
    final(1)
    page = dana.open("/board/feedback.csv?first=2026-11-23&last=2026-11-22", status=422)
    assert "The first day comes after the last one." in page.words
    assert page.root.one("a", class_="button main").attributes["href"] == "/board#feedback"


def test_rows_are_read_in_batches(dana, final, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(exports, "BATCH", 2)
    final(5)
    with django_assert_num_queries(4):
        assert len(list(exports.feedback(exports.Window()))) == 5
