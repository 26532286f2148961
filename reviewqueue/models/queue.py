"""Where drafts wait: queues, their lanes, their reasons, and the endpoints approved text leaves by."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Queue(models.Model):
    """A named stream of work. `hold_seconds` a decision can be undone, `lease_seconds` a claim lasts without a sign
    of life, `target_seconds` until a draft without `due_at` is due. A lower `priority` (0 to 9) is handed out first."""

    name = models.TextField(unique=True)
    priority = models.PositiveSmallIntegerField(default=5)
    hold_seconds = models.PositiveIntegerField(default=10)
    lease_seconds = models.PositiveIntegerField(default=600)
    target_seconds = models.PositiveIntegerField(default=4 * 3600)

    class Meta:
        db_table = "queue"
        constraints = [
            models.CheckConstraint(condition=models.Q(priority__lte=9), name="queue_priority_range"),
            models.CheckConstraint(condition=models.Q(hold_seconds__lte=1800), name="queue_hold_range"),
            models.CheckConstraint(
                condition=models.Q(lease_seconds__gte=5, lease_seconds__lte=86_400), name="queue_lease_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Lane(models.Model):
    """One queue x language x skill set. A waiting draft is in exactly one lane, an agent is served from several."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="lanes")
    language = models.TextField()
    skills = ArrayField(models.TextField(), default=list)

    class Meta:
        db_table = "lane"
        constraints = [models.UniqueConstraint(fields=["queue", "language", "skills"], name="lane_once")]


class Reason(models.Model):
    """Why a draft of this kind may be rejected, or how it was edited; `slug` is what bots read."""

    slug = models.TextField()
    kind = models.TextField()
    label = models.TextField()
    position = models.PositiveSmallIntegerField()
    needs_note = models.BooleanField(default=False)

    class Meta:
        db_table = "reason"
        ordering = ["kind", "position"]
        constraints = [models.UniqueConstraint(fields=["kind", "slug"], name="reason_once")]


class Endpoint(models.Model):
    """Where approved text of a queue and channel goes, one for each; channel '' takes all channels without their own.
    `secret` is a Standard Webhooks secret (whsec_…). A receiver that answers 410 is disabled. `failing_since` stands
    from an attempt that failed there to the next one that arrives."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="endpoints")
    channel = models.TextField(default="", blank=True)
    url = models.TextField()
    secret = models.TextField()
    disabled_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "endpoint"
        # Two would send every reply twice, under two ids.
        constraints = [models.UniqueConstraint(fields=["queue", "channel"], name="endpoint_one_per_channel")]
