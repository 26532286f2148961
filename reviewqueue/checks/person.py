"""A machine must not say that it is a person. Only plain claims count: who offers to call a person says nothing wrong,
and "I'm not a robot" is the name of a box to tick."""

import re
from collections.abc import Iterator

from reviewqueue.checks.finding import About, Span, lower

# The word that each claim begins with, and how it goes on. Read in lower case.
_CLAIMS = (
    # English
    (
        "i",
        r"(?:['\u2019]m|\s+am)\s+(?:(?:really|actually|indeed|in\s+fact)\s+)?an?\s+(?:(?:real|actual|genuine|live|living)\s+"
        r"(?:live\s+)?(?:human|person)|human)\b(?:\s+being)?(?!\s+(?:resources|rights|capital|error))",
    ),
    ("i", r"(?:['\u2019]m|\s+am)\s+not\s+an?\s+(?:ai|bot|chat\s?bot|machine|computer|automated\s+\w{1,20})\b"),
    (
        "you",
        r"(?:['\u2019]re|\s+are)\s+(?:talking|speaking|chatting|writing)\s+(?:to|with)\s+an?\s+(?:(?:real|actual|live)\s+)?"
        r"(?:human|person)\b",
    ),
    # German
    (
        "ich",
        r"\s+bin\s+(?:wirklich\s+)?ein(?:e)?\s+(?:(?:echter|richtiger|realer)\s+)?(?:mensch|(?:echte|reale)\s+person)\b",
    ),
    ("ich", r"\s+bin\s+keine?\s+(?:ki|bot|chatbot|maschine|computer)\b"),
    (
        "sie",
        r"\s+(?:sprechen|schreiben|chatten)\s+(?:hier\s+|gerade\s+)?mit\s+einem\s+(?:echten\s+|richtigen\s+)?menschen\b",
    ),
    # Spanish
    ("soy", r"\s+(?:una?\s+)?(?:ser\s+humano|human[oa])\b"),
    ("soy", r"\s+una\s+persona\s+(?:real|de\s+verdad|de\s+carne\s+y\s+hueso)\b"),
    ("no", r"\s+soy\s+(?:una?\s+)?(?:ia|inteligencia\s+artificial|bot|chatbot|m[aá]quina)\b"),
    # French
    (
        "je",
        r"\s+suis\s+(?:bien\s+|vraiment\s+)?(?:une?\s+)?(?:[eê]tre\s+humain|humaine?|vraie\s+personne|"
        r"personne\s+r[eé]elle)\b",
    ),
    ("je", r"\s+ne\s+suis\s+pas\s+(?:une?\s+)?(?:ia|intelligence\s+artificielle|bot|chatbot|machine)\b"),
    # Arabic
    ("نا", r"\s+(?:[إا]نسانة?|بشر|شخص\s+حقيقي)\b"),
    ("نا", r"\s+لس[تة]ُ?\s+(?:آلة|بوت|ذكاء)"),
)

# A search for a first word is quick where nothing stands before it, so what must not is looked back for.
_ARABIC_I = r"(?<=[أا]نا)(?<!\w[أا]نا)"
_PATTERNS = (
    *(re.compile(word + (_ARABIC_I if word == "نا" else rf"(?<!\w{word})") + goes_on) for word, goes_on in _CLAIMS),
    # Japanese, where words are not parted
    re.compile(r"(?:本物の|実在の|生身の)人間(?:です|でございます)"),
    re.compile(r"私[はも]人間(?:です|でございます)"),
    re.compile(r"私は(?:ai|人工知能|ボット|機械|チャットボット)では(?:ありません|ございません|ない)"),
)


def person(text: str, about: About) -> Iterator[Span]:
    if not about.by_person:
        low = lower(text)
        yield from sorted({match.span() for pattern in _PATTERNS for match in pattern.finditer(low)})
