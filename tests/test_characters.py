"""Hidden characters: each is found and named, and none where it is a part of good writing."""

# ruff: noqa: RUF001  texts of the world look alike

import json
import sys
import time
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.characters import direction, hidden
from tests.servers import ROOT

DIALECTS = ROOT.parent / "shared/data/isarcasmeval-ar-dialects"
REPLIES = ROOT.parent / "shared/data/bitext-support-replies"

ALWAYS = [
    *range(0x09 - 1),
    0x0B,
    0x0C,
    0x0D,
    0x1B,
    *range(0x7F, 0xA0),
    0xAD,
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0x3164,
    0xFEFF,
    0xFFA0,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0001, 0xE0080),
    *range(0xE0100, 0xE01F0),
]


@pytest.mark.parametrize("code", ALWAYS, ids=hex)
def test_a_hidden_character_among_latin_letters_is_found(code):
    text = f"pay {chr(code)}now"
    (found,) = hidden(text)
    assert (found.start, found.end) == (4, 5)
    assert found.names


GOOD = {
    "a family": "👩‍👩‍👧‍👦 and 👩🏽‍💻",
    "a flag of several": "🏳️‍🌈 🏴‍☠️ 🇩🇪",
    "a flag in tags": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "emoji and text style": "❤️ ☎︎ ©️ 1️⃣",
    "Persian": "می‌خواهم کتاب‌ها را ببینم، ۵‌میلیون و iPhone‌های نو",
    "Arabic abbreviations": "سنة 1445 ه‍",
    "Hindi": "क्‍ष और क्‌ष",
    "Bengali": "র‍্যাব",
    "Sinhala": "ශ්‍රී ලංකාව",
    "Malayalam": "അവന്‍",
    "Thai and Khmer": "สวัสดี\u200bครับ ភាសា\u200bខ្មែរ",
    "Han as it is written in a name": "葛\U000e0100城市 \u9089\ufe00",
    "Mongolian": "ᠮᠤᠩᠭᠤᠯ ᠠ\u180b",
    "white space": "a\tb\n\nc\u00a0d\u3000e\u2003f",
    "combining marks": "e\u0301 à\u0323 נָּ",
    "signs before Arabic numbers": "\u0600١٢ \u06dd١",
    "Korean": "한국어 \u1112\u1161\u11ab",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_belongs_where_it_stands_is_not_hidden(text):
    assert list(hidden(text)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("cod\u202egpj.exe", [(3, 4, "RIGHT-TO-LEFT OVERRIDE")]),
        ("\ufeffHi", [(0, 1, "ZERO WIDTH NO-BREAK SPACE")]),
        ("a\u200b\u200b\u200c\u200bb", [(1, 5, "ZERO WIDTH SPACE ×3, ZERO WIDTH NON-JOINER")]),
        ("ok\U000e0068\U000e0069", [(2, 4, "TAGS “hi”")]),
        # A flag that nobody has: black on every screen, whatever its tags say.
        ("🏴\U000e0070\U000e0061\U000e0079\U000e007f", [(1, 5, "CANCEL TAG, TAGS “pay”")]),
        ("👨\u200d", [(1, 2, "ZERO WIDTH JOINER")]),
        ("👨\u200d\u200d👩", [(1, 3, "ZERO WIDTH JOINER ×2")]),
        ("pay\u200dpal", [(3, 4, "ZERO WIDTH JOINER")]),
        ("م\u200c ", [(1, 2, "ZERO WIDTH NON-JOINER")]),
        ("1\ufe0f2", [(1, 2, "VARIATION SELECTOR-16")]),
        ("x\ufe0f", [(1, 2, "VARIATION SELECTOR-16")]),
        ("❤\ufe0f\ufe0f", [(2, 3, "VARIATION SELECTOR-16")]),
        ("\x1b[31m\x00", [(0, 1, "ESCAPE"), (5, 6, "NULL")]),
        ("a\rb", [(1, 2, "CARRIAGE RETURN")]),
        ("a\x85b", [(1, 2, "CONTROL U+0085")]),
        ("Auf\u200clage", [(3, 4, "ZERO WIDTH NON-JOINER")]),
    ],
)
def test_where_they_are_and_what_they_are_called(text, found):
    assert [tuple(run) for run in hidden(text)] == found


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("\u200d\u200c\u202e\ufe0f👩ab مक"), max_size=60))
def test_what_is_found_is_unseen_and_in_order(text):
    at = 0
    for run in hidden(text):
        assert at <= run.start < run.end <= len(text)
        for character in text[run.start : run.end]:
            assert unicodedata.category(character) in ("Cc", "Cf", "Cn", "Lo", "Mn", "Zl", "Zp")
        at = run.end
    assert not {"\u202a", "\u202b", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u200b"} & set(
        "".join(text[a:b] for a, b in _between(text))
    )


def _between(text: str) -> list[tuple[int, int]]:
    """What is not hidden."""
    runs = list(hidden(text))
    return list(zip([0, *(run.end for run in runs)], [*(run.start for run in runs), len(text)], strict=True))


def test_a_long_text_costs_no_more_than_its_length():
    """Texts that make a backward look expensive, of the largest size that is read."""
    for text in ("م" + "\u064b" * 30_000 + "\u200c" * 2_000, "\u200b\u200c" * 16_000, "👩" + "\u200d" * 20_000):
        before = time.process_time()
        assert list(hidden(text))
        assert time.process_time() - before < 1


def test_every_character_alone_has_a_name():
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf"):
            assert all(run.names.strip() for run in hidden(chr(code)))


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Hello مرحبا", "ltr"),
        ("  (1) مرحبا Hello", "rtl"),
        ("שלום", "rtl"),
        ("14 – 5 👍", "auto"),
        ("", "auto"),
        ("日本語", "ltr"),
    ],
)
def test_the_direction_of_a_paragraph(text, way):
    assert direction(text) == way


def test_a_long_run_of_marks_takes_no_longer_than_its_length():
    start = time.perf_counter()
    (run,) = hidden("a" + "\ufe0f" * 20_000)
    assert (run.start, run.end) == (1, 20_001)
    assert time.perf_counter() - start < 2


def test_real_customers_texts_are_almost_free_of_them():
    """Tweets in Arabic dialects hold some; what a support desk wrote holds none but its line ends."""
    if not (DIALECTS.exists() and REPLIES.exists()):
        pytest.skip("real data is not here")
    assert _found(DIALECTS) == {
        "ZERO WIDTH NON-JOINER": 2,
        "VARIATION SELECTOR-16": 1,
        "RIGHT-TO-LEFT ISOLATE": 1,
        "POP DIRECTIONAL ISOLATE": 1,
    }
    assert set(_found(REPLIES)) == {"CARRIAGE RETURN"}


def _found(folder) -> Counter:
    found: Counter = Counter()
    for path in folder.rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            for value in json.loads(line).values():
                found.update(run.names for run in hidden(value)) if isinstance(value, str) else None
    return found
