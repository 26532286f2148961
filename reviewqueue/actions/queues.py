"""Queues and the endpoints that approved text leaves by."""

import base64
import secrets

from django.db import transaction

from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.models import Endpoint, Queue


@transaction.atomic
def configure(name: str, **changes: int) -> Queue:
    """The queue of that name, made if it is new, with these fields changed; the database refuses bad ranges."""
    queue, new = Queue.objects.update_or_create(name=name, defaults=changes)
    if new or changes:
        log("queue.configured", SYSTEM, queue=queue.pk, **changes)
    return queue


@transaction.atomic
def add_endpoint(queue: str, url: str, *, channel: str = "") -> Endpoint:
    """Send approved text of a queue and channel to `url`, signed with a fresh secret. Raises Queue.DoesNotExist."""
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    endpoint = Endpoint.objects.create(queue=Queue.objects.get(name=queue), channel=channel, url=url, secret=secret)
    log("endpoint.added", SYSTEM, endpoint=endpoint.pk, queue=endpoint.queue_id)
    return endpoint
