"""How fast somebody decides, for their own eyes."""

from reviewqueue.care import reading_seconds
from reviewqueue.models import User
from reviewqueue.rows import ask

# So many in a row are worth a word.
IN_A_ROW = 20

# Of a label, what was read is the text that it is about.
LAST = f"""
SELECT viewed_ms, coalesce(nullif(about.text, ''), was.text, ''), language FROM decision
JOIN submission USING (draft_id) LEFT JOIN body AS about ON about.id = about_id
LEFT JOIN feedback ON decision_id = decision.id LEFT JOIN body AS was ON was.id = before_id
WHERE by_agent_id = %s ORDER BY decision.id DESC LIMIT {IN_A_ROW}
"""  # noqa: S608  constants of this file


def hurried(user: User) -> int:
    """How many of the person's last decisions were all faster than reading; 0 where one of them was not."""
    last = ask(LAST, [user.pk])
    # The desk asks with every page, and mostly the last one answers: no more texts are looked through than must be.
    fast = all(
        viewed is not None and viewed < reading_seconds(text, language) * 1000 for viewed, text, language in last
    )
    return IN_A_ROW if fast and len(last) == IN_A_ROW else 0
