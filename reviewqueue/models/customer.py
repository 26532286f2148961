"""The people the drafts are written to, and what they allowed."""

import secrets

from django.db import models

PURPOSES = ("ai_drafting", "ai_sentiment", "training", "analysis")

KEY_BYTES = 32


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


class Customer(models.Model):
    """Unique by `ref` within a space. `key` makes MACs over what was submitted; NULL means erased. The row lock is
    the fence between an opt-out and a send."""

    space = models.TextField(default="main")
    ref = models.TextField(null=True)  # noqa: DJ001  NULL is "erased"
    name = models.TextField(null=True)  # noqa: DJ001  NULL is "not told" or "erased"
    key = models.BinaryField(null=True, default=new_key)
    opted_out_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customer"
        constraints = [models.UniqueConstraint(fields=["space", "ref"], name="customer_ref_once")]


class Consent(models.Model):
    """One statement of consent or withdrawal, append-only; the newest of a purpose counts."""

    customer = models.ForeignKey(Customer, models.PROTECT)
    granted = models.BooleanField()
    purpose = models.TextField()
    actor = models.TextField()
    notice_id = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "consent"
        constraints = [
            models.CheckConstraint(condition=models.Q(purpose__in=PURPOSES), name="consent_purpose_known"),
            models.CheckConstraint(
                condition=models.Q(actor__in=("customer", "agent", "bot")), name="consent_actor_known"
            ),
        ]
