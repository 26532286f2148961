"""Approval, edit, reject and return rates: read from the rollups, never from the decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum
from django.utils import timezone

from reviewqueue.figures import BUCKETS, FEWEST, wilson
from reviewqueue.models import Bot, Delivery, Source, SourceDay, Watermark
from reviewqueue.models.draft import KINDS
from reviewqueue.rows import ask

__all__ = ["FEWEST", "MANY", "PERIODS", "SHEET", "VERDICTS", "Board", "Line", "Rate", "board", "record", "sheet"]

# What the share of a verdict is out of.
VERDICTS = ("approved", "edited", "rejected", "returned")

PERIODS = (7, 28, 90)

# Counts stop here: nobody acts otherwise on 12,000 than on "1,000+".
MANY = 1000

# The wait is that of the drafts next in line: the oldest of so many of each lane.
HEAD = 50

# Undelivered texts that are listed of each sort, and how many of an endpoint are looked at for those tried again.
TROUBLES = 20
LOOK_AT = 200


@dataclass(frozen=True)
class Rate:
    """How often something happened; hidden below 30, where the interval would say nothing."""

    count: int
    n: int

    @property
    def shown(self) -> bool:
        return self.n >= FEWEST

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0

    @property
    def low(self) -> float:
        return wilson(self.count, self.n)[0]

    @property
    def high(self) -> float:
        return wilson(self.count, self.n)[1]


@dataclass(frozen=True)
class Line:
    """The counts of one row of a table: of a bot, a source, a day or of all."""

    name: str
    key: int | None
    counts: dict[str, int]
    seconds: tuple[int, ...]

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def shown(self) -> bool:
        return self.n >= FEWEST

    @property
    def rates(self) -> list[tuple[str, Rate]]:
        return [(verdict, self.rate(verdict)) for verdict in VERDICTS]

    def rate(self, verdict: str) -> Rate:
        return Rate(self.counts[verdict], self.n)

    @property
    def median(self) -> tuple[int, int | None] | None:
        """The bucket (from, to; seconds) in which half of the decisions were taken; None under 30."""
        timed = sum(self.seconds)
        if timed < FEWEST:
            return None
        place = next(place for place, reached in enumerate(accumulate(self.seconds)) if reached * 2 >= timed)
        return (BUCKETS[place - 1] if place else 0), (BUCKETS[place] if place < len(BUCKETS) else None)


@dataclass(frozen=True)
class Table:
    """Rates of one kind of draft. Replies and sentiment labels are never mixed."""

    kind: str
    total: Line
    lines: list[Line]
    days: list[Line]


@dataclass(frozen=True)
class Depth:
    """How much waits in a queue (counted to MANY), and the longest wait of what is next in line there."""

    queue: str
    waiting: int
    oldest: datetime | None


@dataclass(frozen=True)
class Board:
    period: int
    bot: Bot | None
    bots: list[Bot]
    tables: list[Table]
    depths: list[Depth]
    troubles: list[Delivery]
    more_troubles: bool
    as_of: datetime | None


def board(period: int, bot_id: int | None) -> Board:
    """The board of `period` days; of one bot, by its sources, where `bot_id` names one. Ten statements or fewer."""
    bots = list(Bot.objects.filter(internal=False).order_by("name"))
    bot = next((bot for bot in bots if bot.pk == bot_id), None)
    stuck, retried = _stuck(), _retried()
    return Board(
        period=period,
        bot=bot,
        bots=bots,
        tables=_tables(period, bot),
        depths=_depths(),
        troubles=[*stuck[:TROUBLES], *retried[:TROUBLES]],
        more_troubles=len(stuck) > TROUBLES or len(retried) > TROUBLES,
        as_of=Watermark.objects.filter(reader="rollup").values_list("at", flat=True).first(),
    )


def _stuck() -> list[Delivery]:
    """What only a person can send again, newest first; one more than is listed."""
    return list(_with_names(Delivery.objects.filter(status__in=("failed", "unknown"))).order_by("-id")[: TROUBLES + 1])


RETRIED = """
SELECT retried.id FROM endpoint
CROSS JOIN LATERAL (
  SELECT id, attempts FROM delivery WHERE endpoint_id = endpoint.id AND status = 'retry' ORDER BY id LIMIT %(look_at)s
) AS retried
WHERE retried.attempts > 0
ORDER BY retried.id LIMIT %(troubles)s + 1
"""


def _retried() -> list[Delivery]:
    """What was tried in vain and will be tried again, oldest first; one more than is listed.

    Each endpoint gives its oldest by index, and no more than LOOK_AT are looked at there, however long it is down.
    """
    with connection.cursor() as cursor:
        cursor.execute(RETRIED, {"look_at": LOOK_AT, "troubles": TROUBLES})
        ids = [row[0] for row in cursor.fetchall()]
    return list(_with_names(Delivery.objects.filter(pk__in=ids)).order_by("id"))


def _with_names(deliveries: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    return deliveries.select_related("draft__bot", "endpoint__queue")


def _tables(period: int, bot: Bot | None) -> list[Table]:
    rows = _counted(period, bot.pk if bot else None)
    if bot:
        by_name = _sums(rows, "source")
        names = {source.pk: str(source) for source in Source.objects.filter(bot=bot)}
    else:
        by_name = _sums(rows, "source__bot")
        names = dict(Bot.objects.values_list("id", "name"))
    by_day = _sums(rows, "day")
    return [
        Table(
            kind=kind,
            total=_line("", None, [row for row in by_name if row["kind"] == kind]),
            lines=_lines(kind, by_name, names, "source" if bot else "source__bot"),
            days=_days(kind, by_day),
        )
        for kind in KINDS
    ]


_SUMS = {verdict: Sum(verdict) for verdict in VERDICTS}

# Columns of the sheet, and where they come from.
SHEET = {
    "day": "day",
    "kind": "kind",
    "bot": "source__bot__name",
    "vendor": "source__vendor",
    "model": "source__model",
    "version": "source__version",
    "prompt_version": "source__prompt_version",
}


def sheet(period: int, bot_id: int | None) -> list[dict[str, Any]]:
    """Counts of every day, kind and source: the rows that the tables of the board are sums of."""
    rows = (
        _counted(period, bot_id).values(*SHEET.values(), "source").annotate(**_SUMS).order_by("day", "kind", "source")
    )
    return [
        {name: row[column] for name, column in SHEET.items()} | {verdict: row[verdict] for verdict in VERDICTS}
        for row in rows.order_by("day", "kind", "source")
    ]


RECORD = """
SELECT coalesce(sum(approved), 0), coalesce(sum(edited), 0), coalesce(sum(rejected), 0), coalesce(sum(returned), 0)
FROM source_day JOIN source ON source.id = source_id WHERE bot_id = %s AND kind = %s AND day > %s
"""


def record(bot_id: int, kind: str, period: int = 28) -> Line:
    """One bot's counts of one kind over the last `period` UTC days: what the desk shows beside its draft."""
    (counts,) = ask(RECORD, [bot_id, kind, _day_before(period)])
    return Line("", bot_id, dict(zip(VERDICTS, counts, strict=True)), seconds=())


