"""Every free text of the product is a body: text, salt and the digest that everything else refers to."""

import hashlib
import secrets

from django.db import models

SALT_BYTES = 32

INKS = ("customer", "machine", "human")


class Body(models.Model):
    """Who wrote it is its ink. Erasing sets text and salt to NULL; id and digest stand (the database refuses any
    other change). The salt keeps the digest of a short text from being guessed once the text is gone."""

    customer = models.ForeignKey("Customer", models.PROTECT, null=True, related_name="+")
    ink = models.TextField()
    text = models.TextField(null=True)  # noqa: DJ001  NULL is "erased", not "empty"
    salt = models.BinaryField(null=True)
    digest = models.BinaryField()

    class Meta:
        db_table = "body"
        constraints = [
            models.UniqueConstraint(fields=["id", "digest"], name="body_text_by_digest"),
            models.CheckConstraint(condition=models.Q(ink__in=INKS), name="body_ink_known"),
            models.CheckConstraint(
                condition=models.Q(text__isnull=True, salt__isnull=True)
                | models.Q(text__isnull=False, salt__isnull=False),
                name="body_erased_whole",
            ),
        ]

    @classmethod
    def of(cls, text: str, *, ink: str, customer_id: int | None) -> "Body":
        """An unsaved body of `text` under a fresh salt; digest = SHA-256(salt || UTF-8 of text)."""
        salt = secrets.token_bytes(SALT_BYTES)
        return cls(customer_id=customer_id, ink=ink, text=text, salt=salt, digest=digest(salt, text))


def digest(salt: bytes, text: str) -> bytes:
    """SHA-256 over salt followed by the UTF-8 text: 32 bytes, as the CHECK in the database recomputes it."""
    return hashlib.sha256(salt + text.encode()).digest()
