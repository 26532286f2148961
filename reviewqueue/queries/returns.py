"""How often a bot may still try again."""

from reviewqueue.models import Draft
from reviewqueue.rows import ask

# The final or held returns of a draft and of those that it replaced.
RETURNED = """
WITH RECURSIVE chain AS (
  SELECT id, supersedes_id FROM draft WHERE id = %s
  UNION ALL
  SELECT draft.id, draft.supersedes_id FROM draft JOIN chain ON draft.id = chain.supersedes_id
)
SELECT count(*) FROM chain JOIN decision ON decision.draft_id = chain.id
WHERE decision.verdict = 'returned'
  AND NOT EXISTS (SELECT FROM settlement WHERE decision_id = decision.id AND outcome = 'undone')
"""


def rounds_left(draft: Draft) -> int:
    """How many more times the draft can be returned to its bot; what was returned before counts along the versions."""
    most = draft.lane.queue.return_rounds
    if draft.supersedes_id is None:
        return most
    ((returned,),) = ask(RETURNED, [draft.pk])
    return most - int(returned)
