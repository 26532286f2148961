"""Queues and the endpoints that approved text leaves by."""

import base64
import secrets
from typing import Any

from django.db import transaction

from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Endpoint, Queue, User


@transaction.atomic
def configure(name: str, **changes: int | dict[str, int]) -> Queue:
    """The queue of that name, made if it is new, with these fields changed; the database refuses bad ranges.

    Who names the hold of a new one has named it for all channels.
    """
    at_first: dict[str, Any] = {"channel_holds": {}} if "hold_seconds" in changes else {}
    queue, new = Queue.objects.update_or_create(name=name, defaults=changes, create_defaults=at_first | changes)
    if new or changes:
        log("queue.configured", SYSTEM, queue=queue.pk, **changes)
    return queue


@transaction.atomic
def change(queue_id: int, *, by: User, **wanted: Any) -> list[str]:
    """Set these fields of a queue, for drafts from now on; the names of those that were other before. Refused:
    not-found, not-allowed (only leads)."""
    if not by.leads:
        raise Refused("not-allowed", "Queues are set by leads.")
    queue = Queue.objects.select_for_update().filter(pk=queue_id).first()
    if queue is None:
        raise Refused("not-found", "There is no such queue.")
    changed = sorted(name for name, value in wanted.items() if getattr(queue, name) != value)
    if changed:
        Queue.objects.filter(pk=queue.pk).update(**{name: wanted[name] for name in changed})
        # What a field says now is in the row; the log names no words that somebody wrote.
        log("queue.changed", by, queue=queue.pk, fields=changed)
    return changed


@transaction.atomic
def set_endpoint(queue: str, url: str, *, channel: str = "") -> Endpoint:
    """Send approved text of a queue and channel to `url`, also what is still on its way; its secret stays the same.

    A disabled endpoint is enabled again. Raises Queue.DoesNotExist.
    """
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    endpoint, _ = Endpoint.objects.update_or_create(
        queue=Queue.objects.get(name=queue),
        channel=channel,
        defaults={"url": url, "disabled_at": None},
        create_defaults={"url": url, "secret": secret},
    )
    log("endpoint.set", SYSTEM, endpoint=endpoint.pk, queue=endpoint.queue_id)
    return endpoint
