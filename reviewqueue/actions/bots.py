"""Bots and their keys."""

import hashlib
import secrets

from django.db import transaction

from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.models import Bot, BotKey


@transaction.atomic
def register(name: str, *, space: str = "", sandbox: bool = False) -> Bot:
    """The bot of that name, made if it is new. Without a space it belongs to `main`, a sandbox bot to one of its own:
    what it makes up about customers and conversations must not reach real ones."""
    space = space or (f"sandbox of {name}" if sandbox else "main")
    bot, new = Bot.objects.get_or_create(name=name, defaults={"space": space, "sandbox": sandbox})
    if new:
        log("bot.registered", SYSTEM, bot=bot.pk)
    return bot


@transaction.atomic
def new_key(bot: Bot) -> str:
    """A fresh key, `rq_<prefix>_<secret>`; only its SHA-256 is stored, so this is the one time it can be read."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"rq_{prefix}_{secret}"
    BotKey.objects.create(bot=bot, prefix=prefix, sha256=hashlib.sha256(key.encode()).digest())
    log("bot.key_made", SYSTEM, bot=bot.pk, prefix=prefix)
    return key
