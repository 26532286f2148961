"""Counts of final decisions, folded from the feed in its order, so that a rebuild is a replay.

Only live drafts of bots are counted. `seconds` counts decisions by time on the draft in the buckets of figures.py.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from reviewqueue.models.draft import KINDS


class Counts(models.Model):
    """What each projection counts, per UTC day."""

    day = models.DateField()
    approved = models.PositiveIntegerField(default=0)
    edited = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    seconds = ArrayField(models.PositiveIntegerField())

    class Meta:
        abstract = True


class SourceDay(Counts):
    source = models.ForeignKey("Source", models.PROTECT, related_name="+")
    queue = models.ForeignKey("Queue", models.PROTECT, related_name="+")
    language = models.TextField()
    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])

    class Meta:
        db_table = "source_day"
        constraints = [
            models.UniqueConstraint(fields=["day", "source", "queue", "language", "kind"], name="source_day_once")
        ]


class AgentDay(Counts):
    agent = models.ForeignKey("User", models.PROTECT, related_name="+")
    queue = models.ForeignKey("Queue", models.PROTECT, related_name="+")
    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])

    class Meta:
        db_table = "agent_day"
        constraints = [models.UniqueConstraint(fields=["day", "agent", "queue", "kind"], name="agent_day_once")]


class SegmentDay(Counts):
    source = models.ForeignKey("Source", models.PROTECT, related_name="+")
    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])
    segment = models.TextField()
    value = models.TextField()

    class Meta:
        db_table = "segment_day"
        constraints = [
            models.UniqueConstraint(fields=["day", "source", "kind", "segment", "value"], name="segment_day_once")
        ]


class Watermark(models.Model):
    """The last feed.seq a reader has folded in."""

    reader = models.TextField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "watermark"
