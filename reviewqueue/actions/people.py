"""Accounts of people."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.models import Queue, User


@transaction.atomic
def add(
    username: str,
    password: str,
    *,
    role: str,
    queues: Sequence[str] = (),
    languages: Sequence[str] = (),
    full_name: str = "",
) -> User:
    """A new person with a role, served from the named queues, in languages given by any BCP 47 tag of theirs.

    Raises Queue.DoesNotExist for an unknown queue.
    """
    first, _, last = full_name.partition(" ")
    reads = sorted({tag.split("-")[0].lower() for tag in languages})
    user = User.objects.create_user(
        username, password=password, role=role, languages=reads, first_name=first, last_name=last
    )
    user.queues.set([Queue.objects.get(name=name) for name in queues])
    log("person.added", SYSTEM, user=user.pk, role=role)
    return user


@transaction.atomic
def prefer(*, by: User, **changes: Any) -> None:
    """Store how a person likes to work; what is not named stays."""
    person = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    person.preferences |= changes
    person.save(update_fields=["preferences"])
    log("person.preferred", by, changed=sorted(changes))
