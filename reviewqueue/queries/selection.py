"""The drafts that a person selected in the list."""

import random
from collections import Counter
from collections.abc import Collection

from django.db.models.functions import Left

from reviewqueue.models import Draft, User
from reviewqueue.queries.queue import EXCERPT, Scope

# Drafts of a selection that are shown before it is decided.
SAMPLE = 5


def selected(user: User, ids: Collection[int]) -> list[Draft]:
    """Those of these that the person sees, in their order on the list. `asked` is how the text of a label begins."""
    lanes = [lane.pk for lane in Scope(user).lanes]
    found = Draft.objects.filter(pk__in=ids, lane__in=lanes).order_by("order_key", "id")
    with_all = found.select_related("body", "bot", "conversation__subject", "submission__about", "lane__queue")
    return list(with_all.annotate(asked=Left("submission__about__text", EXCERPT)))


def sample(drafts: list[Draft]) -> list[Draft]:
    """Some of them by chance, in the order of the list."""
    chosen = set(random.sample(range(len(drafts)), min(SAMPLE, len(drafts))))
    return [draft for place, draft in enumerate(drafts) if place in chosen]


def labels(drafts: list[Draft]) -> list[tuple[str, int]]:
    """How often each label is among them, the most frequent first."""
    return Counter(draft.body.text or "" for draft in drafts).most_common()


def colleagues(drafts: list[Draft], besides: User) -> list[User]:
    """Who works in the queues of these drafts."""
    found = User.objects.filter(queues__in={draft.lane.queue_id for draft in drafts}, is_active=True)
    others = found.exclude(role="auditor").exclude(pk=besides.pk).distinct()
    return list(others.order_by("first_name", "last_name", "username"))
