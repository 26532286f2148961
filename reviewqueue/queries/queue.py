"""The list of open drafts, in the order in which they are handed out.

A page costs the same at ten drafts and at a million: each lane gives its first few by index, a cursor names the last
row seen, nothing is counted beyond MANY, and a filter that no index knows looks at LOOK_AT drafts and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Left
from django.utils import timezone

from reviewqueue.care import is_blind
from reviewqueue.filters import Query, seconds
from reviewqueue.models import Bot, Decision, Draft, Lane, Message, Skip, User
from reviewqueue.models.draft import NEVER
from reviewqueue.models.queue import RISKS
from reviewqueue.models.user import LEAD, own_lane
from reviewqueue.queries.lanes import lanes_of
from reviewqueue.queries.presence import presence_of
from reviewqueue.queries.rates import MANY

PAGE = 50

# With a filter that no index knows, a page looks at so many drafts and then asks whether to go on.
LOOK_AT = 2_000

# Characters of a subject or text in a row.
EXCERPT = 140

# order_key is a class of priority (0 to 9) times this, plus the due time in ms.
CLASS = 10**13
CLASSES = range(10)
# No order_key is as large.
END = len(CLASSES) * CLASS


class Cursor(NamedTuple):
    """The last row of the page before: the list is in the order of (rank, id)."""

    rank: int
    draft_id: int

    def __str__(self) -> str:
        return f"{self.rank}-{self.draft_id}"


START = Cursor(-1, -1)


@dataclass(frozen=True)
class Row:
    """`assigned` is who it waits for alone; `escalated` says that it waits for a lead. `presence` is what who has it
    does: viewing, editing, idle, or '' where their desk is closed. `blind` says that nothing may tell the label."""

    draft: Draft
    title: str
    excerpt: str
    due_at: datetime
    mine: bool
    assigned: User | None
    escalated: bool
    presence: str
    blind: bool

    @property
    def takes(self) -> bool:
        """Whether the person may claim it from the list."""
        return self.mine and self.draft.status == "waiting"


@dataclass(frozen=True)
class Count:
    """`more` says that there may be more than `n`: counting stopped."""

    n: int
    more: bool


@dataclass(frozen=True)
class Page:
    """`more` is the cursor of the next page, '' on the last; `looked_at` says that a filter made it short.

    `query` is the filter with what there is; `newest` the youngest draft there was when the page was made.
    """

    rows: list[Row]
    more: str
    looked_at: int
    query: Query
    count: Count
    newest: int
    queues: list[str]
    languages: list[str]


class Scope:
    """What a person sees of the open drafts: a lead every lane, anybody else the own ones."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.own = set(lanes_of(user))
        lanes = Lane.objects.select_related("queue").order_by("id")
        self.lanes = list(lanes if user.leads else lanes.filter(pk__in=self.own))
        self.queues = sorted({lane.queue.name for lane in self.lanes})
        self.languages = sorted({lane.language for lane in self.lanes})

    def known(self, query: Query) -> Query:
        """The query without the words that there are not here."""
        known: dict[str, Iterable[str]] = {"lang": self.languages, "queue": self.queues}
        if query.values("bot"):
            known["bot"] = Bot.objects.values_list("name", flat=True)
        if query.values("with"):
            people = User.objects.filter(is_active=True).values_list("username", flat=True)
            known["with"] = ["me", "nobody", *people]
        return query.among({name: list(words) for name, words in known.items()})

    def values(self, query: Query) -> dict[str, Any]:
        """What the statements below ask for."""
        people = self._people(query)
        lanes = [lane for lane in self.lanes if _holds(lane, query)]
        waiting = [lane.pk for lane in lanes if _waits_for(lane, query, people)]
        states = {"waiting", "claimed", "skipped"}.intersection(query.values("is")) or {"waiting", "claimed"}
        values = {
            "claimed": [lane.pk for lane in lanes] if "claimed" in states else [],
            "holders": people if query.values("with") else None,
            "waiting": waiting if "waiting" in states else [],
            "skipped": self._skipped(waiting) if states <= {"skipped", "claimed"} and "skipped" in states else [],
            "modulus": CLASS if query.values("sort") else END,
            **_asked(query),
        }
        return values | _ranges(values, by_class=bool(query.values("sort") or query.values("due")))

    def _skipped(self, lanes: list[int]) -> list[int]:
        skips = Skip.objects.filter(agent=self.user, until__gt=timezone.now(), until__lt=NEVER, draft__lane__in=lanes)
        return list(skips.values_list("draft_id", flat=True))

    def _people(self, query: Query) -> list[int]:
        names = {self.user.username if name == "me" else name for name in query.values("with")} - {"nobody"}
        return list(User.objects.filter(username__in=names).values_list("id", flat=True)) if names else []


