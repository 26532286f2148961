"""The list of open drafts, in the order in which they are handed out.

A page costs the same at ten drafts and at a million: each lane gives its first few by index, a cursor names the last
row seen, and nothing is counted beyond MANY.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Left

from reviewqueue.models import Draft, Lane, Message, User
from reviewqueue.models.draft import KINDS
from reviewqueue.queries.lanes import lanes_of
from reviewqueue.queries.rates import MANY

PAGE = 50

# With a filter that no index knows, a page looks at so many drafts and then asks whether to go on.
LOOK_AT = 5_000

# Characters of a subject or text in a row.
EXCERPT = 140


class Cursor(NamedTuple):
    """The last row of the page before: hand-out order is (order_key, id)."""

    order_key: int
    draft_id: int

    def __str__(self) -> str:
        return f"{self.order_key}-{self.draft_id}"


START = Cursor(-1, -1)


@dataclass(frozen=True)
class Filter:
    """What the list is narrowed to; '' is everything."""

    kind: str = ""
    language: str = ""
    queue: str = ""


@dataclass(frozen=True)
class Row:
    draft: Draft
    title: str
    excerpt: str
    due_at: datetime
    mine: bool


@dataclass(frozen=True)
class Page:
    """`more` is the cursor of the next page, '' on the last; `looked_at` says that a filter may have made it short.

    `narrowed` is the filter without what there is not; `waiting` is None where counting would cost too much.
    """

    rows: list[Row]
    more: str
    looked_at: int
    narrowed: Filter
    waiting: int | None
    queues: list[str]
    languages: list[str]


def page(user: User, narrowed: Filter, after: Cursor = START) -> Page:
    own = set(lanes_of(user))
    seen = list(_lanes_seen(user, own))
    queues, languages = sorted({lane.queue.name for lane in seen}), sorted({lane.language for lane in seen})
    narrowed = replace(
        narrowed,
        queue=narrowed.queue if narrowed.queue in queues else "",
        language=narrowed.language if narrowed.language in languages else "",
    )
    lanes = [
        lane for lane in seen if narrowed.queue in ("", lane.queue.name) and narrowed.language in ("", lane.language)
    ]
    ids, more, short = _ids([lane.pk for lane in lanes], narrowed.kind, after)
    return Page(
        rows=_rows(ids, own),
        more=str(more or ""),
        looked_at=LOOK_AT if short else 0,
        narrowed=narrowed,
        waiting=_count([lane.pk for lane in lanes], narrowed.kind),
        queues=queues,
        languages=languages,
    )


def _lanes_seen(user: User, own: set[int]) -> "QuerySet[Lane]":
    """A lead sees every lane, anybody else the own ones."""
    lanes = Lane.objects.select_related("queue").order_by("id")
    return lanes if user.leads else lanes.filter(pk__in=own)


# `edge` marks the last draft that was looked at in a lane which has more: what sorts behind the first edge is not
# known in full yet, and waits for the next page.
NEAR = """
WITH near AS MATERIALIZED (
  SELECT found.* FROM unnest(%(lanes)s::bigint[]) AS lane (id)
  CROSS JOIN LATERAL (
    SELECT draft.order_key, draft.id, draft.kind,
           row_number() OVER (ORDER BY draft.order_key, draft.id) = %(depth)s AS edge
    FROM draft
    WHERE draft.lane_id = lane.id AND draft.status = 'waiting'
      AND (draft.order_key, draft.id) > (%(order_key)s, %(draft_id)s)
    ORDER BY draft.order_key, draft.id LIMIT %(depth)s
  ) AS found
), first_edge AS (
  SELECT order_key, id FROM near WHERE edge ORDER BY order_key, id LIMIT 1
), listed AS (
  SELECT order_key, id, kind, edge FROM near
  UNION ALL
  SELECT order_key, id, kind, false FROM draft
  WHERE status = 'claimed' AND lane_id = ANY (%(lanes)s)
    AND (order_key, id) > (%(order_key)s, %(draft_id)s)
)
SELECT listed.order_key, listed.id, kind = ANY (%(kinds)s) AS shown, edge
FROM listed LEFT JOIN first_edge ON true
WHERE (edge OR kind = ANY (%(kinds)s))
  AND (first_edge.id IS NULL OR (listed.order_key, listed.id) <= (first_edge.order_key, first_edge.id))
ORDER BY listed.order_key, listed.id LIMIT %(limit)s
"""


def _ids(lanes: list[int], kind: str, after: Cursor) -> tuple[list[int], Cursor | None, bool]:
    """(ids of the page, cursor of the next one, whether the page is short because it stopped looking)."""
    kinds = [kind] if kind in KINDS else list(KINDS)
    depth = PAGE + 1 if len(kinds) > 1 else max(PAGE + 1, LOOK_AT // max(1, len(lanes)))
    values = {"lanes": lanes, "kinds": kinds, "depth": depth, "limit": PAGE + 1, **after._asdict()}
    with connection.cursor() as cursor:
        cursor.execute(NEAR, values)
        found = cursor.fetchall()
    ids = [draft_id for _, draft_id, shown, _ in found[:PAGE] if shown]
    if len(found) > PAGE:
        order_key, draft_id, *_ = found[PAGE - 1]
        return ids, Cursor(order_key, draft_id), False
    if found and found[-1][3]:
        order_key, draft_id, *_ = found[-1]
        return ids, Cursor(order_key, draft_id), True
    return ids, None, False


def _rows(ids: list[int], own: set[int]) -> list[Row]:
    asked = Message.objects.filter(conversation=OuterRef("conversation"), author="customer").order_by("-id")
    drafts = (
        Draft.objects.filter(pk__in=ids)
        .select_related("bot", "holder", "lane__queue", "submission")
        .annotate(
            title=Left("conversation__subject__text", EXCERPT),
            about=Left("submission__about__text", EXCERPT),
            asked=Subquery(asked.values(start=Left("body__text", EXCERPT))[:1]),
        )
        .order_by("order_key", "id")
    )
    return [_row(draft, own) for draft in drafts]


def _row(draft: Draft, own: set[int]) -> Row:
    told = vars(draft)
    return Row(
        draft=draft,
        title=told["title"] or "",
        excerpt=told["about"] or told["asked"] or "",
        due_at=draft.submission.due_at,
        mine=draft.lane_id in own,
    )


def _count(lanes: list[int], kind: str) -> int | None:
    """Waiting drafts of these lanes and this kind, counted to one more than MANY. No index knows the kind: None where
    the first LOOK_AT drafts do not settle it."""
    waiting = Draft.objects.filter(status="waiting", lane__in=lanes).order_by()
    if kind not in KINDS:
        return waiting[: MANY + 1].count()
    kinds = Counter(waiting.values_list("kind", flat=True)[:LOOK_AT])
    return kinds[kind] if kinds.total() < LOOK_AT or kinds[kind] > MANY else None
