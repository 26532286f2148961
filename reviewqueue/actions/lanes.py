"""Where a draft waits: in the ordinary lane of its queue and language, in one that only its receiver is served from, or
in that of the leads."""

from django.db import transaction

from reviewqueue.actions.log import SYSTEM, log
from reviewqueue.actions.order import no_longer_waiting, now_waiting
from reviewqueue.models import Draft, Lane, User
from reviewqueue.models.user import LEAD, own_lane
from reviewqueue.queries.lanes import receivers
from reviewqueue.rows import ask

# Drafts brought back in one transaction.
BATCH = 200

# Drafts that wait for a person who is not served from that lane any more: gone, in another role, out of the queue.
STRAYS = f"""
SELECT draft.id FROM lane JOIN draft ON draft.lane_id = lane.id AND draft.status = 'waiting'
WHERE lane.skills[1] LIKE 'agent:%%' AND NOT EXISTS (
  SELECT FROM account JOIN account_queue ON account_queue.user_id = account.id
  WHERE lane.skills[1] = 'agent:' || account.id AND account_queue.queue_id = lane.queue_id
    AND account.is_active AND account.role <> 'auditor'
    AND (lane.language = 'und' OR cardinality(account.languages) = 0 OR lane.language = ANY (account.languages)))
LIMIT {BATCH} FOR UPDATE OF draft SKIP LOCKED
"""  # noqa: S608  constants of this file


def ordinary(lane: Lane) -> Lane:
    """The lane of the same queue and language from which everybody there is served."""
    return _beside(lane, [])


def of_leads(lane: Lane) -> Lane:
    return _beside(lane, [LEAD])


def of_agent(lane: Lane, agent_id: int) -> Lane:
    return _beside(lane, [own_lane(agent_id)])


def _beside(lane: Lane, skills: list[str]) -> Lane:
    """Made where it is new: each claim asks PostgreSQL for its lanes, and Redis knows a lane by what lies in it."""
    if lane.skills == skills:
        return lane
    return Lane.objects.get_or_create(queue_id=lane.queue_id, language=lane.language, skills=skills)[0]


def home(draft: Draft) -> Lane:
    """Where a draft belongs that is handed to nobody: with everybody; with the leads where its votes disagree, or where
    it is somebody's own text."""
    if draft.origin == "agent" or draft.up_for_adjudication:
        return of_leads(draft.lane)
    return ordinary(draft.lane)


def after_release(draft: Draft, by: User) -> Lane:
    """Where a draft goes that its holder gives back.

    What was handed to them goes home, and to who asked for their help where it was that. Their own text stays theirs.
    """
    if draft.lane.skills != [own_lane(by.pk)] or draft.origin == "agent":
        return draft.lane
    last = draft.handovers.select_related("by").last()
    if last and last.kind == "help" and last.to_id == by.pk and receivers(draft).filter(pk=last.by_id).exists():
        return of_agent(draft.lane, last.by_id)
    return home(draft)


@transaction.atomic
def bring_back() -> int:
    """Put the drafts that wait for somebody who will not come back where they belong; how many."""
    strays = [draft for (draft,) in ask(STRAYS)]
    for draft in Draft.objects.select_related("lane").filter(pk__in=strays) if strays else ():
        no_longer_waiting(draft)
        draft.lane = home(draft)
        Draft.objects.filter(pk=draft.pk).update(lane=draft.lane)
        log("draft.brought back", SYSTEM, draft=draft.pk)
        now_waiting(draft)
    return len(strays)