def _holds(lane: Lane, query: Query) -> bool:
    """Whether drafts of this lane can be meant."""
    languages, queues = query.values("lang"), query.values("queue")
    return (
        (not languages or lane.language in languages)
        and (not queues or lane.queue.name in queues)
        and ("escalated" not in query.values("is") or LEAD in lane.skills)
    )


def _waits_for(lane: Lane, query: Query, people: list[int]) -> bool:
    """Whether what waits in this lane waits for whom the query names: these people, nobody in particular, or any."""
    if not query.values("with"):
        return True
    assigned = [skill for skill in lane.skills if skill.startswith("agent:")]
    if not assigned:
        return "nobody" in query.values("with")
    return any(own_lane(person) in assigned for person in people)


def _asked(query: Query) -> dict[str, Any]:
    """What each draft is looked at for."""
    bots = query.values("bot")
    confidence = [(value[0], float(value[1:])) for value in query.values("conf")]
    due = [(sign, int((timezone.now() + timedelta(seconds=far)).timestamp() * 1000)) for sign, far in _due(query)]
    asked = {
        "kinds": list(query.values("type")) or None,
        "bots": list(Bot.objects.filter(name__in=bots).values_list("id", flat=True)) if bots else None,
        "over": max((least for sign, least in confidence if sign == ">"), default=None),
        "under": min((most for sign, most in confidence if sign == "<"), default=None),
        "risks": list(query.values("risk")) or None,
        "topics": list(query.values("topic")) or None,
    }
    looks = any(value is not None for value in asked.values())
    after = max((at for sign, at in due if sign == ">"), default=0)
    before = min((at for sign, at in due if sign == "<"), default=CLASS)
    says = any(asked[name] is not None for name in ("over", "under", "risks", "topics"))
    return asked | {"looks": looks, "says": says, "after": after, "before": before, "tiers": list(RISKS)}


def _due(query: Query) -> list[tuple[str, int]]:
    return [seconds(value) for value in query.values("due")]


def _ranges(values: dict[str, Any], *, by_class: bool) -> dict[str, list[int]]:
    """The stretches of the index that are read: whole lanes, or each class of each where only a due time counts."""
    if not by_class:
        bounds = [(lane, 0, END, 0) for lane in values["waiting"]]
    else:
        bounds = [
            (lane, place * CLASS + values["after"], place * CLASS + values["before"], place * CLASS)
            for lane in values["waiting"]
            for place in CLASSES
        ]
    lanes, lows, highs, bases = zip(*bounds, strict=True) if bounds else ((), (), (), ())
    # What is ranked by due time alone has a cursor that says nothing of the class.
    bases = bases if values["modulus"] == CLASS else (0,) * len(bases)
    firsts = [-1] * len(lanes)
    return {"lanes": list(lanes), "lows": list(lows), "firsts": firsts, "highs": list(highs), "bases": list(bases)}


# Whether a draft is what was asked for. Its own columns first; what the bot said about it only where that is asked. How
# sure the bot is finds no label of a queue that has some judged blind: it would tell of those. Risk is care.tier.
MATCHES = """
  (%(kinds)s::text[] IS NULL OR one.kind = ANY (%(kinds)s::text[]))
  AND (%(bots)s::bigint[] IS NULL OR one.bot_id = ANY (%(bots)s::bigint[]))
  AND one.order_key %% 10000000000000 BETWEEN %(after)s AND %(before)s
  AND (NOT %(says)s OR EXISTS (
    SELECT FROM submission JOIN draft ON draft.id = one.id
    JOIN lane ON lane.id = one.lane_id JOIN queue ON queue.id = lane.queue_id
    WHERE submission.draft_id = one.id
      AND (%(over)s::float8 IS NULL OR confidence > %(over)s)
      AND (%(under)s::float8 IS NULL OR confidence < %(under)s)
      AND (one.kind <> 'sentiment' OR queue.blind_percent = 0 OR num_nonnulls(%(over)s::float8, %(under)s::float8) = 0)
      AND (%(topics)s::text[] IS NULL OR topics && %(topics)s::text[])
      AND (%(risks)s::text[] IS NULL OR
           (%(tiers)s::text[])[CASE WHEN one.kind = 'reply' AND draft.origin = 'bot' THEN
                                 greatest(array_position(%(tiers)s::text[], submission.risk),
                                          array_position(%(tiers)s::text[], queue.risk))
                               ELSE 1 END] = ANY (%(risks)s::text[]))))
"""

RANGES = """
unnest(%(lanes)s::bigint[], %(lows)s::bigint[], %(firsts)s::bigint[], %(highs)s::bigint[])
  AS range (lane, low, first, high)
"""

