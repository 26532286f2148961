"""How the product writes numbers, times, languages and changes."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as some

from reviewqueue import checks
from reviewqueue.checks import Finding
from reviewqueue.desk import tags
from reviewqueue.desk.changes import counted, runs
from reviewqueue.edits import word_diff
from reviewqueue.queries.rates import Rate


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 s"),
        (8.44, "8.4 s"),
        (59.94, "59.9 s"),
        (60, "1 min"),
        (14 * 60 + 59, "14 min"),
        (3600, "1 h"),
        (3 * 3600 + 20 * 60, "3 h 20 min"),
        (47 * 3600, "47 h"),
        (3 * 86400, "3 days"),
        (timedelta(minutes=-12), "12 min"),
    ],
)
def test_durations(seconds, words):
    assert tags.span(seconds) == words


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (46.5, "fine", "46 min left"),
        (4.5, "soon", "4 min left"),
        (-12.5, "late", "12 min over"),
        (0.5, "soon", "under 1"),
    ],
)
def test_what_is_due_has_a_word_and_in_need_a_sign(minutes, state, words):
    html = tags.due(timezone.now() + timedelta(minutes=minutes))
    assert f'class="due {state}"' in html
    assert words in html
    assert ("<svg" in html) == (state != "fine")


@pytest.mark.parametrize(
    ("rate", "percent", "interval"),
    [
        (Rate(20, 29), "", ""),
        (Rate(20, 30), "67%", "49-81"),
        (Rate(3432, 4821), "71.2%", "69.9-72.4"),
        (Rate(0, 40), "0%", "0-9"),
        (Rate(0, 0), "", ""),
    ],
)
def test_rates_with_their_interval_and_none_under_thirty(rate, percent, interval):
    assert tags.percent(rate) == percent
    assert tags.interval(rate) == interval.replace("-", "\N{EN DASH}")
    assert bool(tags.whisker(rate)) == rate.shown


def test_counts_stop_at_their_cap():
    assert (tags.capped(7, 1000), tags.capped(1000, 1000), tags.capped(1001, 1000)) == ("7", "1,000", "1,000+")


@pytest.mark.parametrize(
    ("tag", "name", "attribute"),
    [
        ("en", "English", "en"),
        ("pt-BR", "Brazilian Portuguese", "pt-BR"),
        ("ar-EG", "Arabic", "ar-EG"),
        ("tlh", "tlh", "tlh"),
        ("und", "language not stated", ""),
    ],
)
def test_languages_have_names_where_we_know_them(tag, name, attribute):
    assert (tags.language(tag), tags.lang(tag)) == (name, attribute)


# --- Changes -------------------------------------------------------------------------------------------------


def html(before: str, after: str) -> str:
    return str(tags.changes(word_diff(before, after)))


def test_changes_say_what_they_are():
    assert html("within 14 days", "within 5 days") == (
        '<p dir="ltr">within <del><span class="vh" dir="auto">deleted: </span>14</del>'
        '<ins><span class="vh" dir="auto">inserted: </span>5</ins> days</p>'
    )


def test_neighbouring_words_change_together():
    assert [run.op for run in runs(word_diff("one two three four", "one zwei drei four"))] == [
        "equal",
        "delete",
        "insert",
        "equal",
    ]


def test_markup_in_a_text_stays_text():
    shown = html("safe", "<script>alert(1)</script> & co")
    assert "<script" not in shown
    assert "&amp;" in shown


def test_white_space_that_changed_can_be_seen():
    assert "↵" in html("one two", "one\ntwo")
    assert "·" in html("one two", "one  two")


def test_thousands_of_spaces_are_compared():
    shown = runs(word_diff("x" + " " * 5000 + "z", "y" + " " * 4999 + "z"))
    assert [(run.op, len(run.text)) for run in shown] == [("delete", 2), ("insert", 1), ("equal", 4999), ("equal", 1)]


def test_many_changes_are_not_read_out_one_by_one():
    before = " ".join(f"same old{number}" for number in range(20))
    shown = html(before, before.replace("old", "new"))
    assert "deleted:" not in shown
    assert tags.changed(word_diff(before, before.replace("old", "new"))).startswith("20 changes:")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("same", "same", "No change."),
        ("one two", "one", "1 change: 1 word deleted."),
        ("one", "one two three", "1 change: 2 words inserted."),
        ("a", "a\n", "1 change."),
    ],
)
def test_changes_in_a_sentence(before, after, words):
    assert tags.changed(word_diff(before, after)) == words


def test_a_list_of_changes_says_what_became_of_what():
    shown = [str(change) for change in tags.listed(word_diff("one two three four five", "zero one 2 three four"))]
    assert [re.sub("<.*?>", "", change) for change in shown] == ["inserted zero ", "replaced two by 2", "deleted  five"]


def test_each_line_of_a_diff_is_a_paragraph_and_nothing_is_lost():
    shown = html("one\n\ntwo\u2028x", "one\n2\n\ntwo")
    lines = [re.sub(r"<.*?>|deleted: |inserted: |↵", "", line) for line in shown.split("</p>")]
    assert lines == ["one\n", "2\n", "\n", "twoLINE SEPARATORx", ""]


@pytest.mark.parametrize(
    ("before", "after", "ways"),
    [
        ("14", "15", ["auto"]),
        ("Hello", "\u05e9\u05dc\u05d5\u05dd", ["rtl"]),
        ("\u05e9\u05dc\u05d5\u05dd", "", ["rtl"]),
        ("a\n\u05e9", "a\n\u05e9\n7", ["ltr", "rtl", "ltr"]),
    ],
)
def test_a_paragraph_is_read_the_way_of_what_stays(before, after, ways):
    assert re.findall(r'<p dir="(\w+)">', html(before, after)) == ways


def test_hidden_characters_are_named_in_texts_diffs_and_marks():
    bad = "pay\u202eyap\u200f!"
    chip = '<bdi class="unseen" dir="ltr" lang="en" translate="no" data-hides="1">RIGHT-TO-LEFT OVERRIDE</bdi>'
    assert str(tags.exactly(bad)).startswith(f"pay{chip}yap<bdi")
    assert str(tags.exactly(bad)).endswith("</bdi>\u200f!")
    assert chip in html("x", bad)
    assert chip in str(tags.marked(bad, [checks.Finding("placeholder", "error", 0, 4)]))
    assert tags.unseen(bad) == "2 hidden characters: RIGHT-TO-LEFT OVERRIDE at 4, RIGHT-TO-LEFT MARK at 8"
    assert tags.unseen("\u200b1" * 20).endswith("ZERO WIDTH SPACE at 23, …")
    assert tags.unseen("plain") == ""
    assert tags.exactly("<b>") == "&lt;b&gt;"


words = some.text(alphabet="ab \n.שלمم日本ไท🙃é", max_size=30)


@given(words, words)
def test_nothing_of_either_text_is_lost(before, after):
    shown = runs(word_diff(before, after))
    assert "".join(run.text for run in shown if run.op != "insert") == before
    assert "".join(run.text for run in shown if run.op != "delete") == after
    assert all(run.text for run in shown)
    assert (counted(word_diff(before, after))[0] == 0) == (before == after)


# --- Findings ------------------------------------------------------------------------------------------------


def mark(start: int, text: str) -> str:
    return f'<mark class="error" id="found-{start}" tabindex="-1">{text}</mark>'


@pytest.mark.parametrize(
    ("spans", "marked"),
    [
        ([], "ab&lt;cdef"),
        ([(0, 1)], f"{mark(0, 'a')}b&lt;cdef"),
        ([(4, 6), (0, 1)], f"{mark(0, 'a')}b&lt;c{mark(4, 'de')}f"),
        ([(0, 3), (1, 5)], f"{mark(0, 'ab&lt;')}{mark(3, 'cd')}ef"),
        ([(1, 4), (2, 3)], f"a{mark(1, 'b&lt;c')}def"),
        ([(0, 0)], "ab&lt;cdef"),
    ],
)
def test_places_that_checks_found_are_marked(spans, marked):
    findings = [Finding("placeholder", "error", start, end) for start, end in spans]
    assert tags.marked("ab<cdef", findings) == marked


@given(some.text(max_size=30), some.lists(some.tuples(some.integers(0, 30), some.integers(0, 30)), max_size=6))
def test_each_finding_leads_to_a_mark_that_is_there_once(text, spans):
    found = [Finding("link", "warning", *sorted((min(start, len(text)), min(end, len(text))))) for start, end in spans]
    html = tags.marked(text, found)
    for entry in tags.checked(text, found):
        for place in entry.places:
            assert html.count(f'id="{place.mark}"') == 1


def test_findings_are_told_once_a_check_with_the_words_of_each_place():
    text = "Dear {{name}}, {{greeting}}\u202e " + "x" * 6000
    entries = tags.checked(text, checks.run(text, "reply", checks.About()))
    assert [(entry.level, entry.says) for entry in entries] == [
        ("error", "A placeholder is not filled in."),
        ("error", "Characters that nobody sees are in the text."),
        ("warning", "The text is longer than people read."),
    ]
    assert [place.words for place in entries[0].places] == ["{{name}}", "{{greeting}}"]
    assert entries[1].places[0].words == "RIGHT-TO-LEFT OVERRIDE"
    assert len(entries[2].places[0].words) == tags.REPEATED


def test_a_finding_of_a_check_that_is_no_more_is_told_by_its_name():
    (entry,) = tags.checked("abc", tags.findings([{"check": "gone", "level": "error", "start": 0, "end": 1}]))
    assert entry.says == "gone"


def test_a_picture_is_never_read_out():
    assert Template('{% icon "check" %}').render(Context()) == (
        '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#check"/></svg>'
    )


@pytest.mark.parametrize(
    ("language", "count", "share", "seconds", "day"),
    [
        ("en", "1,204", "71.2%", "8.4 s", "12 Nov 2026, 14:02 UTC"),
        ("de", "1.204", "71,2\u00a0%", "8,4 s", "12. Nov. 2026, 14:02 UTC"),
        ("fr", "1\u202f204", "71,2\u00a0%", "8,4 s", "12 nov. 2026, 14:02 UTC"),
        ("ja", "1,204", "71.2%", "8.4秒", "2026年11月12日 14:02 UTC"),
    ],
)
def test_each_language_writes_numbers_and_dates_its_own_way(language, count, share, seconds, day):
    with override(language):
        assert tags.number(1204) == count
        assert tags.percent(Rate(712, 1000)) == share
        assert tags.span(8.4).replace("\u00a0", " ") == seconds
        assert day in tags.moment(datetime(2026, 11, 12, 14, 2, tzinfo=UTC)).replace("\u00a0", " ")
