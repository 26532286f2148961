"""Where drafts wait: queues, their lanes, their reasons, and the endpoints approved text leaves by."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext

# Tiers of care, from the least on.
RISKS = ("low", "normal", "high")


def channel_holds() -> dict[str, int]:
    """Those of a new queue: in a chat, nobody waits ten seconds for an answer."""
    return {"chat": 3}


class Queue(models.Model):
    """A named stream of work. `hold_seconds` a decision can be undone, on a reply in a channel of `channel_holds`
    (channel → seconds) as long as that says; `lease_seconds` a claim lasts without a sign of life, `target_seconds`
    until a draft without `due_at` is due. A lower `priority` (0 to 9) is handed out first.

    How carefully its drafts are read: `seats` people judge each, `risk` is the least tier of any, `policy_points` are
    confirmed in tier high, `blind_percent` of its labels are judged without seeing the bot's, `return_rounds` times a
    bot may try again. `guidelines` stand beside the draft; `promise_words` and `known_hosts` are read by the checks.
    """

    name = models.TextField(unique=True)
    priority = models.PositiveSmallIntegerField(default=5)
    hold_seconds = models.PositiveIntegerField(default=10)
    channel_holds = models.JSONField(default=channel_holds, db_default=channel_holds(), blank=True)
    lease_seconds = models.PositiveIntegerField(default=600)
    target_seconds = models.PositiveIntegerField(default=4 * 3600)
    risk = models.TextField(default="low", db_default="low")
    seats = models.PositiveSmallIntegerField(default=1, db_default=1)
    return_rounds = models.PositiveSmallIntegerField(default=3, db_default=3)
    blind_percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    guidelines = models.TextField(default="", blank=True, db_default="")
    policy_points = ArrayField(models.TextField(), default=list, blank=True, db_default=[])
    promise_words = ArrayField(models.TextField(), default=list, blank=True, db_default=[])
    known_hosts = ArrayField(models.TextField(), default=list, blank=True, db_default=[])

    class Meta:
        db_table = "queue"
        constraints = [
            models.CheckConstraint(condition=models.Q(priority__lte=9), name="queue_priority_range"),
            models.CheckConstraint(condition=models.Q(hold_seconds__lte=1800), name="queue_hold_range"),
            models.CheckConstraint(condition=models.Q(risk__in=RISKS), name="queue_risk_known"),
            models.CheckConstraint(condition=models.Q(seats__gte=1, seats__lte=2), name="queue_seats_range"),
            models.CheckConstraint(condition=models.Q(return_rounds__lte=10), name="queue_return_rounds_range"),
            models.CheckConstraint(condition=models.Q(blind_percent__lte=100), name="queue_blind_percent_range"),
            models.CheckConstraint(condition=models.Q(policy_points__len__lte=3), name="queue_few_policy_points"),
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
    """Why a draft of this kind may be rejected, or how it was edited, and why any draft may be escalated (kind
    `escalation`); `slug` is what bots read."""

    slug = models.TextField()
    kind = models.TextField()
    label = models.TextField()
    position = models.PositiveSmallIntegerField()
    needs_note = models.BooleanField(default=False)

    class Meta:
        db_table = "reason"
        ordering = ["kind", "position"]
        constraints = [models.UniqueConstraint(fields=["kind", "slug"], name="reason_once")]

    @property
    def words(self) -> str:
        """The label in the language of the page, where it is one of those that every deployment starts with."""
        return gettext(self.label)


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
