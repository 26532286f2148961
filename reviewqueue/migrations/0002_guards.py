"""What Django cannot express: composite foreign keys, triggers, and what each database role may do.

The four roles belong to the whole PostgreSQL cluster and are there before: `make up` makes them, or `manage.py roles`.
"""

from django.db import migrations

KEYS = """
ALTER TABLE body ADD CONSTRAINT body_digest_of_text
  CHECK (text IS NULL OR digest = sha256(salt || convert_to(text, 'UTF8')));
ALTER TABLE draft ADD CONSTRAINT draft_external_id_short CHECK (octet_length(external_id) <= 255);
ALTER TABLE draft ADD CONSTRAINT draft_has_text FOREIGN KEY (body_id, digest) REFERENCES body (id, digest);
ALTER TABLE vote ADD CONSTRAINT vote_saw_the_draft FOREIGN KEY (draft_id, seen) REFERENCES draft (id, digest);
ALTER TABLE vote ADD CONSTRAINT vote_has_text FOREIGN KEY (final_id, digest) REFERENCES body (id, digest);
ALTER TABLE decision ADD CONSTRAINT decision_of_draft
  FOREIGN KEY (draft_id, mode, seats) REFERENCES draft (id, mode, seats);
ALTER TABLE decision ADD CONSTRAINT decision_by_a_vote
  FOREIGN KEY (by_vote_id, draft_id, round, by_agent_id) REFERENCES vote (id, draft_id, round, agent_id);
ALTER TABLE decision ADD CONSTRAINT decision_as_voted
  FOREIGN KEY (by_vote_id, verdict, digest) REFERENCES vote (id, verdict, digest);
ALTER TABLE decision ADD CONSTRAINT decision_with_a_vote
  FOREIGN KEY (with_vote_id, draft_id, round, with_agent_id) REFERENCES vote (id, draft_id, round, agent_id);
ALTER TABLE delivery ADD CONSTRAINT delivery_as_decided
  FOREIGN KEY (decision_id, draft_id, mode, verdict, digest)
  REFERENCES decision (id, draft_id, mode, verdict, digest);
ALTER TABLE delivery ADD CONSTRAINT delivery_when_final
  FOREIGN KEY (decision_id, settled) REFERENCES settlement (decision_id, outcome);
ALTER TABLE feed ADD CONSTRAINT feed_when_final
  FOREIGN KEY (decision_id, settled) REFERENCES settlement (decision_id, outcome);
ALTER TABLE notice ADD CONSTRAINT notice_when_final
  FOREIGN KEY (decision_id, settled) REFERENCES settlement (decision_id, outcome);
ALTER TABLE drill ADD CONSTRAINT drill_of_draft
  FOREIGN KEY (draft_id, mode, seats) REFERENCES draft (id, mode, seats);
"""

APPEND_ONLY = ["consent", "message", "submission", "vote", "decision", "settlement", "feedback", "feed", "attempt",
               "event", "leaf", "note", "handover", "remark"]

