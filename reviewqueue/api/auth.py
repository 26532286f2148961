"""Which bot is calling: `Authorization: Bearer rq_<prefix>_<secret>`."""

import hashlib
import hmac
import re
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from reviewqueue.models import Bot, BotKey

KEY = re.compile(r"rq_([A-Za-z0-9]{1,32})_[A-Za-z0-9_-]{16,128}")

# last_used_at is for people who look for dead keys; a write for each request would cost more than it tells.
NOTED_EVERY = timedelta(minutes=1)


class BotRequest(HttpRequest):
    """A request past the door; `auth` is the bot whose key it carried."""

    auth: Bot


class BotKeyAuth(HttpBearer):
    """Finds the key by its prefix and compares SHA-256 of all of it in constant time."""

    def authenticate(self, request: HttpRequest, token: str) -> Bot | None:
        shape = KEY.fullmatch(token)
        if shape is None:
            return None
        key = BotKey.objects.select_related("bot").filter(prefix=shape[1], revoked_at=None).first()
        given = hashlib.sha256(token.encode()).digest()
        if key is None or not hmac.compare_digest(bytes(key.sha256), given):
            return None
        _note_use(key)
        return key.bot


def _note_use(key: BotKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        # A database that only reads (a standby, a full disk) still answers what is only read; the rest fails by itself.
        with suppress(DatabaseError), transaction.atomic():
            BotKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
