"""What was said before the draft."""

from django.db import models


class Conversation(models.Model):
    """Unique by `ref` within a space. `rev` rises with each later message; a decision names the rev it saw.
    `reply_to` is {address, message_id, references} or {ticket}; NULL once erased."""

    space = models.TextField(default="main")
    ref = models.TextField()
    customer = models.ForeignKey("Customer", models.PROTECT, related_name="conversations")
    channel = models.TextField()
    subject = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    reply_to = models.JSONField(null=True)
    rev = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "conversation"
        constraints = [models.UniqueConstraint(fields=["space", "ref"], name="conversation_ref_once")]


class Message(models.Model):
    """One message, in the order it was handed in; `rev` is the revision of the conversation that brought it."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    ref = models.TextField()
    author = models.TextField()
    body = models.ForeignKey("Body", models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True)
    rev = models.PositiveIntegerField()

    class Meta:
        db_table = "message"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "ref"], name="message_ref_once"),
            models.CheckConstraint(
                condition=models.Q(author__in=("customer", "agent", "bot")), name="message_author_known"
            ),
        ]
