"""An unfilled template field, such as {{Order Number}} or [Your Name], must never reach a customer."""

import re
from collections.abc import Iterator
from itertools import islice

from reviewqueue.checks.finding import MOST, About, Span

# What such a field asks for. Brackets also hold notes, links and the names of buttons, which are no mistake.
_ASKED = re.compile(
    r"\b(?:your|insert|enter|name|names|number|e-?mail|phone|address|date|amount|company|hours|availability|"
    r"time|id|url|placeholder|x|"
    r"ihr|ihre|ihren|vorname|nachname|firma|datum|betrag|\w*nummer|anschrift|"
    r"su|nombre|apellidos?|n[uú]mero|fecha|importe|empresa|direcci[oó]n|correo|tel[eé]fono|"
    r"votre|nom|pr[eé]nom|num[eé]ro|montant|entreprise|soci[eé]t[eé]|adresse|courriel|t[eé]l[eé]phone)\b"
    r"|名前|氏名|お客様名|会社名|番号|日付|金額|住所|電話"
    r"|(?:اسم|رقم|تاريخ|عنوان|مبلغ|هاتف|بريد)",
    re.IGNORECASE,
)

_CAPITALS = r"[A-Z][A-Z0-9]{0,60}(?:_[A-Z0-9]{1,60}){1,5}"

# One for each syntax, and each begins with its bracket: that is how a search skips the rest quickly. All are bounded,
# so that a text of opening brackets costs no more than its length.
_FIELDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\{\{[^{}\n]{0,120}\}\}",
        r"\{%[^{}\n]{1,120}%\}",
        r"\$\{[^{}\n]{1,120}\}",
        r"\{(?<![\w{}\\^$]\{)[A-Za-z]\w{2,60}(?:\.\w{1,60}){0,3}\}(?![{}])",
        r"%(?<![\w%]%)(?:\(\w{1,60}\)[sd]|\d\$[sd]|[sd]|[A-Z][A-Z0-9_]{2,60}%)(?!\w)",
        r"\*\|[A-Z0-9_:]{1,60}\|\*",
        rf"<{_CAPITALS}>",
        rf"\[{_CAPITALS}\]",
    )
)
_MAYBE = tuple(
    re.compile(pattern)
    for pattern in (
        r"\[{1,2}[^\W\d][^\[\](){}<>\n@/]{0,60}\]{1,2}(?!\()",
        r"【[^\[\]【】(){}<>\n@/]{1,60}】",
        r"<{1,2}[^\W\d][^\[\](){}<>\n@/=]{0,60}>{1,2}",
    )
)


def placeholder(text: str, about: About) -> Iterator[Span]:
    spans = {match.span() for field in _FIELDS for match in islice(field.finditer(text), MOST)}
    yield from sorted(spans | {span for field in _MAYBE for span in islice(_asking(field, text), MOST)})


def _asking(field: re.Pattern[str], text: str) -> Iterator[Span]:
    return (match.span() for match in field.finditer(text) if _ASKED.search(match.group()))
