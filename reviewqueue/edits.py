"""How much a person changed: the edit rate that is stored, and the word diff that is shown."""

from itertools import pairwise

import regex
from diff_match_patch import diff_match_patch
from rapidfuzz.distance import Levenshtein

# Languages written without spaces between words: their edit rate counts characters.
UNSPACED = frozenset({"zh", "ja", "th"})

# A diff that takes longer than this (seconds) is cut short by the library and comes out coarser.
DIFF_SECONDS = 1.0

# The code points of the two private planes, one for each different token of a diff.
PRIVATE = range(0xF0000, 0x110000)

OPERATIONS = {-1: "delete", 0: "equal", 1: "insert"}

# Thai, Lao, Khmer and Myanmar have no word boundaries that UAX #29 finds: grapheme clusters stand in for words.
_CLUSTERED = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_WORDS = regex.compile(r"(?wV1)\b")
_GRAPHEME = regex.compile(r"\X")


def canonical(text: str) -> str:
    """Line ends as LF; nothing else of a text changes."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def edit_rate(before: str, after: str, language: str) -> tuple[float, str]:
    """(rate, unit): Levenshtein distance over tokens, divided by the tokens of `after`, at most 1.

    Tokens are white-space separated words, case-sensitive; characters for Chinese, Japanese and Thai (`language` is
    a BCP 47 tag). This is the word error rate with the person's text as the reference (as TER without shifts:
    Snover et al., AMTA 2006). Two empty texts have rate 0.
    """
    old, unit = words(before, language)
    new, _ = words(after, language)
    if not new:
        return (1.0 if old else 0.0), unit
    return min(1.0, Levenshtein.distance(old, new) / len(new)), unit


def words(text: str, language: str) -> tuple[list[str], str]:
    """(the words of `text`, "word"); where its language writes them without spaces, (its characters, "character")."""
    if language.split("-")[0].lower() in UNSPACED:
        return list(text), "character"
    return text.split(), "word"


def word_diff(before: str, after: str) -> list[tuple[str, str]]:
    """[(op, text)] with op equal, delete or insert, in reading order; whole words only (UAX #29).

    Joining all but the inserts gives `before`, all but the deletes gives `after`. No grapheme cluster is split.
    With more different words than there are characters to stand for them, all of a text is one change.
    """
    old, new = _tokens(before), _tokens(after)
    distinct = dict.fromkeys(old + new)
    if len(distinct) > len(PRIVATE):
        return [(op, text) for op, text in (("delete", before), ("insert", after)) if text]
    # One character a distinct token, so that a character diff becomes a token diff.
    words = {chr(code): token for code, token in zip(PRIVATE, distinct, strict=False)}
    codes = {token: code for code, token in words.items()}
    differ = diff_match_patch()
    differ.Diff_Timeout = DIFF_SECONDS
    parts = differ.diff_main(*("".join(codes[token] for token in tokens) for tokens in (old, new)), False)
    return [(OPERATIONS[op], "".join(words[code] for code in run)) for op, run in parts]


def _tokens(text: str) -> list[str]:
    """Words and what stands between them. Their ends are always ends of grapheme clusters, too."""
    ends = {match.start() for match in _WORDS.finditer(text)}
    if text.isascii():  # no cluster of its own to look for, and by far the most frequent
        return [text[start:end] for start, end in pairwise(sorted(ends | {0, len(text)}))]
    tokens: list[str] = []
    at, alone = 0, True
    for cluster in _GRAPHEME.findall(text):
        was_alone, alone = alone, _CLUSTERED.match(cluster) is not None
        if at in ends or alone or was_alone:
            tokens.append(cluster)
        else:
            tokens[-1] += cluster
        at += len(cluster)
    return tokens
