"""Deep queues: any number of waiting drafts, set by set in SQL, with everything that a page of theirs reads."""

import psycopg

# Tables whose ids have a range of their own, so that an id can be recognised wherever it appears (tests/bench/tape.py).
RANGED = ("account", "body", "conversation", "customer", "decision", "delivery", "draft", "event", "message", "vote")
RANGE = 10**12
# Rows made here lie below this place of their range, rows of the product above.
OURS = 10**11

SALT = "decode(repeat('5a', 32), 'hex')"

# %(first)s … %(last)s number the drafts. Triggers and foreign keys are off: the rows are right, and there are many.
FILL = f"""
SET session_replication_role = replica;
INSERT INTO body (id, ink, text, salt, digest, customer_id)
SELECT %(body)s + n, 'machine', said, {SALT}, sha256({SALT} || convert_to(said, 'UTF8')), %(customer)s + n / 4
FROM generate_series(%(first)s::bigint, %(last)s) AS n,
  LATERAL (SELECT 'Your order ' || n || ' left our warehouse on Tuesday and is with the carrier now. You will get a'
    || ' message with the tracking number as soon as it is scanned. Thank you for your patience.' AS said) AS made;
INSERT INTO body (id, ink, text, salt, digest, customer_id)
SELECT %(body)s + {OURS} / 2 + n, 'customer', said, {SALT}, sha256({SALT} || convert_to(said, 'UTF8')),
  %(customer)s + n / 4
FROM generate_series(%(first)s::bigint, %(last)s) AS n,
  LATERAL (SELECT 'Where is my order ' || n || '? It should have been here last week.' AS said) AS made;
INSERT INTO customer (id, space, ref, name, key)
SELECT %(customer)s + n, 'main', 'deep-' || n, 'Sam', {SALT}
FROM generate_series(%(first)s::bigint / 4, %(last)s / 4) AS n ON CONFLICT DO NOTHING;
INSERT INTO conversation (id, space, ref, customer_id, channel, rev)
SELECT %(conversation)s + n, 'main', 'deep-' || n, %(customer)s + n / 4, 'email', 1
FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO message (id, conversation_id, ref, author, body_id, rev)
SELECT %(message)s + n, %(conversation)s + n, 'm1', 'customer', %(body)s + {OURS} / 2 + n, 1
FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO draft (id, bot_id, external_id, submit_mac, mode, origin, kind, seats, customer_id, conversation_id,
  body_id, digest, lane_id, order_key, round, epoch, submitted_at, status)
SELECT %(draft)s + n, like_it.bot_id, 'deep-' || n, {SALT}, 'live', 'bot', 'reply', 1, %(customer)s + n / 4,
  %(conversation)s + n, %(body)s + n, body.digest, (%(lanes)s::bigint[])[1 + n %% cardinality(%(lanes)s)],
  50000000000000 + (extract(epoch FROM now()) * 1000)::bigint + n, 1, 0, now(), 'waiting'
FROM generate_series(%(first)s::bigint, %(last)s) AS n JOIN body ON body.id = %(body)s + n,
  (SELECT * FROM draft WHERE external_id = 'like-this') AS like_it;
INSERT INTO submission (draft_id, source_id, conversation_rev, language, risk, due_at, labels, segments, topics,
  allowed, findings, confidence)
SELECT %(draft)s + n, source_id, 1, 'en', 'normal', now() + interval '4 hours', '{{}}', '{{}}', '{{}}',
  allowed, '[]', 0.9
FROM generate_series(%(first)s::bigint, %(last)s) AS n,
  (SELECT * FROM submission WHERE draft_id = (SELECT id FROM draft WHERE external_id = 'like-this')) AS like_it;
RESET session_replication_role;
"""


# The same drafts approved by %(agent)s, settled, fed, delivered and logged.
DECIDE = """
SET session_replication_role = replica;
UPDATE draft SET status = 'decided', epoch = 1, last_holder_id = %(agent)s
WHERE id BETWEEN %(draft)s + %(first)s AND %(draft)s + %(last)s;
INSERT INTO vote (id, draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, conversation_rev,
  decision_key, at)
SELECT %(vote)s + id - %(draft)s, id, 1, 1, %(agent)s, 1, 'approved', digest, body_id, digest, false, 1,
  gen_random_uuid(), now() - interval '1 hour'
FROM draft WHERE id BETWEEN %(draft)s + %(first)s AND %(draft)s + %(last)s;
INSERT INTO decision (id, draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, at)
SELECT %(decision)s + id - %(vote)s, draft_id, 1, 'live', 1, verdict, digest, id, agent_id, at
FROM vote WHERE id BETWEEN %(vote)s + %(first)s AND %(vote)s + %(last)s;
INSERT INTO feedback (decision_id, before_id, after_id, edit_rate, edit_unit, reasons, causes, viewed_ms)
SELECT %(decision)s + n, %(body)s + n, %(body)s + n, 0, 'word', '{}', '{}', 1000 + n %% 60000
FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO settlement (decision_id, outcome, at)
SELECT %(decision)s + n, 'final', now() FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO feed (seq, decision_id, settled, at)
SELECT n, %(decision)s + n, 'final', now() FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO delivery (id, decision_id, draft_id, conversation_id, mode, verdict, digest, endpoint_id, status,
  not_before, epoch, attempts, phase, settled)
SELECT %(delivery)s + n, decision.id, draft_id, conversation_id, 'live', verdict, decision.digest,
  (SELECT id FROM endpoint LIMIT 1), 'delivered', at, 1, 1, 'started', 'final'
FROM generate_series(%(first)s::bigint, %(last)s) AS n JOIN decision ON decision.id = %(decision)s + n
  JOIN draft ON draft.id = draft_id;
INSERT INTO attempt (delivery_id, number, at, outcome, code, error, took_ms)
SELECT %(delivery)s + n, 1, now(), 'delivered', 204, '', 5 FROM generate_series(%(first)s::bigint, %(last)s) AS n;
INSERT INTO event (kind, actor, ids)
SELECT 'draft.approved', 'agent:' || %(agent)s, jsonb_build_object('draft', %(draft)s + n)
FROM generate_series(%(first)s::bigint, %(last)s) AS n;
RESET session_replication_role;
"""


def give_ranges(cursor: psycopg.Cursor) -> None:
    for table in RANGED:
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {base(table) + OURS}")


def base(table: str) -> int:
    return RANGE * (RANGED.index(table) + 1)


def fill(cursor: psycopg.Cursor, drafts: int, *, first: int, lanes: list[int]) -> None:
    """`drafts` waiting ones numbered from `first`, dealt over the lanes in turn, due in the order of their numbers."""
    _run(cursor, FILL, first=first, last=first + drafts - 1, lanes=lanes)


def decide(cursor: psycopg.Cursor, drafts: int, *, first: int, agent: int) -> None:
    """So many of them approved, final and delivered; their place in the feed is their number."""
    _run(cursor, DECIDE, first=first, last=first + drafts - 1, agent=agent)


def _run(cursor: psycopg.Cursor, script: str, **values: object) -> None:
    with psycopg.ClientCursor(cursor.connection) as client:
        client.execute(script, {table: base(table) for table in RANGED} | values)
