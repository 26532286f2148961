"""How fast somebody decides, for their own eyes."""

from reviewqueue.care import reading_seconds
from reviewqueue.models import User
from reviewqueue.rows import ask

# So many in a row are worth a word.
IN_A_ROW = 20

# Of a label, what was read is the text that it is about. By the LIMITs each row is looked up by its key, however small
# the tables were when this was planned: a join may read all of them.
LAST = f"""
SELECT viewed_ms, coalesce(nullif(about.text, ''), was.text, ''), language
FROM (SELECT id, draft_id FROM decision WHERE by_agent_id = %s ORDER BY id DESC LIMIT {IN_A_ROW}) AS last
CROSS JOIN LATERAL (SELECT about_id, language FROM submission WHERE draft_id = last.draft_id LIMIT 1) AS submitted
LEFT JOIN LATERAL (SELECT text FROM body WHERE id = about_id LIMIT 1) AS about ON true
LEFT JOIN LATERAL (SELECT viewed_ms, before_id FROM feedback WHERE decision_id = last.id LIMIT 1) AS judged ON true
LEFT JOIN LATERAL (SELECT text FROM body WHERE id = before_id LIMIT 1) AS was ON true
ORDER BY last.id DESC
"""  # noqa: S608  constants of this file


def hurried(user: User) -> int:
    """How many of the person's last decisions were all faster than reading; 0 where one of them was not."""
    last = ask(LAST, [user.pk])
    # The desk asks with every page, and mostly the last one answers: no more texts are looked through than must be.
    fast = all(
        viewed is not None and viewed < reading_seconds(text, language) * 1000 for viewed, text, language in last
    )
    return IN_A_ROW if fast and len(last) == IN_A_ROW else 0
