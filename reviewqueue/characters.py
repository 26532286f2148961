"""Characters that a text hides: nobody sees them, and they turn words around, part them, or carry words of their own.

A pure rule: which are hidden, what they are called, and where the same character is part of good writing.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import regex

# Marks that only say which way to read: their effect is kept where they are shown by name.
MARKS = "\u200e\u200f\u061c"

# What no eye sees. Tab and line end are white space; signs that stand before Arabic numbers can be seen.
_UNSEEN = r"[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\t\n\p{Prepended_Concatenation_Mark}]]"

# Scripts whose letters join, so that a (non-)joiner between them is spelling, and those written with a virama.
_JOINING = r"\p{Arabic}\p{Syriac}\p{Nko}\p{Mandaic}\p{Mongolian}\p{Adlam}\p{Hanifi_Rohingya}\p{Phags_Pa}"
_BRAHMIC = (
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}"
    r"\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Balinese}\p{Javanese}"
)
_UNSPACED = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"

# Marks that one letter carries: without an end, a long run of them is looked back over from each of its places.
_MARKS = 8

# Where a hidden character belongs.
_BELONGS = "|".join(
    [
        # An emoji of several: 👩‍💻, also after a skin tone or a variation selector.
        r"(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)\u200D(?=\p{Extended_Pictographic})",
        # Conjuncts, chillus and ya-phalaas; Persian prefixes and suffixes; a letter in the form it has within a word.
        rf"(?<=[{_BRAHMIC}])[\u200C\u200D]",
        rf"(?<=[{_JOINING}]\p{{M}}{{0,{_MARKS}}})\u200C(?=[\w--\p{{Latin}}])|(?<=\w)\u200C(?=[{_JOINING}])",
        rf"(?<=[{_JOINING}]\p{{M}}{{0,{_MARKS}}})\u200D|\u200D(?=[{_JOINING}])",
        # Where a line may break in a script without spaces.
        rf"(?<=[{_UNSPACED}])\u200B(?=[{_UNSPACED}])",
        # Which picture of a character is meant: emoji, keycap, Han, mathematics, Mongolian.
        r"(?<=[\p{Emoji}--[0-9#*]])[\uFE0E\uFE0F]|(?<=[0-9#*])\uFE0F(?=\u20E3)",
        r"(?<=\p{Han})[\uFE00-\uFE02\U000E0100-\U000E01EF]|(?<=[\p{Sm}\p{Myanmar}])\uFE00",
        r"(?<=\p{Mongolian})[\u180B-\u180F]|(?<=\p{Phags_Pa})\uFE00",
        # Jamo that lack a consonant or a vowel, and the joints of hieroglyphs.
        r"(?<=\p{Hangul})[\u115F\u1160]|[\u115F\u1160](?=[\u1160-\u11FF])|(?<=\p{Egyptian_Hieroglyphs})\p{Cf}",
    ]
)

# The three flags that are spelt in tags; any other text in tags is a hidden one.
_FLAG = (
    r"\U0001F3F4\U000E0067\U000E0062"
    r"(?:\U000E0065\U000E006E\U000E0067|\U000E0073\U000E0063\U000E0074|\U000E0077\U000E006C\U000E0073)\U000E007F"
)

_HIDDEN = regex.compile(rf"(?V1){_FLAG}|(?P<hidden>(?:(?!{_BELONGS}){_UNSEEN})+)")

_TAGS = range(0xE0020, 0xE007F)

TIMES = "\N{MULTIPLICATION SIGN}"

# Names that Unicode gives to no control character.
_CONTROLS = {0x00: "NULL", 0x07: "BELL", 0x08: "BACKSPACE", 0x0D: "CARRIAGE RETURN", 0x1B: "ESCAPE", 0x7F: "DELETE"}


class Hidden(NamedTuple):
    """One run of hidden characters: text[start:end], counted in code points, and what is in it."""

    start: int
    end: int
    names: str


def hidden(text: str) -> Iterator[Hidden]:
    """The runs of hidden characters of a text, in its order. Those that belong where they stand are not among them."""
    for match in _HIDDEN.finditer(text):
        if match["hidden"]:
            yield Hidden(match.start(), match.end(), _names(match["hidden"]))


def _names(run: str) -> str:
    """Each once, with how often it is there; what is written in tags is read out."""
    tags = "".join(chr(ord(one) - 0xE0000) for one in run if ord(one) in _TAGS)
    counts = Counter(name(one) for one in run if ord(one) not in _TAGS)
    named = [one if count == 1 else f"{one} {TIMES}{count}" for one, count in counts.items()]
    return ", ".join([*named, f"TAGS “{tags}”"] if tags else named)


def name(character: str) -> str:
    """Its name in Unicode; the code point where it has none."""
    code = ord(character)
    return unicodedata.name(character, "") or _CONTROLS.get(code, "") or f"CONTROL U+{code:04X}"


def direction(text: str) -> str:
    """rtl or ltr by the first strong character (UAX #9, rules P2 and P3), auto where there is none."""
    for character in text:
        strong = unicodedata.bidirectional(character)
        if strong in ("L", "R", "AL"):
            return "ltr" if strong == "L" else "rtl"
    return "auto"
