"""The draft: one AI-written reply or label that waits for a person.

The row is hot (claimed, renewed, released), so it stays narrow: what the bot said about the draft is in Submission,
every text in Body.
"""

from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from reviewqueue.lifecycle import DRAFT_STATUSES
from reviewqueue.models.queue import RISKS

# The end of a skip that has none.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

MODES = ("live", "sandbox", "drill", "practice", "recheck")
KINDS = ("reply", "sentiment")


class Draft(models.Model):
    """Its text never changes: a new version is a new draft that supersedes it. `epoch` rises whenever the draft
    changes hands and fences every write of a holder; `round` rises with each undo. `slot` is 0 for the draft on the
    agent's screen, 1 for the one leased ahead. `order_key` = priority x 10^13 + due time in ms, also the Redis score
    (exact in a double)."""

    bot = models.ForeignKey("Bot", models.PROTECT, related_name="drafts")
    external_id = models.TextField()
    submit_mac = models.BinaryField(null=True)
    mode = models.TextField(default="live")
    origin = models.TextField(default="bot")
    kind = models.TextField()
    seats = models.PositiveSmallIntegerField(default=1)
    customer = models.ForeignKey("Customer", models.PROTECT, related_name="drafts")
    conversation = models.ForeignKey("Conversation", models.PROTECT, null=True, related_name="drafts")
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="superseded_by")
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    body = models.ForeignKey("Body", models.PROTECT, related_name="+", db_constraint=False)
    digest = models.BinaryField()
    lane = models.ForeignKey("Lane", models.PROTECT, related_name="drafts")
    order_key = models.BigIntegerField()
    round = models.PositiveIntegerField(default=1)
    epoch = models.BigIntegerField(default=0)
    submitted_at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True)
    status = models.TextField()
    holder = models.ForeignKey("User", models.PROTECT, null=True, related_name="held")
    slot = models.PositiveSmallIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    shown_at = models.DateTimeField(null=True)
    last_holder = models.ForeignKey("User", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "draft"
        constraints = [
            models.UniqueConstraint(fields=["bot", "external_id"], name="draft_external_id_once"),
            models.UniqueConstraint(fields=["id", "mode", "seats"], name="draft_by_mode_seats"),
            models.UniqueConstraint(fields=["id", "digest"], name="draft_by_digest"),
            # One draft on an agent's screen and one ahead: a fact of the database.
            models.UniqueConstraint(
                fields=["holder", "slot"], condition=models.Q(status="claimed"), name="draft_one_per_slot"
            ),
            models.CheckConstraint(condition=models.Q(mode__in=MODES), name="draft_mode_known"),
            models.CheckConstraint(condition=models.Q(origin__in=("bot", "agent")), name="draft_origin_known"),
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="draft_kind_known"),
            models.CheckConstraint(condition=models.Q(status__in=DRAFT_STATUSES), name="draft_status_known"),
            models.CheckConstraint(condition=models.Q(seats__gte=1, seats__lte=5), name="draft_seats_range"),
            models.CheckConstraint(condition=models.Q(slot__in=(0, 1)), name="draft_slot_known"),
            models.CheckConstraint(
                condition=models.Q(
                    status="claimed", holder__isnull=False, slot__isnull=False, lease_until__isnull=False
                )
                | models.Q(~models.Q(status="claimed"))
                & models.Q(holder__isnull=True, slot__isnull=True, lease_until__isnull=True),
                name="draft_claimed_has_holder",
            ),
        ]
        indexes = [
            # The PostgreSQL path of claiming, the rebuild of the Redis index, and the queue list.
            models.Index(
                fields=["lane", "order_key", "id"], condition=models.Q(status="waiting"), name="draft_next_in_lane"
            ),
            # Lapsing leases.
            models.Index(fields=["lease_until"], condition=models.Q(status="claimed"), name="draft_lease_ends"),
            # A bot's list of its drafts: all of them, and the few that are open among very many that are not.
            models.Index(fields=["bot", "id"], name="draft_by_bot"),
            models.Index(
                fields=["bot", "status", "id"],
                condition=models.Q(status__in=("received", "waiting", "claimed")),
                name="draft_open_by_bot",
            ),
        ]

    @property
    def hold_seconds(self) -> int:
        """How long a decision on it can be undone. A reply's channel may say so, or else its queue."""
        queue = self.lane.queue
        channel = self.conversation.channel if self.conversation and self.kind == "reply" else ""
        seconds: int = queue.channel_holds.get(channel, queue.hold_seconds)
        return seconds

    @property
    def up_for_adjudication(self) -> bool:
        """All seats of the round have voted, and nothing was decided: a lead settles it."""
        return self.seats > 1 and self.votes.filter(round=self.round).count() >= self.seats


class Submission(models.Model):
    """What the bot said when it handed the draft in. Written once. `about` is the text a sentiment label is about;
    `evidence` is a body of JSON (its quotes are free text). `findings` are those of the text checks at submit."""

    draft = models.OneToOneField(Draft, models.PROTECT, primary_key=True, related_name="submission")
    source = models.ForeignKey("Source", models.PROTECT, related_name="+")
    conversation_rev = models.PositiveIntegerField(null=True)
    about = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    language = models.TextField(default="und")
    confidence = models.FloatField(null=True)
    score = models.FloatField(null=True)
    risk = models.TextField(default="normal")
    due_at = models.DateTimeField()
    labels = ArrayField(models.TextField(), default=list)
    evidence = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    segments = models.JSONField(default=dict)
    topics = ArrayField(models.TextField(), default=list)
    allowed = ArrayField(models.TextField(), default=list)
    findings = models.JSONField(default=list)
    metadata = models.JSONField(null=True)

    class Meta:
        db_table = "submission"
        constraints = [models.CheckConstraint(condition=models.Q(risk__in=RISKS), name="submission_risk_known")]


class Skip(models.Model):
    """An agent does not want to see a draft before `until`; NEVER where they have voted on it and others are to."""

    draft = models.ForeignKey(Draft, models.PROTECT, related_name="skips")
    agent = models.ForeignKey("User", models.PROTECT, related_name="skips")
    until = models.DateTimeField()

    class Meta:
        db_table = "skip"
        constraints = [models.UniqueConstraint(fields=["agent", "draft"], name="skip_once")]


class Drill(models.Model):
    """A draft minted to see whether one agent notices; can never be delivered."""

    draft = models.OneToOneField(Draft, models.PROTECT, primary_key=True)
    mode = models.TextField(default="drill")
    seats = models.PositiveSmallIntegerField(default=1)
    agent = models.ForeignKey("User", models.PROTECT, related_name="+")
    wrong = models.BooleanField()
    shown_bot = models.ForeignKey("Bot", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "drill"
        constraints = [
            models.CheckConstraint(condition=models.Q(mode="drill"), name="drill_is_a_drill"),
            models.CheckConstraint(condition=models.Q(seats=1), name="drill_has_one_seat"),
        ]
