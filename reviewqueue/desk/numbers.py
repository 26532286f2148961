"""Numbers and times as the language of the pages writes them, by the patterns of Unicode CLDR (Babel)."""

from datetime import datetime
from functools import cache

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_decimal, format_percent
from django.utils.translation import get_language


@cache
def _of(tag: str) -> Locale:
    # In English days come before months: half of those who read it are no Americans.
    return Locale.parse("en-GB" if tag == "en" else tag, sep="-")


def _locale() -> Locale:
    return _of(get_language() or "en")


def decimal(value: float, digits: int = 0, *, least: int | None = None) -> str:
    """`digits` after the point, of which at least `least` are written where they are zeros (as a rule, all)."""
    places = "0" * (digits if least is None else least)
    pattern = f"#,##0.{places}{'#' * (digits - len(places))}" if digits else "#,##0"
    return format_decimal(value, pattern, locale=_locale())


def percent(share: float, digits: int = 0) -> str:
    """A share of 0 to 1 as a percentage: 71.2%, 71,2 %."""
    pattern = _locale().percent_formats[None].pattern
    if digits:
        pattern = pattern.replace("##0", f"##0.{'0' * digits}")
    return format_percent(share, pattern, locale=_locale())


def day_and_time(local: datetime) -> str:
    """12 Nov 2026, 14:02, in the time zone it is given in."""
    locale = _locale()
    day, time = (format_skeleton(skeleton, local, locale=locale) for skeleton in ("yMMMd", "Hm"))
    return locale.datetime_formats["medium"].format(time, day)
