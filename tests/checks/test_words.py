"""Promises, links, hidden characters, and how much text there is."""

import pytest

from reviewqueue.checks.length import LONGEST
from tests.checks.found import found


@pytest.mark.parametrize(
    ("words", "text", "marked"),
    [
        ([], "We guarantee it.", []),
        (["guarantee"], "We GUARANTEE it. No guarantees, guaranteed.", ["GUARANTEE"]),
        (["refund within"], "A Refund within days", ["Refund within"]),
        (["100 %"], "It is 100 % safe, 1100 % sure", ["100 %"]),
        (["garantie"], "Die Garantie. Garantieren!", ["Garantie"]),
        (["返金", "必ず"], "必ず返金いたします", ["必ず", "返金"]),
        (["نضمن"], "نحن نضمن ذلك", ["نضمن"]),
        (["İade"], "İİ iade, İADE", ["İADE"]),
        (["", "  "], "We promise.", []),
        (["free", "free of charge"], "free of charge", ["free", "free of charge"]),
    ],
)
def test_promises_are_those_of_the_queue(words, text, marked):
    assert found("promise", text, promise_words=tuple(words)) == marked


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://acme.example/a and http://www.acme.example.", []),
        ("See https://Shop.ACME.example:443/x", []),
        ("See https://evil.example/acme.example", ["https://evil.example"]),
        ("https://acme.example@evil.example/", ["https://acme.example@evil.example"]),
        ("https://evil.example\\@acme.example/", ["https://evil.example"]),
        ("https:/\\evil.example", ["https:/\\evil.example"]),
        ("http://notacme.example", ["http://notacme.example"]),
        ("www.evil.example, please", ["www.evil.example,"]),
        ("go to evil-site.com/login now", ["evil-site.com"]),
        ("go to acme.example/login, and/or e.g./i.e. 3.5/4.5", []),
        ("[text](https://evil.example/x)", ["https://evil.example"]),
        ("Amazon.com is a shop; jane@evil.example too", []),
    ],
)
def test_links_to_hosts_that_the_queue_does_not_know(text, links):
    assert found("link", text, known=("acme.example",)) == links
    assert found("link", text) == []


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("plain\ttext\n", []),
        ("a\u200bb", ["\u200b"]),
        ("pay \u202eevil\u202c", ["\u202e", "\u202c"]),
        ("a\x07b", ["\x07"]),
        ("hi\U000e0041\U000e0042", ["\U000e0041\U000e0042"]),
        ("soft\u00adhyphen, word\u2060joiner, mark\u200f", []),
        ("👩\u200d💻 \u0645\u06cc\u200c\u062e\u0648 क्\u200dष 1\ufe0f\u20e3", []),
        ("Größe e\u0301 \u00a0 ご注文", []),
    ],
)
def test_hidden_characters(text, hidden):
    assert found("hidden", text) == hidden


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u00a0\u3000", "\u200b\u2060", "\u00ad\U000e0041\ufe0f"])
def test_a_text_without_anything_to_see_is_empty(text):
    assert found("empty", text) == [""]


@pytest.mark.parametrize("text", [".", "0", "👍", "あ", "ـ"])
def test_one_character_is_a_text(text):
    assert found("empty", text) == []


def test_a_text_is_too_long_from_one_character_on():
    assert found("too-long", "x" * LONGEST) == []
    assert found("too-long", "x" * LONGEST + "rest") == ["rest"]