# The few that no lane's index has to give: what somebody has open, and what the person skipped.
FEW = """
SELECT id, order_key, kind, bot_id, lane_id FROM draft
WHERE status = 'claimed' AND lane_id = ANY (%(claimed)s::bigint[])
  AND (%(holders)s::bigint[] IS NULL OR holder_id = ANY (%(holders)s::bigint[]))
UNION ALL
SELECT id, order_key, kind, bot_id, lane_id FROM draft
WHERE status = 'waiting' AND id = ANY (%(skipped)s::bigint[])
"""

# `edge` marks the last draft that was looked at in a lane which has more: what sorts behind the first edge is not
# known in full yet, and waits for the next page.
NEAR = f"""
WITH near AS MATERIALIZED (
  SELECT found.* FROM {RANGES}
  CROSS JOIN LATERAL (
    SELECT id, order_key, kind, bot_id, lane_id,
           row_number() OVER (ORDER BY order_key, id) = %(depth)s AS edge
    FROM draft
    WHERE lane_id = range.lane AND status = 'waiting'
      AND (order_key, id) > (range.low, range.first) AND order_key < range.high
    ORDER BY order_key, id LIMIT %(depth)s
  ) AS found
), first_edge AS (
  SELECT order_key %% %(modulus)s AS rank, id FROM near WHERE edge ORDER BY rank, id LIMIT 1
), one AS (
  SELECT listed.*, listed.order_key %% %(modulus)s AS rank
  FROM (SELECT * FROM near UNION ALL SELECT few.*, false FROM ({FEW}) AS few) AS listed
  LEFT JOIN first_edge ON true
  WHERE (listed.order_key %% %(modulus)s, listed.id) > (%(rank)s, %(draft_id)s)
    AND (first_edge.id IS NULL OR (listed.order_key %% %(modulus)s, listed.id) <= (first_edge.rank, first_edge.id))
), judged AS (
  SELECT rank, id, edge, {MATCHES} AS shown FROM one
)
SELECT rank, id, edge, shown, (SELECT count(*) FROM one) FROM judged
WHERE shown OR edge ORDER BY rank, id LIMIT %(limit)s
"""  # noqa: S608  constants of this file

# Counted over the first drafts of the lanes one after the other: how many match, how many were looked at, and, for the
# pages that ask later what is new, the youngest draft of all.
COUNT = f"""
WITH one AS MATERIALIZED (
  {FEW}
  UNION ALL
  SELECT * FROM (
    SELECT found.* FROM {RANGES}
    CROSS JOIN LATERAL (
      SELECT id, order_key, kind, bot_id, lane_id FROM draft
      WHERE lane_id = range.lane AND status = 'waiting'
        AND (order_key, id) > (range.low, range.first) AND order_key < range.high
      ORDER BY order_key, id LIMIT %(most)s
    ) AS found LIMIT %(most)s
  ) AS waiting
)
SELECT count(*) FILTER (WHERE {MATCHES}), count(*), (SELECT coalesce(max(id), 0) FROM draft) FROM one
"""  # noqa: S608  constants of this file

# What came after a page was made, among the youngest drafts, and how many of those were looked at.
FRESH = f"""
WITH one AS MATERIALIZED (
  SELECT id, status, order_key, kind, bot_id, lane_id FROM draft WHERE id > %(newest)s ORDER BY id DESC LIMIT %(most)s
)
SELECT count(*) FILTER (WHERE status = 'waiting' AND lane_id = ANY (%(waiting)s::bigint[]) AND {MATCHES}), count(*)
FROM one
"""  # noqa: S608  constants of this file


def page(user: User, query: Query, after: Cursor = START) -> Page:
    scope = Scope(user)
    query = scope.known(query)
    values = scope.values(query)
    ids, more, looked_at = _ids(values, after)
    count, newest = _count(values)
    return Page(
        rows=_rows(ids, scope),
        more=str(more or ""),
        looked_at=looked_at,
        query=query,
        count=count,
        newest=newest,
        queues=scope.queues,
        languages=scope.languages,
    )