TRIGGERS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION body_blank_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.text IS NULL AND NEW.salt IS NULL
     AND (NEW.id, NEW.ink, NEW.digest) = (OLD.id, OLD.ink, OLD.digest)
     AND NEW.customer_id IS NOT DISTINCT FROM OLD.customer_id THEN
    -- The words that were kept of the customer's drafts go with the text.
    DELETE FROM public.search USING public.draft WHERE draft.id = search.draft_id AND draft.customer_id = OLD.customer_id;
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a body can only be blanked' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER body_guard BEFORE UPDATE OR DELETE ON body FOR EACH ROW EXECUTE FUNCTION body_blank_only();
CREATE TRIGGER body_keep BEFORE TRUNCATE ON body FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION draft_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.bot_id, NEW.external_id, NEW.mode, NEW.origin, NEW.kind, NEW.seats, NEW.customer_id, NEW.body_id, NEW.digest)
     IS DISTINCT FROM
     (OLD.bot_id, OLD.external_id, OLD.mode, OLD.origin, OLD.kind, OLD.seats, OLD.customer_id, OLD.body_id, OLD.digest)
  THEN
    RAISE EXCEPTION 'what was submitted as draft % never changes', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.epoch < OLD.epoch OR NEW.round < OLD.round THEN
    RAISE EXCEPTION 'epoch and round of draft % only rise', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF current_user = 'reviewqueue_worker'
     AND (NEW.status NOT IN (OLD.status, 'waiting', 'refused', 'expired')
          OR (NEW.holder_id IS NOT NULL AND NEW.holder_id IS DISTINCT FROM OLD.holder_id)) THEN
    RAISE EXCEPTION 'only a person or a bot takes draft % further', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
      ('received', 'waiting'), ('received', 'refused'), ('received', 'withdrawn'), ('received', 'expired'),
      ('waiting', 'claimed'), ('waiting', 'decided'), ('waiting', 'withdrawn'), ('waiting', 'expired'),
      ('claimed', 'waiting'), ('claimed', 'decided'), ('claimed', 'withdrawn'),
      ('decided', 'claimed'), ('decided', 'withdrawn')) THEN
    RAISE EXCEPTION 'draft % cannot go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'restrict_violation';
  END IF;
  -- Only where the draft moves on: who erases texts may not read decisions, and one condition would ask for both.
  IF OLD.status = 'decided' AND NEW.status <> 'decided' THEN
    IF NOT EXISTS (
      SELECT FROM public.decision JOIN public.settlement ON decision_id = decision.id
      WHERE draft_id = OLD.id AND round = OLD.round AND outcome = 'undone') THEN
      RAISE EXCEPTION 'the decision of draft % was not undone', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF NEW.round <> OLD.round AND (OLD.status, NEW.status, NEW.round) <> ('decided', 'claimed', OLD.round + 1) THEN
    RAISE EXCEPTION 'a round of draft % ends by undoing its decision', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.seats > 1 AND NEW.status = 'claimed' AND NEW.holder_id IS DISTINCT FROM OLD.holder_id THEN
    IF EXISTS (SELECT FROM public.vote WHERE draft_id = NEW.id AND round = NEW.round AND agent_id = NEW.holder_id) THEN
      RAISE EXCEPTION 'agent % has voted on draft %', NEW.holder_id, NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (SELECT count(*) FROM public.vote WHERE draft_id = NEW.id AND round = NEW.round) >= NEW.seats
       AND NOT EXISTS (SELECT FROM public.account WHERE id = NEW.holder_id AND role IN ('lead', 'admin')) THEN
      RAISE EXCEPTION 'the votes on draft % are for a lead to settle', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION draft_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM public.search WHERE draft_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER draft_purged AFTER UPDATE OF purged_at ON draft FOR EACH ROW EXECUTE FUNCTION draft_forget();
CREATE TRIGGER draft_guard BEFORE UPDATE ON draft FOR EACH ROW EXECUTE FUNCTION draft_step();

CREATE FUNCTION draft_of_a_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.bot WHERE id = NEW.bot_id AND internal)
     OR NOT EXISTS (SELECT FROM public.body WHERE id = NEW.body_id AND ink = 'human') OR NEW.seats > 1 THEN
    RAISE EXCEPTION 'draft % does not begin as a person''s own', NEW.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER draft_of_a_person AFTER INSERT ON draft FOR EACH ROW WHEN (NEW.origin = 'agent')
EXECUTE FUNCTION draft_of_a_person();

CREATE FUNCTION key_for_a_program() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.bot WHERE id = NEW.bot_id AND internal) THEN
    RAISE EXCEPTION 'bot % stands for people and has no keys', NEW.bot_id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER key_for_a_program AFTER INSERT ON bot_key FOR EACH ROW EXECUTE FUNCTION key_for_a_program();

-- After the constraints, so that each of them still speaks for itself.
CREATE FUNCTION vote_in_turn() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  draft record;
  votes record;
