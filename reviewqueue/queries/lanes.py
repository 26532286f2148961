"""Which lanes an agent is served from, and who can be handed a draft."""

from django.db.models import Q, QuerySet

from reviewqueue.models import Draft, Lane, User, Vote
from reviewqueue.models.user import LEADS
from reviewqueue.rows import ask

# Modes in which a person may answer; a drill or a recheck has no customer.
WRITABLE = ("live", "sandbox")

LANES = """
SELECT lane.id FROM lane JOIN account_queue USING (queue_id) WHERE user_id = %(user)s AND skills <@ %(skills)s::text[]
AND (cardinality(%(languages)s::text[]) = 0 OR language = 'und' OR language = ANY (%(languages)s)) ORDER BY lane.id
"""


def lanes_of(user: User) -> list[int]:
    """Ids of the lanes of the user's queues, in languages the user reads, asking for no skill the user lacks.

    A user without languages reads all; a lane of unknown language (`und`) is open to everybody of its queue.
    """
    return [lane for (lane,) in ask(LANES, {"user": user.pk, "skills": user.all_skills, "languages": user.languages})]


def readers(lane: Lane) -> "QuerySet[User]":
    """Who decides drafts of this queue and language."""
    found = User.objects.filter(queues=lane.queue_id, is_active=True).exclude(role="auditor")
    if lane.language != "und":
        found = found.filter(Q(languages=[]) | Q(languages__contains=[lane.language]))
    return found.order_by("first_name", "last_name", "username")


def receivers(draft: Draft) -> "QuerySet[User]":
    """Who can be handed this draft: nobody who has voted on it in this round, and a lead where the votes disagree."""
    found = readers(draft.lane)
    if draft.seats == 1:
        return found
    voted = Vote.objects.filter(draft=draft, round=draft.round).values("agent")
    found = found.exclude(pk__in=voted)
    return found.filter(role__in=LEADS) if draft.up_for_adjudication else found


def may_write(draft: Draft, user: User) -> bool:
    """Whether the user may answer the conversation of that draft in their own words: where several people judge each
    draft, a lead alone."""
    if not (is_writable(draft, user) and user.is_active and user.decides):
        return False
    return user.leads or readers(draft.lane).filter(pk=user.pk).exists()


def is_writable(draft: Draft, user: User) -> bool:
    """`may_write` for somebody who is served from the draft's queue and language."""
    return draft.conversation_id is not None and draft.mode in WRITABLE and (user.leads or draft.lane.queue.seats == 1)
