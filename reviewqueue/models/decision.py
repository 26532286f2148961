"""What people decided. All of it is append-only; composite foreign keys (in the migration) tie each row to the text
that was seen and the text that may be sent."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models

VERDICTS = ("approved", "edited", "written", "rejected", "returned")
SENT_VERDICTS = ("approved", "edited", "written")
# Those whose text is the person's.
OWN_VERDICTS = ("edited", "written")


class Vote(models.Model):
    """One person's judgement of a draft, on one seat of one round. `seen` is the digest of the text on the screen,
    `final` the text to be sent (none for rejected and returned)."""

    draft = models.ForeignKey("Draft", models.PROTECT, related_name="votes")
    round = models.PositiveIntegerField()
    seat = models.PositiveSmallIntegerField(default=1)
    agent = models.ForeignKey("User", models.PROTECT, related_name="votes")
    epoch = models.BigIntegerField()
    verdict = models.TextField()
    seen = models.BinaryField()
    final = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+", db_constraint=False)
    digest = models.BinaryField()
    blind = models.BooleanField(default=False)
    conversation_rev = models.PositiveIntegerField(null=True)
    decision_key = models.UUIDField(unique=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "vote"
        constraints = [
            models.UniqueConstraint(fields=["draft", "round", "seat"], name="vote_one_per_seat"),
            models.UniqueConstraint(fields=["draft", "round", "agent"], name="vote_one_per_agent"),
            models.UniqueConstraint(fields=["id", "draft", "round", "agent"], name="vote_by_agent"),
            models.UniqueConstraint(fields=["id", "verdict", "digest"], name="vote_by_text"),
            models.CheckConstraint(condition=models.Q(verdict__in=VERDICTS), name="vote_verdict_known"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=SENT_VERDICTS, final__isnull=False)
                | models.Q(~models.Q(verdict__in=SENT_VERDICTS), final__isnull=True),
                name="vote_text_iff_sent",
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=OWN_VERDICTS) & ~models.Q(digest=models.F("seen"))
                | ~models.Q(verdict__in=OWN_VERDICTS) & models.Q(digest=models.F("seen")),
                name="vote_edited_iff_changed",
            ),
        ]


class Remark(models.Model):
    """Why one of several people voted so. Of a draft that one person decides, the feedback says it."""

    vote = models.OneToOneField(Vote, models.PROTECT, primary_key=True, related_name="remark")
    note = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    reasons = ArrayField(models.TextField(), default=list)
    causes = ArrayField(models.TextField(), default=list)

    class Meta:
        db_table = "remark"


class Decision(models.Model):
    """The outcome of a round. Provisional until its hold has ended, then settled as final or undone."""

    draft = models.ForeignKey("Draft", models.PROTECT, related_name="decisions", db_constraint=False)
    round = models.PositiveIntegerField()
    mode = models.TextField()
    seats = models.PositiveSmallIntegerField()
    verdict = models.TextField()
    digest = models.BinaryField()
    by_vote = models.ForeignKey(Vote, models.PROTECT, related_name="+", db_constraint=False)
    by_agent = models.ForeignKey("User", models.PROTECT, related_name="decisions")
    with_vote = models.ForeignKey(Vote, models.PROTECT, null=True, related_name="+", db_constraint=False)
    with_agent = models.ForeignKey("User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "decision"
        constraints = [
            models.UniqueConstraint(fields=["draft", "round"], name="decision_one_per_round"),
            models.UniqueConstraint(fields=["id", "draft", "mode", "verdict", "digest"], name="decision_by_text"),
            models.CheckConstraint(
                condition=models.Q(with_vote__isnull=True, with_agent__isnull=True)
                | models.Q(with_vote__isnull=False, with_agent__isnull=False),
                name="decision_with_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(seats=1)
                | models.Q(with_agent__isnull=False) & ~models.Q(with_agent=models.F("by_agent")),
                name="decision_two_people",
            ),
        ]
        indexes = [models.Index(fields=["by_agent", "-id"], name="decision_by_agent")]


class Hold(models.Model):
    """How long a decision stays provisional. Small and mutable, the only such row beside a decision: undo deletes it,
    its end settles the decision (`settled_at`), and the feed takes the decision over and deletes it."""

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="hold")
    until = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    # From the decision on, however often somebody asks for more: a customer waits for it.
    LONGEST = timedelta(minutes=30)

    class Meta:
        db_table = "hold"
        indexes = [
            models.Index(fields=["until"], condition=models.Q(settled_at__isnull=True), name="hold_ends"),
            models.Index(fields=["settled_at"], condition=models.Q(settled_at__isnull=False), name="hold_unfed"),
        ]

    @property
    def longest(self) -> datetime:
        """When it ends at the latest."""
        return self.decision.at + self.LONGEST


class Settlement(models.Model):
    """One row a decision, final or undone: undo and send exclude each other by primary key."""

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="settlement")
    outcome = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "settlement"
        constraints = [
            models.UniqueConstraint(fields=["decision", "outcome"], name="settlement_by_outcome"),
            models.CheckConstraint(
                condition=models.Q(outcome__in=("final", "undone")), name="settlement_outcome_known"
            ),
        ]


class Feedback(models.Model):
    """What the decision teaches: before and after verbatim, why, how much changed, how long it took.

    `edit_rate` is a word error rate (see edits.py), NULL where nothing is sent; `viewed_ms` counts from first paint.
    `findings` are those of the text decided on ([{check, level, start, end}], none of its words), `overridden` the
    checks whose warning the person set aside, `spans` the places that the person marked as the reason of a label
    ([[start, end]] in code points), `confirmed` the policy point that was read and confirmed.
    """

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="feedback")
    before = models.ForeignKey("Body", models.PROTECT, related_name="+")
    after = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    note = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    edit_rate = models.FloatField(null=True)
    edit_unit = models.TextField(null=True)  # noqa: DJ001  NULL where there is no edit rate
    reasons = ArrayField(models.TextField(), default=list)
    causes = ArrayField(models.TextField(), default=list)
    viewed_ms = models.PositiveIntegerField(null=True)
    findings = models.JSONField(default=list, db_default=[])
    overridden = ArrayField(models.TextField(), default=list, db_default=[])
    spans = models.JSONField(default=list, db_default=[])
    confirmed = models.TextField(default="", db_default="")

    class Meta:
        db_table = "feedback"


class Feed(models.Model):
    """Final decisions in one gap-free order, given by one beat at a time. Bots, rollups and exports read this."""

    seq = models.BigIntegerField(primary_key=True)
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="feed")
    settled = models.TextField(default="final")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "feed"
        constraints = [models.CheckConstraint(condition=models.Q(settled="final"), name="feed_is_final")]
