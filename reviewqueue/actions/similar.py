"""Keeping the words of final drafts, so that similar ones can be found."""

from django.db import connection, transaction

from reviewqueue.models import Feed, Watermark
from reviewqueue.queries.similar import LEXEMES, TEXTS

READER = "search"
# Decisions read in one transaction: some hundred texts' words take as many milliseconds.
BATCH = 500

# The drafts are locked as erasing locks them: either it finds the words here and deletes them, or they are not written.
FRESH = """
SELECT draft.id FROM feed JOIN decision ON decision.id = feed.decision_id JOIN draft ON draft.id = decision.draft_id
WHERE feed.seq > %(after)s AND feed.seq <= %(upto)s AND draft.mode = 'live' AND draft.purged_at IS NULL
ORDER BY draft.id FOR SHARE OF draft
"""

KEEP = f"""
INSERT INTO search (draft_id, queue_id, kind, words)
SELECT id, queue_id, kind, {LEXEMES} FROM ({TEXTS}) AS texts
ON CONFLICT (draft_id) DO NOTHING
"""  # noqa: S608  constants of this file


@transaction.atomic
def keep_words() -> int:
    """Take up what is new in the feed, one batch; how many entries were read. One process at a time, by the lock on
    the watermark's row."""
    Watermark.objects.bulk_create([Watermark(reader=READER)], ignore_conflicts=True)
    mark = Watermark.objects.select_for_update(skip_locked=True).filter(reader=READER).first()
    if mark is None:
        return 0
    # The feed has no gaps.
    last = Feed.objects.filter(seq__gt=mark.seq, seq__lte=mark.seq + BATCH).order_by("-seq").first()
    if last is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FRESH, {"after": mark.seq, "upto": last.seq})
        cursor.execute(KEEP, {"drafts": [row[0] for row in cursor.fetchall()]})
    read, mark.seq = last.seq - mark.seq, last.seq
    mark.save()
    return read
