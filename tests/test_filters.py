"""The filter language: one spelling for each query, and a word for what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.filters import LONGEST, NAMES, Term, parse, seconds


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("", ""),
        ("lang:ar", "lang:ar"),
        ("  sort:due   is:Waiting TYPE:reply ", "is:waiting type:reply sort:due"),
        ("lang:ja lang:ar lang:ja", "lang:ar lang:ja"),
        ('queue:"second line"', 'queue:"second line"'),
        ("conf:<0.60 conf:>.5", "conf:<0.6 conf:>0.5"),
        ("conf:<1 due:<01H due:over", "conf:<1 due:<1h due:over"),
        ("with:me risk:high topic:délai", "with:me risk:high topic:délai"),
    ],
)
def test_a_query_has_one_spelling(typed, spelled):
    query = parse(typed)
    assert (str(query), query.unknown) == (spelled, ())
    assert parse(spelled) == query


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("langg:ar", "lang:ar"),
        ("language:ar", "lang:ar"),
        ("kind:reply", "type:reply"),
        ("is:wating", "is:waiting"),
        ("is:mine", "with:me"),
        ("confidence:<0.6", "conf:<0.6"),
        ("conf:0.6", "conf:<0.6"),
        ("conf:<=0.6", "conf:<0.6"),
        ("due:1h", "due:<1h"),
        ("sentimnt", "type:sentiment"),
        ("parcel", ""),
        ("qqqq:x", ""),
        ("lang:", ""),
        ("conf:<60", ""),
        ("due:<1y", ""),
    ],
)
def test_what_is_no_filter_is_told_and_the_rest_applies(typed, meant):
    query = parse(f"{typed} type:reply")
    assert str(query) == "type:reply"
    assert query.unknown == ((typed, meant),)


def test_words_that_there_are_not():
    query = parse("lang:arr queue:Billing bot:ship topic:x").among({"lang": ["ar", "ja"], "queue": ["billing"]})
    assert str(query) == "queue:billing bot:ship topic:x"
    assert query.unknown == (("lang:arr", "lang:ar"),)


def test_terms_are_added_and_taken_away():
    query = parse("type:reply").plus(Term("lang", "ar"))
    assert str(query) == "type:reply lang:ar"
    assert str(query.without(Term("type", "reply"))) == "lang:ar"
    assert query.values("lang") == ("ar",)
    assert not parse("")


def test_times_of_a_comparison():
    assert [seconds(value) for value in ("<1h", ">30m", "<2d", "over")] == [
        ("<", 3600),
        (">", 1800),
        ("<", 172_800),
        ("<", 0),
    ]


words = st.text(max_size=30)
terms = st.builds("{}:{}".format, st.sampled_from([*NAMES, "x"]), words)


@given(st.lists(words | terms, max_size=30).map(" ".join))
def test_anything_can_be_typed(text):
    query = parse(text)
    assert parse(str(query)[:LONGEST]).terms[: len(query.terms)] == query.terms or len(str(query)) > LONGEST
    assert all(unknown.meant == "" or parse(unknown.meant).terms for unknown in query.unknown)
