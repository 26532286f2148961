"""A reply in another language than the draft's. Said only where the detector is sure, the text is long enough to be,
and the two languages are not each other's neighbours."""

import re
from collections.abc import Iterator

import pycld2

from reviewqueue.checks.finding import About, Span

# Letters that a text needs before it is judged, and how much of it (per cent of its bytes) has to be in the other
# language. Measured: docs/decisions/0009-language-detector.md
LETTERS = 60
SHARE = 90

# Characters that are read of a text: more make nothing surer.
READ = 2000

# The detector's own codes for what is sent under others.
_SAME = {
    "amh": "am", "hau": "ha", "ibo": "ig", "kin": "rw", "orm": "om", "som": "so", "sna": "sn", "swa": "sw", "tir": "ti",
    "tso": "ts", "twi": "ak", "tw": "ak", "fat": "ak", "xho": "xh", "yor": "yo", "zul": "zu", "nya": "ny",
    "he": "iw", "jv": "jw", "fil": "tl", "cmn": "zh", "yue": "zh", "hak": "zh", "nan": "zh", "wuu": "zh", "nb": "no",
    "acm": "ar", "aeb": "ar", "afb": "ar", "ajp": "ar", "apc": "ar", "apd": "ar", "arq": "ar", "ars": "ar", "ary": "ar",
    "arz": "ar", "ayl": "ar", "pcm": "en", "cmr": "ku", "kmr": "ku", "gsw": "de", "pbt": "ps", "sh": "sr",
}  # fmt: skip

# Languages that the detector, or a short text, does not tell apart.
_NEIGHBOURS = tuple(
    frozenset(group.split())
    for group in (
        "no nn da sv", "hr sr bs sl mk bg", "cs sk", "id ms jw su", "es gl pt ca oc", "it co", "rw rn", "zu xh ss nr",
        "st tn nso", "en sco", "nl af", "de lb", "hi ne mr bh", "ar ps ur fa sd ug", "ru uk be", "zh zh-Hant ja",
        "uz kk ky tr az tk tt", "ga gd", "fo is", "iw yi", "am ti", "ku tr",
    )
)  # fmt: skip

# What is in no language: addresses, template fields, numbers, names after @ and #.
_NOT_WORDS = re.compile(
    r"https?://\S{1,300}|\S{1,64}@\S{1,255}|[@#]\w{1,64}|\{\{[^{}\n]{0,120}\}\}|[\d_]+|[\x00-\x1f\x7f-\x9f]"
)

_CODES = frozenset(code for name, code in pycld2.LANGUAGES if name in pycld2.DETECTED_LANGUAGES)


def language(text: str, about: About) -> Iterator[Span]:
    stated = _code(about.language)
    if stated in _CODES and _is_other(_NOT_WORDS.sub(" ", text[:READ]), stated):
        yield 0, 0


def _code(tag: str) -> str:
    primary = tag.split("-")[0].lower()
    return _SAME.get(primary, primary)


def _is_other(words: str, stated: str) -> bool:
    if sum(map(str.isalpha, words)) < LETTERS:
        return False
    try:
        sure, _, best = pycld2.detect(words, isPlainText=True)
    except pycld2.error:  # a character that it does not take
        return False
    _, found, share, _ = best[0]
    if not sure or share < SHARE or found == "un":
        return False
    found = found if found == "zh-Hant" else found.split("-")[0]
    return found != stated and not any({found, stated} <= group for group in _NEIGHBOURS)
