"""People who sign in."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from reviewqueue.models.queue import Queue

ROLES = ("agent", "lead", "auditor", "admin")


class User(AbstractUser):
    """A person. `languages` are primary BCP 47 subtags the person reads (empty: all); `skills` open lanes that ask
    for them; `queues` are those the person is handed drafts from."""

    role = models.TextField(default="agent", choices=[(role, role) for role in ROLES])
    languages = ArrayField(models.TextField(), default=list, blank=True)
    skills = ArrayField(models.TextField(), default=list, blank=True)
    queues: "models.ManyToManyField[Queue, Queue]" = models.ManyToManyField(
        Queue, related_name="agents", db_table="account_queue", blank=True
    )

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined]
        db_table = "account"
        constraints = [models.CheckConstraint(condition=models.Q(role__in=ROLES), name="account_role_known")]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def decides(self) -> bool:
        """May claim and decide drafts. An auditor only reads."""
        return self.role != "auditor"

    @property
    def leads(self) -> bool:
        """May see the board and everybody's drafts."""
        return self.role in ("lead", "admin")
