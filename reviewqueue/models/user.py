"""People who sign in, and how each likes to work."""

from dataclasses import dataclass, field, fields
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from reviewqueue.models.queue import Queue

ROLES = ("agent", "lead", "auditor", "admin")
# Who may see the board and everybody's drafts.
LEADS = ("lead", "admin")


# The skill that escalated drafts ask for.
LEAD = "lead"


@dataclass(frozen=True)
class Preferences:
    """How a person likes to work, as stored; what is not stated, or unknown by now, is the default.

    `single_keys` is on, focus (only while the review area has it) or off, `keys` maps an action to another key than
    the table's, `announce` is full, short or off. An empty `language` is the browser's, an empty `time_zone` UTC.
    """

    single_keys: str = "on"
    keys: dict[str, str] = field(default_factory=dict)
    theme: str = "auto"
    density: str = "default"
    language: str = ""
    time_zone: str = ""
    announce: str = "full"

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Preferences":
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def own_lane(user_id: int) -> str:
    """The skill that only this person has: a lane that asks for it holds what was handed to them."""
    return f"agent:{user_id}"


class User(AbstractUser):
    """A person. `languages` are primary BCP 47 subtags the person reads (empty: all); `skills` open lanes that ask
    for them; `queues` are those the person is handed drafts from."""

    role = models.TextField(default="agent", choices=[(role, role) for role in ROLES])
    languages = ArrayField(models.TextField(), default=list, blank=True)
    skills = ArrayField(models.TextField(), default=list, blank=True)
    queues: "models.ManyToManyField[Queue, Queue]" = models.ManyToManyField(
        Queue, related_name="agents", db_table="account_queue", blank=True
    )

    preferences = models.JSONField(default=dict, blank=True, db_default={})

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
        return self.role in LEADS

    @property
    def all_skills(self) -> list[str]:
        """What lanes may ask of this person, the lanes of their own and of leads among it."""
        return [*self.skills, own_lane(self.pk), *([LEAD] if self.leads else [])]
