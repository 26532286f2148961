"""Which bot is calling: `Authorization: Bearer rq_<prefix>_<secret>`."""

import hashlib
import hmac
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from reviewqueue.models import Bot, BotKey
from reviewqueue.rows import read

KEY = re.compile(r"rq_([A-Za-z0-9]{1,32})_[A-Za-z0-9_-]{16,128}")

KEY_OF = """
SELECT bot_key.*, bot.name AS bot_name, bot.space AS bot_space, bot.sandbox AS bot_sandbox
FROM bot_key JOIN bot ON bot.id = bot_id WHERE prefix = %s AND revoked_at IS NULL
"""

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
        found = next(iter(read(BotKey, KEY_OF, [shape[1]])), None)
        given = hashlib.sha256(token.encode()).digest()
        if found is None or not hmac.compare_digest(bytes(found.sha256), given):
            return None
        _note_use(found)
        return _bot(found)


def _bot(key: Any) -> Bot:
    return Bot(pk=key.bot_id, name=key.bot_name, space=key.bot_space, sandbox=key.bot_sandbox)


def _note_use(key: BotKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        # A database that only reads (a standby, a full disk) still answers what is only read; the rest fails by itself.
        with suppress(DatabaseError), transaction.atomic():
            BotKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