BEGIN
  SELECT seats, origin, round INTO draft FROM public.draft WHERE id = NEW.draft_id;
  IF NEW.round <> draft.round THEN
    RAISE EXCEPTION 'draft % is in round %', NEW.draft_id, draft.round USING ERRCODE = 'restrict_violation';
  END IF;
  IF (draft.origin = 'bot' AND NEW.verdict = 'written')
     OR (draft.origin = 'agent' AND NEW.verdict NOT IN ('written', 'rejected')) THEN
    RAISE EXCEPTION 'a draft of a % cannot be %', draft.origin, NEW.verdict USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.verdict IN ('edited', 'written')
     AND NOT EXISTS (SELECT FROM public.body WHERE id = NEW.final_id AND ink = 'human') THEN
    RAISE EXCEPTION 'what is % was not written by a person', NEW.verdict USING ERRCODE = 'restrict_violation';
  END IF;
  IF draft.seats = 1 AND NEW.seat = 1 THEN
    RETURN NULL;
  END IF;
  SELECT count(*) AS given, count(*) FILTER (WHERE verdict = 'approved') AS as_is INTO votes
  FROM public.vote WHERE draft_id = NEW.draft_id AND round = NEW.round AND id <> NEW.id;
  IF NEW.seat <> votes.given + 1 THEN
    RAISE EXCEPTION 'seat % of draft % votes out of turn', NEW.seat, NEW.draft_id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.seat > draft.seats AND (NEW.seat > draft.seats + 1 OR draft.seats = 1 OR votes.as_is = votes.given
     OR NOT EXISTS (SELECT FROM public.account WHERE id = NEW.agent_id AND role IN ('lead', 'admin'))) THEN
    RAISE EXCEPTION 'draft % has % seats; only a lead settles what they disagree on', NEW.draft_id, draft.seats
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER vote_in_turn AFTER INSERT ON vote FOR EACH ROW EXECUTE FUNCTION vote_in_turn();

CREATE FUNCTION decision_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.vote WHERE id = NEW.by_vote_id AND seat > NEW.seats) OR NEW.seats = (
      SELECT count(*) FROM public.vote
      WHERE draft_id = NEW.draft_id AND round = NEW.round AND verdict = 'approved' AND seat <= NEW.seats) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the seats of draft % do not agree', NEW.draft_id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decision_agreed AFTER INSERT ON decision FOR EACH ROW WHEN (NEW.seats > 1)
EXECUTE FUNCTION decision_agreed();

CREATE FUNCTION customer_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'reviewqueue_worker' THEN
    RAISE EXCEPTION 'the worker only locks a customer' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.ref IS NOT NULL AND NEW.ref IS DISTINCT FROM OLD.ref)
     OR (NEW.key IS NOT NULL AND NEW.key IS DISTINCT FROM OLD.key)
     OR (NEW.name IS NOT NULL AND NEW.name IS DISTINCT FROM OLD.name AND current_user = 'reviewqueue_eraser') THEN
    RAISE EXCEPTION 'who a customer is can only be blanked' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER customer_guard BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION customer_step();

CREATE FUNCTION conversation_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.reply_to IS NOT NULL AND NEW.reply_to IS DISTINCT FROM OLD.reply_to THEN
    RAISE EXCEPTION 'where replies go can only be blanked' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER conversation_guard BEFORE UPDATE ON conversation FOR EACH ROW EXECUTE FUNCTION conversation_step();

-- public.hold by its full name: a temporary table called hold would be found before it.
CREATE FUNCTION settlement_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.outcome = 'final' AND NOT EXISTS (
      SELECT FROM public.hold WHERE decision_id = NEW.decision_id AND until <= clock_timestamp()) THEN
    RAISE EXCEPTION 'the hold of decision % has not ended', NEW.decision_id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.outcome = 'undone' AND current_user = 'reviewqueue_worker' THEN
    RAISE EXCEPTION 'only a person undoes a decision' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER settlement_guard BEFORE INSERT ON settlement FOR EACH ROW EXECUTE FUNCTION settlement_in_time();

