"""The outbox: what is owed to receivers, and every attempt to bring it."""

from django.db import models

from reviewqueue.lifecycle import DELIVERY_STATUSES


class Delivery(models.Model):
    """One approved text to one endpoint. Composite foreign keys say the whole promise: its text is that of the
    decision, and it leaves `held` only when the decision is final. `epoch` fences workers, `deadline` is when a
    worker's silence counts as its death."""

    decision = models.ForeignKey("Decision", models.PROTECT, related_name="deliveries", db_constraint=False)
    draft = models.ForeignKey("Draft", models.PROTECT, related_name="deliveries", db_constraint=False)
    conversation = models.ForeignKey("Conversation", models.PROTECT, null=True, related_name="+")
    mode = models.TextField(default="live")
    verdict = models.TextField()
    digest = models.BinaryField()
    endpoint = models.ForeignKey("Endpoint", models.PROTECT, related_name="deliveries")
    footer = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    status = models.TextField()
    blocked_by = models.TextField(null=True)  # noqa: DJ001  NULL is "not blocked"
    not_before = models.DateTimeField()
    epoch = models.BigIntegerField(default=0)
    deadline = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    phase = models.TextField(null=True)  # noqa: DJ001  NULL before the first attempt
    settled = models.TextField(null=True)  # noqa: DJ001  NULL while the decision is provisional

    class Meta:
        db_table = "delivery"
        constraints = [
            models.CheckConstraint(condition=models.Q(mode="live"), name="delivery_is_live"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=("approved", "edited", "written")), name="delivery_verdict_sent"
            ),
            models.CheckConstraint(condition=models.Q(status__in=DELIVERY_STATUSES), name="delivery_status_known"),
            models.CheckConstraint(condition=models.Q(settled="final"), name="delivery_settled_final"),
            models.CheckConstraint(
                condition=models.Q(status__in=("held", "cancelled")) | models.Q(settled__isnull=False),
                name="delivery_sent_only_final",
            ),
            # What a footer says is not covered by the decision yet, so there is none.
            models.CheckConstraint(condition=models.Q(footer__isnull=True), name="delivery_without_footer"),
            models.UniqueConstraint(
                fields=["draft", "endpoint"],
                condition=~models.Q(status="cancelled"),
                name="delivery_once",
            ),
        ]
        indexes = [
            # Dispatch: what is due, by endpoint.
            models.Index(
                fields=["endpoint", "not_before", "id"],
                condition=models.Q(status__in=("held", "retry"), settled="final", blocked_by__isnull=True),
                name="delivery_due",
            ),
            # Sweep: whose worker fell silent.
            models.Index(
                fields=["deadline"], condition=models.Q(status__in=("queued", "sending")), name="delivery_overdue"
            ),
            # Order within a conversation.
            models.Index(
                fields=["conversation", "id"],
                condition=models.Q(status__in=("held", "queued", "sending", "retry")),
                name="delivery_in_order",
            ),
            # Which endpoints are struggling, and what is being tried again.
            models.Index(fields=["endpoint", "id"], condition=models.Q(status="retry"), name="delivery_retrying"),
            # The board's list of trouble.
            models.Index(fields=["id"], condition=models.Q(status__in=("failed", "unknown")), name="delivery_trouble"),
        ]

    @property
    def webhook_id(self) -> str:
        """The same for every attempt, for ever: receivers drop repeats by it."""
        return f"msg_{self.pk}"


# How a try ends; `reviewqueue.outbound.webhook.Answer` tells them apart.
OUTCOMES = ("delivered", "retry", "gone", "lost", "impossible")


class Attempt(models.Model):
    """One try, append-only. `code` is the HTTP status or NULL, `error` our own words, never the receiver's."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    outcome = models.TextField()
    code = models.PositiveIntegerField(null=True)
    error = models.TextField(default="")
    took_ms = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "attempt"
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(outcome__in=OUTCOMES), name="attempt_outcome_known")]


class Notice(models.Model):
    """A webhook to a bot: a second outbox of the same machine."""

    endpoint = models.ForeignKey("Endpoint", models.PROTECT, related_name="+")
    draft = models.ForeignKey("Draft", models.PROTECT, related_name="+")
    kind = models.TextField()
    decision = models.ForeignKey("Decision", models.PROTECT, null=True, related_name="+")
    settled = models.TextField(null=True)  # noqa: DJ001  NULL where no decision is told
    status = models.TextField()
    not_before = models.DateTimeField()
    epoch = models.BigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "notice"
        constraints = [
            models.CheckConstraint(condition=models.Q(settled="final"), name="notice_settled_final"),
            models.CheckConstraint(condition=models.Q(status__in=DELIVERY_STATUSES), name="notice_status_known"),
            models.CheckConstraint(
                condition=~models.Q(kind__in=("draft.decided", "draft.returned"))
                | models.Q(decision__isnull=False, settled__isnull=False),
                name="notice_of_final_only",
            ),
        ]
