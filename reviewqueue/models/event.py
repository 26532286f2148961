"""The log: who did what to which ids, append-only and without any text."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """`actor` is agent:<id>, bot:<id> or system; `ids` name rows; `mac` is made under the customer's key."""

    at = models.DateTimeField(db_default=Now())
    kind = models.TextField()
    actor = models.TextField()
    ids = models.JSONField()
    mac = models.BinaryField(null=True)

    class Meta:
        db_table = "event"


class Leaf(models.Model):
    """The events in one gap-free order, given by one beat at a time."""

    seq = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, models.PROTECT)
    hash = models.BinaryField()

    class Meta:
        db_table = "leaf"