CREATE FUNCTION hold_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.settled_at IS NULL AND current_user = 'reviewqueue_worker' THEN
    RAISE EXCEPTION 'decision % is not settled', OLD.decision_id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER hold_guard BEFORE DELETE ON hold FOR EACH ROW EXECUTE FUNCTION hold_end();

CREATE FUNCTION delivery_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'held' THEN
      RAISE EXCEPTION 'a delivery starts held' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.decision_id, NEW.draft_id, NEW.mode, NEW.verdict, NEW.digest, NEW.endpoint_id)
     IS DISTINCT FROM
     (OLD.id, OLD.decision_id, OLD.draft_id, OLD.mode, OLD.verdict, OLD.digest, OLD.endpoint_id) THEN
    RAISE EXCEPTION 'what delivery % carries, and where to, never changes', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.epoch < OLD.epoch OR NEW.attempts < OLD.attempts THEN
    RAISE EXCEPTION 'epoch and attempts of delivery % only rise', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status = OLD.status THEN
    RETURN NEW;
  END IF;
  IF (OLD.status, NEW.status) NOT IN (
      ('held', 'queued'), ('held', 'cancelled'), ('retry', 'queued'), ('retry', 'cancelled'),
      ('queued', 'sending'), ('queued', 'retry'), ('queued', 'cancelled'),
      ('sending', 'delivered'), ('sending', 'retry'), ('sending', 'failed'), ('sending', 'unknown'),
      ('failed', 'queued'), ('unknown', 'queued'), ('unknown', 'delivered')) THEN
    RAISE EXCEPTION 'delivery % cannot go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.status IN ('failed', 'unknown') AND current_user = 'reviewqueue_worker' THEN
    RAISE EXCEPTION 'only a person takes delivery % further', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.status IN ('queued', 'sending') AND (NEW.blocked_by IS NOT NULL OR NEW.not_before > clock_timestamp()) THEN
    RAISE EXCEPTION 'delivery % is blocked or not due', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER delivery_guard BEFORE INSERT OR UPDATE ON delivery FOR EACH ROW EXECUTE FUNCTION delivery_step();
