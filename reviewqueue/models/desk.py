"""What people leave on the desk beside their decisions."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now

HANDOVERS = ("escalated", "handed-over", "help", "taken-over")


class Typed(models.Model):
    """What an agent is typing, saved each second and gone with the decision: the only text that is no Body."""

    draft = models.ForeignKey("Draft", models.PROTECT, related_name="typed")
    agent = models.ForeignKey("User", models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "typed"
        constraints = [models.UniqueConstraint(fields=["draft", "agent"], name="typed_once")]


class Note(models.Model):
    """A word among colleagues about a draft. Neither bots nor customers ever see it."""

    draft = models.ForeignKey("Draft", models.PROTECT, related_name="notes")
    author = models.ForeignKey("User", models.PROTECT, related_name="+")
    body = models.ForeignKey("Body", models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "note"
        ordering = ["id"]


class Handover(models.Model):
    """A draft went from one person to another. `by` did it; `to` is who got it, NULL where the leads did, and for one
    that was taken over who had it before."""

    draft = models.ForeignKey("Draft", models.PROTECT, related_name="handovers")
    by = models.ForeignKey("User", models.PROTECT, related_name="+")
    to = models.ForeignKey("User", models.PROTECT, null=True, related_name="+")
    kind = models.TextField()
    reason = models.TextField(default="", db_default="")
    note = models.ForeignKey("Body", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "handover"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=HANDOVERS), name="handover_kind_known"),
            models.CheckConstraint(
                condition=models.Q(kind="escalated", to__isnull=True)
                | ~models.Q(kind="escalated") & models.Q(to__isnull=False),
                name="handover_to_somebody",
            ),
        ]


class SavedView(models.Model):
    """A filter of the queue list under a name; a shared one is seen by the whole team."""

    owner = models.ForeignKey("User", models.PROTECT, related_name="views")
    name = models.TextField()
    query = models.TextField()
    shared = models.BooleanField(default=False)

    class Meta:
        db_table = "saved_view"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_view_once")]


class Presence(models.Model):
    """The last sign of an agent's desk: when the page was there, when the person did something, whether it edits."""

    agent = models.OneToOneField("User", models.PROTECT, primary_key=True, related_name="presence")
    at = models.DateTimeField()
    active_at = models.DateTimeField()
    editing = models.BooleanField(default=False)

    class Meta:
        db_table = "presence"


class Search(models.Model):
    """What final drafts were about, to be searched for similar ones. Erasing a text deletes its row here."""

    draft = models.OneToOneField("Draft", models.PROTECT, primary_key=True, related_name="+")
    queue = models.ForeignKey("Queue", models.PROTECT, related_name="+")
    kind = models.TextField()
    words = SearchVectorField()

    class Meta:
        db_table = "search"
        indexes = [GinIndex(fields=["words"], name="search_words")]
