"""Counting final decisions for the board: a fold over the feed, in its order, with a stored watermark."""

from django.db import connection, transaction
from django.db.models import Max

from reviewqueue.figures import BUCKETS
from reviewqueue.models import Feed, Watermark
from reviewqueue.queries.rates import VERDICTS

READER = "rollup"
# Decisions counted in one transaction.
BATCH = 20_000

# The key of each projection beside the day; `segments` gives a row for each segment that the bot named.
PROJECTIONS = {
    "source_day": ("source_id", "queue_id", "language", "kind"),
    "agent_day": ("agent_id", "queue_id", "kind"),
    "segment_day": ("source_id", "kind", "segment", "value"),
}

# The live decisions on drafts of bots of one stretch of the feed. `bucket` is the number of bounds below the time on
# the draft (ms), NULL where nobody knows it: width_bucket counts bounds up to and with its operand, hence the signs.
COUNTED = """
counted AS MATERIALIZED (
  SELECT (decision.at AT TIME ZONE 'UTC')::date AS day, draft.kind, lane.queue_id, lane.language, submission.source_id,
         decision.by_agent_id AS agent_id, decision.verdict, submission.segments,
         cardinality(%(bounds)s::int[]) - width_bucket(-feedback.viewed_ms, %(bounds)s::int[]) AS bucket
  FROM feed
  JOIN decision ON decision.id = feed.decision_id
  JOIN draft ON draft.id = decision.draft_id
  JOIN lane ON lane.id = draft.lane_id
  JOIN submission ON submission.draft_id = draft.id
  JOIN feedback ON feedback.decision_id = decision.id
  WHERE feed.seq > %(after)s AND feed.seq <= %(upto)s AND draft.mode = 'live' AND draft.origin = 'bot'
)
"""


def _projection(table: str) -> str:
    """One projection of `counted`, added to what is stored."""
    key = ("day", *PROJECTIONS[table])
    keys, verdicts = ", ".join(key), ", ".join(VERDICTS)
    counts = ", ".join(f"count(*) FILTER (WHERE verdict = '{verdict}')" for verdict in VERDICTS)
    seconds = ", ".join(f"count(*) FILTER (WHERE bucket = {place})" for place in range(len(BUCKETS) + 1))
    added = ", ".join(f"{verdict} = {table}.{verdict} + excluded.{verdict}" for verdict in VERDICTS)
    segments = "CROSS JOIN jsonb_each_text(segments) AS each(segment, value)" if "segment" in key else ""
    return f"""
    INSERT INTO {table} ({keys}, {verdicts}, seconds)
    SELECT {keys}, {counts}, ARRAY[{seconds}] FROM counted {segments} GROUP BY {keys} ORDER BY {keys}
    ON CONFLICT ({keys}) DO UPDATE SET {added}, seconds = ARRAY(
      SELECT old + new FROM unnest({table}.seconds, excluded.seconds) WITH ORDINALITY AS both_(old, new, place)
      ORDER BY place)
    """  # noqa: S608  constants of this file


FOLD = f"WITH {COUNTED}, " + ", ".join(f"{table}_ AS ({_projection(table)})" for table in PROJECTIONS) + " SELECT"

# In ms, negative, ascending.
BOUNDS = sorted(-bound * 1000 for bound in BUCKETS)


def fold() -> int:
    """Count what is new in the feed into the three projections; how many entries were read.

    The watermark's row lock lets one process at a time in, so nothing is counted twice. A rebuild is: empty the
    projections, set the watermark to 0, fold.
    """
    total = read = _fold()
    while read == BATCH:
        read = _fold()
        total += read
    return total


@transaction.atomic
def _fold() -> int:
    Watermark.objects.bulk_create([Watermark(reader=READER)], ignore_conflicts=True)
    mark = Watermark.objects.select_for_update(skip_locked=True).filter(reader=READER).first()
    if mark is None:
        return 0
    # The feed has no gaps.
    after, upto = mark.seq, mark.seq + BATCH
    last = Feed.objects.filter(seq__gt=after, seq__lte=upto).aggregate(last=Max("seq"))["last"] or after
    if last > after:
        with connection.cursor() as cursor:
            cursor.execute(FOLD, {"after": after, "upto": last, "bounds": BOUNDS})
    mark.seq = last
    mark.save()
    return last - after
