"""Which languages have a lane of their own."""

import pytest

from reviewqueue.languages import KNOWN, TWO_LETTERS, UNKNOWN, primary


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("pt-BR", "pt"),
        ("ZH-Hant-TW", "zh"),
        ("fil", "fil"),
        ("yue-HK", "yue"),
        ("und", "und"),
        ("zxx", "und"),
        ("x-klingon", "und"),
        ("qq", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_tag(tag, language):
    assert primary(tag) == language


def test_the_list_is_of_codes():
    assert len(set(TWO_LETTERS.split())) == 183
    assert all(code.isascii() and code.islower() and len(code) in (2, 3) for code in KNOWN)
    assert UNKNOWN not in KNOWN
