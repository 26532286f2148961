"""Past drafts that were about the same, and what became of them.

The words of final drafts lie in `search`. Only the rare words of a draft are searched for: how common a word is,
PostgreSQL's statistics know, and a word of every second draft would cost much and say nothing. So the cost is bounded
by the number of drafts that share a rare word, not by that of all drafts.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from reviewqueue.edits import word_diff
from reviewqueue.languages import STEMMED, UNSPACED
from reviewqueue.models import Decision, Draft, User
from reviewqueue.queries.queue import Scope
from reviewqueue.queries.reasons import reason_words
from reviewqueue.queries.timeline import visible

# Similar drafts that are shown, and how many of the best are looked at for those the person may see.
SHOWN, LOOK_AT = 5, 50
# Words that are searched for; drafts that the common ones among them may add to what is ranked.
WORDS, CANDIDATES = 60, 2_000
# Similar is what shares at least so many of these words, and this part of them.
LEAST, SHARE = 3, 0.2

# Characters of each text whose words count.
READ = 4_000

# What a draft is about: the customer's words, and those of the reply; not a label, which may be hidden, so that what is
# shown beside it does not tell. Words come stemmed where the language of the lane is known to PostgreSQL; where words
# are not written apart, each two characters that follow one another are one.
TEXTS = f"""
SELECT draft.id, draft.kind, lane.queue_id, lane.language,
       concat_ws(' ', left(asked.text, {READ}), left(about.text, {READ}),
                 CASE WHEN draft.kind = 'reply' THEN left(said.text, {READ}) END) AS text
FROM draft
JOIN lane ON lane.id = draft.lane_id
JOIN submission ON submission.draft_id = draft.id
JOIN body AS said ON said.id = draft.body_id
LEFT JOIN body AS about ON about.id = submission.about_id
LEFT JOIN LATERAL (
  SELECT body.text FROM message JOIN body ON body.id = message.body_id
  WHERE conversation_id = draft.conversation_id AND author = 'customer' ORDER BY message.id DESC LIMIT 1
) AS asked ON true
WHERE draft.id = ANY (%(drafts)s::bigint[]) AND draft.purged_at IS NULL AND said.text IS NOT NULL
"""  # noqa: S608  constants of this file

LEXEMES = f"""
CASE WHEN language = ANY (ARRAY{sorted(UNSPACED)}) THEN
  array_to_tsvector(ARRAY(
    SELECT DISTINCT pair FROM (
      SELECT lower(substr(text, n, 2)) AS pair FROM generate_series(1, length(text) - 1) AS n
    ) AS pairs WHERE pair !~ '[[:space:][:punct:]]'
  ))
ELSE strip(to_tsvector(coalesce((
  SELECT config FROM unnest(ARRAY{list(STEMMED)}, ARRAY{list(STEMMED.values())}) AS stemmed (code, config)
  WHERE code = language
), 'simple')::regconfig, text)) END
"""  # noqa: S608  constants of this product

# The words of one draft, each with the share of drafts that have it (NULL: it is rare), and how many drafts there are.
RARE = f"""
WITH asked AS (SELECT unnest(tsvector_to_array({LEXEMES})) AS word FROM ({TEXTS}) AS texts),
common AS (
  SELECT word, share
  FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS each (word, share)
  WHERE schemaname = current_schema() AND tablename = 'search' AND attname = 'words'
)
SELECT word, share, (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'search'::regclass)
FROM asked LEFT JOIN common USING (word) ORDER BY share NULLS FIRST, length(word) DESC, word
"""  # noqa: S608  constants of this file

FOUND = """
WITH best AS MATERIALIZED (
  SELECT draft_id, words, ts_rank(words, %(query)s::tsquery, 1) AS rank FROM search
  WHERE words @@ %(query)s::tsquery AND kind = %(kind)s AND queue_id = ANY (%(queues)s::bigint[])
    AND draft_id <> %(draft)s
  ORDER BY rank DESC, draft_id DESC LIMIT %(look_at)s
)
SELECT draft_id FROM best JOIN draft ON draft.id = draft_id
CROSS JOIN LATERAL (
  SELECT count(*) AS shared FROM unnest(tsvector_to_array(words)) AS word WHERE word = ANY (%(words)s::text[])
) AS compared
WHERE lane_id = ANY (%(lanes)s::bigint[]) AND shared >= %(least)s
ORDER BY shared DESC, rank DESC, draft_id DESC LIMIT %(shown)s
"""


@dataclass(frozen=True)
class Similar:
    """A past draft and its final decision; `diff` is what a person changed."""

    draft: Draft
    decision: Decision
    asked: str
    diff: list[tuple[str, str]]
    reasons: list[str]


def similar(draft_id: int, user: User) -> tuple[Draft, list[Similar]] | None:
    """(the draft, the past ones most like it), or None where the person may not see that draft."""
    draft = visible(user).select_related("submission", "conversation__subject", "body").filter(pk=draft_id).first()
    if draft is None:
        return None
    words = _rare_words(draft_id)
    return draft, _with_decisions(_found(draft, words, user)) if words else []


def _rare_words(draft_id: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(RARE, {"drafts": [draft_id]})
        found = cursor.fetchall()
    words, left = [], float(CANDIDATES)
    for word, share, drafts in found[:WORDS]:
        left -= (share or 0) * drafts
        if left < 0:
            break
        words.append(word)
    return words


def _found(draft: Draft, words: list[str], user: User) -> list[int]:
    scope = Scope(user)
    values: dict[str, Any] = {
        "query": " | ".join(map(_quoted, words)),
        "words": words,
        "kind": draft.kind,
        "queues": list({lane.queue_id for lane in scope.lanes}),
        "lanes": [lane.pk for lane in scope.lanes],
        "draft": draft.pk,
        "least": max(LEAST, round(len(words) * SHARE)),
        "look_at": LOOK_AT,
        "shown": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(FOUND, values)
        return [row[0] for row in cursor.fetchall()]


def _quoted(word: str) -> str:
    """As a word of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _with_decisions(ids: list[int]) -> list[Similar]:
    with_all = ("draft__body", "draft__submission__about", "draft__conversation__subject", "by_vote__final", "feedback")
    decisions = Decision.objects.filter(draft__in=ids, settlement__outcome="final").select_related(*with_all)
    # A text that was erased since then is not shown, not even its words.
    known = {one.draft_id: one for one in decisions if one.draft.body.text is not None and not one.draft.purged_at}
    labels = reason_words("reply", "sentiment")
    return [_similar(known[draft_id], labels) for draft_id in ids if draft_id in known]


def _similar(decision: Decision, labels: dict[str, str]) -> Similar:
    draft, final = decision.draft, decision.by_vote.final
    before, after = draft.body.text or "", (final and final.text) or ""
    edited = decision.verdict == "edited" and draft.kind == "reply" and bool(after)
    about = draft.submission.about
    return Similar(
        draft=draft,
        decision=decision,
        asked=(about and about.text) or "",
        diff=word_diff(before, after) if edited else [],
        reasons=[labels.get(slug, slug) for slug in decision.feedback.reasons],
    )
