"""The log line of an action, written in the action's own transaction."""

from typing import Any

from reviewqueue.models import Bot, Event, User
from reviewqueue.rows import insert

SYSTEM = "system"


def log(kind: str, actor: User | Bot | str, **ids: Any) -> None:
    """Append one event. `ids` name rows and plain facts, never a text that somebody wrote."""
    insert([line(kind, actor, **ids)])


def line(kind: str, actor: User | Bot | str, **ids: Any) -> Event:
    """An event that is still to be stored, for those who store many."""
    return Event(kind=kind, actor=_name(actor), ids=ids)


def _name(actor: User | Bot | str) -> str:
    if isinstance(actor, User):
        return f"agent:{actor.pk}"
    if isinstance(actor, Bot):
        return f"bot:{actor.pk}"
    return actor