def _ids(values: dict[str, Any], after: Cursor) -> tuple[list[int], Cursor | None, int]:
    """(ids of the page, cursor of the next one, how many were looked at where the page is short because of that)."""
    depth = max(PAGE + 1, LOOK_AT // max(1, len(values["lanes"]))) if values["looks"] else PAGE + 1
    found = _run(NEAR, values | _onwards(values, after) | {"depth": depth, "limit": PAGE + 1, **after._asdict()})
    ids = [draft_id for _, draft_id, _, shown, _ in found[:PAGE] if shown]
    if len(found) > PAGE:
        rank, draft_id, *_ = found[PAGE - 1]
        return ids, Cursor(rank, draft_id), 0
    if found and found[-1][2]:
        rank, draft_id, _, _, looked_at = found[-1]
        return ids, Cursor(rank, draft_id), looked_at
    return ids, None, 0


def _onwards(values: dict[str, Any], after: Cursor) -> dict[str, list[int]]:
    """The ranges, begun behind the cursor where it lies in them."""
    bounds = zip(values["lows"], values["bases"], strict=True)
    starts = [(base + after.rank, after.draft_id) if base + after.rank >= low else (low, -1) for low, base in bounds]
    return {"lows": [key for key, _ in starts], "firsts": [draft_id for _, draft_id in starts]}


def _count(values: dict[str, Any]) -> tuple[Count, int]:
    """(how many there are, the youngest draft of all)"""
    most = LOOK_AT if values["looks"] else MANY + 1
    ((matching, looked_at, newest),) = _run(COUNT, values | {"most": most})
    return _capped(matching, looked_at >= most), newest


def _capped(n: int, stopped: bool) -> Count:
    return Count(min(n, MANY), more=n > MANY or stopped)


def _run(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _rows(ids: list[int], scope: Scope) -> list[Row]:
    asked = Message.objects.filter(conversation=OuterRef("conversation"), author="customer").order_by("-id")
    drafts = (
        Draft.objects.filter(pk__in=ids)
        .select_related("bot", "holder", "lane__queue", "submission")
        .annotate(
            title=Left("conversation__subject__text", EXCERPT),
            about=Left("submission__about__text", EXCERPT),
            asked=Subquery(asked.values(start=Left("body__text", EXCERPT))[:1]),
        )
        .in_bulk()
    )
    people = _assigned(drafts.values())
    there = _presence(draft.holder_id for draft in drafts.values())
    return [_row(drafts[draft_id], scope, people, there) for draft_id in ids if draft_id in drafts]


def _presence(holders: Iterable[int | None]) -> dict[int, str]:
    known = {holder for holder in holders if holder}
    return presence_of(known) if known else {}


def _assigned(drafts: Iterable[Draft]) -> dict[str, User]:
    """Who these drafts wait for alone, by the skill of their lane."""
    skills = {skill for draft in drafts for skill in draft.lane.skills if skill.startswith("agent:")}
    if not skills:
        return {}
    people = User.objects.filter(pk__in=[skill.removeprefix("agent:") for skill in skills])
    return {own_lane(person.pk): person for person in people}


def _row(draft: Draft, scope: Scope, people: dict[str, User], there: dict[int, str]) -> Row:
    told = vars(draft)
    return Row(
        draft=draft,
        title=told["title"] or "",
        excerpt=told["about"] or told["asked"] or "",
        due_at=draft.submission.due_at,
        mine=draft.lane_id in scope.own,
        assigned=next((people[skill] for skill in draft.lane.skills if skill in people), None),
        escalated=LEAD in draft.lane.skills,
        presence=there.get(draft.holder_id or 0, ""),
        blind=is_blind(draft),
    )


# --- What changed since a page was made ---------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One row of a page as it is now. `who` holds it, or decided it; a draft that the person may no longer see has the
    status 'moved'. `presence` as in a Row."""

    draft_id: int
    status: str
    who: User | None = None
    presence: str = ""


@dataclass(frozen=True)
class News:
    fresh: Count
    changes: list[Change]
    counts: list[Count]


def news(user: User, query: Query, newest: int, ids: list[int], views: list[Query]) -> News:
    """What came since `newest`, how the rows with these ids are now, and how much each view has."""
    scope = Scope(user)
    values = scope.values(scope.known(query))
    ((matching, looked_at),) = _run(FRESH, values | {"newest": newest, "most": LOOK_AT})
    return News(
        fresh=_capped(matching, looked_at >= LOOK_AT),
        changes=_changes(scope, ids[:PAGE]),
        counts=[_count(scope.values(scope.known(view)))[0] for view in views],
    )


def _changes(scope: Scope, ids: list[int]) -> list[Change]:
    seen = {lane.pk for lane in scope.lanes}
    last = Decision.objects.filter(draft=OuterRef("pk")).order_by("-round")
    drafts = Draft.objects.filter(pk__in=ids).annotate(decided_by=Subquery(last.values("by_agent")[:1]))
    now = [
        (draft, draft.holder_id or (vars(draft)["decided_by"] if draft.status == "decided" else None))
        for draft in drafts
    ]
    people = User.objects.in_bulk({who for _, who in now if who})
    there = _presence(draft.holder_id for draft, _ in now)
    return [
        Change(draft.pk, draft.status, people.get(who or 0), there.get(draft.holder_id or 0, ""))
        if draft.lane_id in seen
        else Change(draft.pk, "moved")
        for draft, who in now
    ]