def _day_before(period: int) -> date:
    """The day before the last `period` UTC days, of which today is one."""
    return timezone.now().date() - timedelta(days=period)


def _counted(period: int, bot_id: int | None) -> "QuerySet[SourceDay]":
    """The rollup rows of the last `period` UTC days, today included."""
    rows = SourceDay.objects.filter(day__gt=_day_before(period))
    return rows.filter(source__bot=bot_id) if bot_id else rows


def _sums(rows: "QuerySet[SourceDay]", by: str) -> list[dict[str, Any]]:
    columns = _SUMS | {f"bucket_{place}": Sum(f"seconds__{place}") for place in range(len(BUCKETS) + 1)}
    return list(rows.values("kind", by).annotate(**columns).order_by("kind", by))


def _line(name: str, key: int | None, rows: Iterable[dict[str, Any]]) -> Line:
    rows = list(rows)
    return Line(
        name=name,
        key=key,
        counts={verdict: sum(row[verdict] for row in rows) for verdict in VERDICTS},
        seconds=tuple(sum(row[f"bucket_{place}"] or 0 for row in rows) for place in range(len(BUCKETS) + 1)),
    )


def _lines(kind: str, rows: list[dict[str, Any]], names: dict[int, str], by: str) -> list[Line]:
    """Most decisions first, so that those with too few for a rate come last."""
    lines = [_line(names[row[by]], row[by], [row]) for row in rows if row["kind"] == kind]
    return sorted(lines, key=lambda line: (-line.n, line.name))


def _days(kind: str, rows: list[dict[str, Any]]) -> list[Line]:
    lines = [_line(row["day"].isoformat(), None, [row]) for row in rows if row["kind"] == kind]
    return lines[::-1]


DEPTHS = """
SELECT queue.name, waiting.count, head.oldest
FROM queue
CROSS JOIN LATERAL (
  SELECT count(*) FROM (
    SELECT FROM draft JOIN lane ON lane.id = draft.lane_id
    WHERE lane.queue_id = queue.id AND draft.status = 'waiting' LIMIT %(many)s + 1
  ) AS counted
) AS waiting
CROSS JOIN LATERAL (
  SELECT min(first.submitted_at) AS oldest FROM lane
  CROSS JOIN LATERAL (
    SELECT submitted_at FROM draft WHERE lane_id = lane.id AND status = 'waiting'
    ORDER BY order_key, id LIMIT %(head)s
  ) AS first
  WHERE lane.queue_id = queue.id
) AS head
ORDER BY queue.priority, queue.name
"""


def _depths() -> list[Depth]:
    with connection.cursor() as cursor:
        cursor.execute(DEPTHS, {"many": MANY, "head": HEAD})
        return [Depth(*row) for row in cursor.fetchall()]