""" + "".join(
    f"CREATE TRIGGER {table}_guard_rows BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change();\n"
    f"CREATE TRIGGER {table}_guard_all BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();\n"
    for table in APPEND_ONLY
) + "".join(
    f"CREATE TRIGGER {table}_keep_rows BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();\n"
    f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();\n"
    for table in ["draft", "delivery"]
)

# The web. It serves bots, agents and leads, so it may submit and decide, but neither send nor write the feed.
APP = {
    "account": "SELECT, INSERT, UPDATE",
    "account_queue": "SELECT, INSERT, DELETE",
    "account_groups": "SELECT, INSERT, DELETE",
    "account_user_permissions": "SELECT, INSERT, DELETE",
    "auth_group": "SELECT",
    "auth_group_permissions": "SELECT",
    "auth_permission": "SELECT",
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    "django_session": "SELECT, INSERT, UPDATE, DELETE",
    "bot": "SELECT, INSERT, UPDATE",
    "bot_key": "SELECT, INSERT, UPDATE (last_used_at, revoked_at)",
    "source": "SELECT, INSERT",
    "queue": "SELECT, INSERT, UPDATE",
    "lane": "SELECT, INSERT",
    "reason": "SELECT, INSERT, UPDATE",
    "endpoint": "SELECT, INSERT, UPDATE",
    "customer": "SELECT, INSERT, UPDATE (name, opted_out_at)",
    "consent": "SELECT, INSERT",
    "body": "SELECT, INSERT",
    "conversation": "SELECT, INSERT, UPDATE (rev)",
    "message": "SELECT, INSERT",
    "draft": "SELECT, INSERT, UPDATE (lane_id, order_key, round, epoch, status, holder_id, slot, lease_until,"
             " shown_at, last_holder_id)",
    "submission": "SELECT, INSERT",
    "skip": "SELECT, INSERT, UPDATE (until), DELETE",
    "typed": "SELECT, INSERT, UPDATE (text, at), DELETE",
    "note": "SELECT, INSERT",
    "handover": "SELECT, INSERT",
    "remark": "SELECT, INSERT",
    "saved_view": "SELECT, INSERT, UPDATE, DELETE",
    "presence": "SELECT, INSERT, UPDATE",
    "search": "SELECT",
    "drill": "SELECT, INSERT",
    "vote": "SELECT, INSERT",
    "decision": "SELECT, INSERT",
    "hold": "SELECT, INSERT, UPDATE (until, settled_at), DELETE",
    "settlement": "SELECT, INSERT",
    "feedback": "SELECT, INSERT",
    "feed": "SELECT",
    "delivery": "SELECT, INSERT, UPDATE (status, blocked_by, not_before, epoch, deadline, settled)",
    "attempt": "SELECT",
    "notice": "SELECT, INSERT",
    "event": "SELECT, INSERT",
    "leaf": "SELECT",
    "source_day": "SELECT",
    "agent_day": "SELECT",
    "segment_day": "SELECT",
    "watermark": "SELECT",
}

# RQ workers and the beat. They send and count; they see no account, key or session, and decide nothing.
WORKER = {
    "django_migrations": "SELECT",
    "bot": "SELECT",
    "source": "SELECT",
    "queue": "SELECT",
    "lane": "SELECT",
    "endpoint": "SELECT, UPDATE (disabled_at, failing_since)",
    # FOR UPDATE on the customer is the fence between an opt-out and a send; PostgreSQL asks for UPDATE for it, and the
    # table's guard refuses every other use.
    "customer": "SELECT, UPDATE (opted_out_at)",
    "consent": "SELECT",
    "body": "SELECT",
    "conversation": "SELECT",
    "message": "SELECT",
    "draft": "SELECT, UPDATE (epoch, status, holder_id, slot, lease_until)",
    "submission": "SELECT",
    "drill": "SELECT",
    "vote": "SELECT",
    "decision": "SELECT",
    "hold": "SELECT, UPDATE (settled_at), DELETE",
    "settlement": "SELECT, INSERT",
    "feedback": "SELECT",
    "feed": "SELECT, INSERT",
    "search": "SELECT, INSERT",
    "delivery": "SELECT, UPDATE (status, blocked_by, not_before, epoch, deadline, attempts, phase, settled)",
    "attempt": "SELECT, INSERT",
    "notice": "SELECT, UPDATE (status, not_before, epoch, attempts)",
    "event": "SELECT, INSERT",
    "leaf": "SELECT, INSERT",
    "source_day": "SELECT, INSERT, UPDATE, DELETE",
    "agent_day": "SELECT, INSERT, UPDATE, DELETE",
    "segment_day": "SELECT, INSERT, UPDATE, DELETE",
    "watermark": "SELECT, INSERT, UPDATE",
}

# Blanks texts and customers' marks; nothing else.
ERASER = {
    "django_migrations": "SELECT",
    "body": "SELECT (id, customer_id), UPDATE (text, salt)",
    "customer": "SELECT, UPDATE (ref, name, key)",
    "conversation": "SELECT, UPDATE (reply_to)",
    "draft": "SELECT, UPDATE (purged_at)",
    "typed": "SELECT (draft_id), DELETE",
    "search": "SELECT (draft_id), DELETE",
    "event": "SELECT, INSERT",
}

GRANTS = "\n".join(
    f"GRANT {rights} ON {table} TO reviewqueue_{role};"
    for role, tables in (("app", APP), ("worker", WORKER), ("eraser", ERASER))
    for table, rights in tables.items()
)

# A table at this turnover must be vacuumed by churn, not by size, or claims slow down with every claim.
AUTOVACUUM = """
ALTER TABLE draft SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, fillfactor = 80);
ALTER TABLE hold SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reviewqueue", "0001_core"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(sql) for sql in (KEYS, TRIGGERS, GRANTS, AUTOVACUUM)]
