-- What the database must refuse, with the login that tries it and a part of what PostgreSQL answers:
-- <logins>: <what is tried> => <reason>
-- The names in %( )s are those of the scene in test_guards.py.

-- app: a second claim in one slot => draft_one_per_slot
UPDATE draft SET status = 'claimed', holder_id = %(ann)s, slot = 0, lease_until = now(), epoch = epoch + 1
WHERE id = %(waiting)s;

-- app: claimed by nobody => draft_claimed_has_holder
UPDATE draft SET status = 'claimed' WHERE id = %(waiting)s;

-- app: held without a claim => draft_claimed_has_holder
UPDATE draft SET status = 'waiting' WHERE id = %(claimed)s;

-- app: a third slot => draft_slot_known
UPDATE draft SET slot = 2 WHERE id = %(claimed)s;

-- app: an epoch that goes down => only rise
UPDATE draft SET epoch = 0 WHERE id = %(claimed)s;

-- app: a round that goes down => only rise
UPDATE draft SET round = 0 WHERE id = %(claimed)s;

-- app: a step outside the table => cannot go from waiting to received
UPDATE draft SET status = 'received' WHERE id = %(waiting)s;

-- app: a withdrawn draft decided => cannot go from withdrawn to decided
UPDATE draft SET status = 'withdrawn' WHERE id = %(waiting)s;
UPDATE draft SET status = 'decided' WHERE id = %(waiting)s;

-- app: a draft of another text => permission denied for table draft
UPDATE draft SET body_id = %(forged)s WHERE id = %(waiting)s;

-- owner: a draft of another text => never changes
UPDATE draft SET body_id = %(forged)s, digest = %(forged_digest)s WHERE id = %(waiting)s;

-- app: a live draft out of a drill => permission denied for table draft
UPDATE draft SET mode = 'live' WHERE id = %(drill_draft)s;

-- owner: a live draft out of a drill after the decision => never changes
UPDATE draft SET mode = 'live' WHERE id = %(drill_draft)s;

-- app: a draft thrown away => permission denied for table draft
DELETE FROM draft WHERE id = %(waiting)s;

-- owner: a draft thrown away => append-only
DELETE FROM draft WHERE id = %(waiting)s;

-- owner: all drafts thrown away => append-only
TRUNCATE draft CASCADE;

-- app: approve with other text => vote_edited_iff_changed
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(claimed)s, 1, 1, %(ann)s, 1, 'approved', %(claimed_digest)s, %(forged)s, %(forged_digest)s, false, %(key)s,
  now());

-- app: approve with another body under the draft's digest => vote_has_text
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(claimed)s, 1, 1, %(ann)s, 1, 'approved', %(claimed_digest)s, %(forged)s, %(claimed_digest)s, false, %(key)s,
  now());

-- app: an edit that changed nothing => vote_edited_iff_changed
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(claimed)s, 1, 1, %(ann)s, 1, 'edited', %(claimed_digest)s, %(claimed_body)s, %(claimed_digest)s, false,
  %(key)s, now());

-- app: a vote on unseen text => vote_saw_the_draft
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(claimed)s, 1, 1, %(ann)s, 1, 'edited', %(waiting_digest)s, %(forged)s, %(forged_digest)s, false, %(key)s,
  now());

-- app: a rejection with a text => vote_text_iff_sent
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(claimed)s, 1, 1, %(ann)s, 1, 'rejected', %(claimed_digest)s, %(claimed_body)s, %(claimed_digest)s, false,
  %(key)s, now());

-- app: two votes on one seat => vote_one_per_seat
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 1, %(ben)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());

-- app: one person on two seats => vote_one_per_agent
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 2, %(ann)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());

-- app: a decision of two seats by one vote alone => decision_two_people
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 2, 'approved', %(pair_digest)s, %(pair_vote)s, %(ann)s, NULL, NULL, now());

-- app: a decision of two seats with one vote twice => decision_two_people
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 2, 'approved', %(pair_digest)s, %(pair_vote)s, %(ann)s, %(pair_vote)s, %(ann)s, now());

-- app: a decision of two seats with somebody who did not vote => decision_with_a_vote
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 2, 'approved', %(pair_digest)s, %(pair_vote)s, %(ann)s, %(pair_vote)s, %(ben)s, now());

-- app: a decision of two seats as if it had one => decision_of_draft
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 1, 'approved', %(pair_digest)s, %(pair_vote)s, %(ann)s, NULL, NULL, now());

-- app: a decision by somebody who did not vote => decision_by_a_vote
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 2, 'approved', %(pair_digest)s, %(pair_vote)s, %(ben)s, %(pair_vote)s, %(ann)s, now());

-- app: a decision other than the vote => decision_as_voted
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
VALUES (%(pair)s, 1, 'live', 2, 'edited', %(forged_digest)s, %(pair_vote)s, %(ann)s, %(pair_vote)s, %(ben)s, now());

-- app: a live decision on a sandbox draft => decision_of_draft
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, at)
SELECT draft_id, round + 1, 'live', seats, verdict, digest, by_vote_id, by_agent_id, now() FROM decision
WHERE id = %(sandboxed)s;

-- app: a second decision in a round => decision_one_per_round
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, at)
SELECT draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, now() FROM decision
WHERE id = %(held)s;

-- app: delivery of a drill => delivery_is_live
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(drill)s, %(drill_draft)s, 'drill', 'approved', %(drill_digest)s, %(endpoint)s, 'held', now(), 0, 0, 'final');

-- app: delivery of a drill as live => delivery_as_decided
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(drill)s, %(drill_draft)s, 'live', 'approved', %(drill_digest)s, %(endpoint)s, 'held', now(), 0, 0, 'final');

-- app: delivery of a sandbox draft => delivery_is_live
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(sandboxed)s, %(sandboxed_draft)s, 'sandbox', 'approved', %(sandboxed_digest)s, %(endpoint)s, 'held', now(),
  0, 0, 'final');

-- app: delivery of a sandbox draft as live => delivery_as_decided
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(sandboxed)s, %(sandboxed_draft)s, 'live', 'approved', %(sandboxed_digest)s, %(endpoint)s, 'held', now(), 0,
  0, 'final');

-- app: delivery without a decision => delivery_as_decided
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (0, %(waiting)s, 'live', 'approved', %(waiting_digest)s, %(endpoint)s, 'held', now(), 0, 0, NULL);

-- app: delivery of other text => delivery_as_decided
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(final)s, %(final_draft)s, 'live', 'approved', %(forged_digest)s, %(endpoint2)s, 'held', now(), 0, 0,
  'final');

-- app: delivery of a rejection => delivery_verdict_sent
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(rejected)s, %(rejected_draft)s, 'live', 'rejected', %(rejected_digest)s, %(endpoint)s, 'held', now(), 0, 0,
  NULL);

-- app: delivery of a rejection as approved => delivery_as_decided
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(rejected)s, %(rejected_draft)s, 'live', 'approved', %(rejected_digest)s, %(endpoint)s, 'held', now(), 0, 0,
  NULL);

-- app: a second delivery to one endpoint => delivery_once
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(final)s, %(final_draft)s, 'live', 'approved', %(final_digest)s, %(endpoint)s, 'held', now(), 0, 0, 'final');

-- app: a delivery born queued => starts held
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(final)s, %(final_draft)s, 'live', 'approved', %(final_digest)s, %(endpoint2)s, 'queued', now(), 0, 0,
  'final');

-- app: a delivery born sending => starts held
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(final)s, %(final_draft)s, 'live', 'approved', %(final_digest)s, %(endpoint2)s, 'sending', now(), 0, 0,
  'final');

-- app: a delivery born delivered => starts held
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, status, not_before, epoch, attempts,
  settled)
VALUES (%(final)s, %(final_draft)s, 'live', 'approved', %(final_digest)s, %(endpoint2)s, 'delivered', now(), 0, 0,
  'final');

-- owner: a delivery with another endpoint => never changes
UPDATE delivery SET endpoint_id = %(endpoint2)s WHERE id = %(held_delivery)s;

-- owner: a delivery with another text => never changes
UPDATE delivery SET digest = %(forged_digest)s WHERE id = %(held_delivery)s;

-- owner: a delivery with another decision => never changes
UPDATE delivery SET decision_id = %(final)s WHERE id = %(held_delivery)s;

-- owner: a delivery with another draft => never changes
UPDATE delivery SET draft_id = %(final_draft)s WHERE id = %(held_delivery)s;

-- owner: a delivery with another verdict => never changes
UPDATE delivery SET verdict = 'edited' WHERE id = %(held_delivery)s;

-- app, worker: a delivery with another endpoint => permission denied for table delivery
UPDATE delivery SET endpoint_id = %(endpoint2)s WHERE id = %(held_delivery)s;

-- app, worker: a delivery with another text => permission denied for table delivery
UPDATE delivery SET digest = %(forged_digest)s WHERE id = %(held_delivery)s;

-- owner: a delivery thrown away => append-only
DELETE FROM delivery;

-- app, worker: dispatch while the decision is held => delivery_sent_only_final
UPDATE delivery SET status = 'queued', not_before = now() - interval '1 s' WHERE id = %(held_delivery)s;

-- worker: dispatch with a settlement that is not there => delivery_when_final
UPDATE delivery SET status = 'queued', settled = 'final', not_before = now() - interval '1 s'
WHERE id = %(held_delivery)s;

-- worker: dispatch of an undone decision => delivery_when_final
UPDATE delivery SET settled = 'final' WHERE id = %(undone_delivery)s;

-- worker: dispatch of a cancelled delivery => cannot go from cancelled to queued
UPDATE delivery SET status = 'queued' WHERE id = %(undone_delivery)s;

-- worker: dispatch as undone => cannot go from cancelled to queued
UPDATE delivery SET status = 'queued', settled = 'undone' WHERE id = %(undone_delivery)s;

-- app: a delivery settled as undone => delivery_settled_final
UPDATE delivery SET settled = 'undone' WHERE id = %(undone_delivery)s;

-- worker: delivered without being sent => cannot go from held to delivered
UPDATE delivery SET status = 'delivered' WHERE id = %(final_delivery)s;

-- worker: sending without being queued => cannot go from held to sending
UPDATE delivery SET status = 'sending' WHERE id = %(final_delivery)s;

-- worker: dispatch before it is due => blocked or not due
UPDATE delivery SET not_before = now() + interval '1 h' WHERE id = %(final_delivery)s;
UPDATE delivery SET status = 'queued' WHERE id = %(final_delivery)s;

-- worker: dispatch of a blocked delivery => blocked or not due
UPDATE delivery SET blocked_by = 'consent' WHERE id = %(final_delivery)s;
UPDATE delivery SET status = 'queued' WHERE id = %(final_delivery)s;

-- worker: a delivery blocked on its way, sent all the same => blocked or not due
UPDATE delivery SET status = 'queued' WHERE id = %(final_delivery)s;
UPDATE delivery SET blocked_by = 'newer_message' WHERE id = %(final_delivery)s;
UPDATE delivery SET status = 'sending' WHERE id = %(final_delivery)s;

-- worker: failed sent again => only a person
UPDATE delivery SET status = 'queued' WHERE id = %(failed)s;

-- worker: unknown sent again => only a person
UPDATE delivery SET status = 'queued' WHERE id = %(unknown)s;

-- worker: unknown called delivered => only a person
UPDATE delivery SET status = 'delivered' WHERE id = %(unknown)s;

-- worker: a delivery's epoch that goes down => only rise
UPDATE delivery SET epoch = -1 WHERE id = %(sending)s;

-- worker: attempts that go down => only rise
UPDATE delivery SET attempts = 3 WHERE id = %(sending)s;
UPDATE delivery SET attempts = 2 WHERE id = %(sending)s;

-- app, worker: final before the hold has ended => has not ended
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(held)s, 'final', now());

-- worker: final before the hold has ended, by a temporary table named hold => has not ended
CREATE TEMP TABLE hold AS SELECT %(held)s::bigint AS decision_id, now() - interval '1 h' AS until;
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(held)s, 'final', now());

-- worker: a hold cut short => permission denied for table hold
UPDATE hold SET until = now() - interval '1 h';

-- worker: a hold of its own => permission denied for table hold
INSERT INTO hold (decision_id, until) VALUES (%(final)s, now());

-- worker: undone => only a person undoes
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(held)s, 'undone', now());

-- app: final after undone => settlement_pkey
INSERT INTO hold (decision_id, until) VALUES (%(undone)s, now() - interval '1 h');
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(undone)s, 'final', now());

-- app: undone after final => settlement_pkey
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(final)s, 'undone', now());

-- worker: feed of an undone decision => feed_when_final
INSERT INTO feed (seq, decision_id, settled, at) VALUES (2, %(undone)s, 'final', now());

-- worker: feed of an undone decision, as undone => feed_is_final
INSERT INTO feed (seq, decision_id, settled, at) VALUES (2, %(undone)s, 'undone', now());

-- worker: feed of a held decision => feed_when_final
INSERT INTO feed (seq, decision_id, settled, at) VALUES (2, %(held)s, 'final', now());

-- app: notice of a held decision => notice_when_final
INSERT INTO notice (endpoint_id, draft_id, kind, decision_id, settled, status, not_before, epoch, attempts)
SELECT %(endpoint)s, draft_id, 'draft.decided', id, 'final', 'held', now(), 0, 0 FROM decision
WHERE id = %(held)s;

-- app, worker: another text under its digest => permission denied for table body
UPDATE body SET text = 'other' WHERE id = %(forged)s;

-- eraser, owner: another text under its digest => only be blanked
UPDATE body SET text = 'other' WHERE id = %(forged)s;

-- app: a text that is not its digest's => body_digest_of_text
INSERT INTO body (ink, text, salt, digest) VALUES ('human', 'other', '', %(forged_digest)s);

-- eraser: half an erasure => only be blanked
UPDATE body SET text = NULL WHERE id = %(forged)s;

-- eraser: a blanked text written again => only be blanked
UPDATE body SET text = NULL, salt = NULL WHERE id = %(forged)s;
UPDATE body SET text = 'x', salt = '' WHERE id = %(forged)s;

-- owner: another digest with the erasure => only be blanked
UPDATE body SET text = NULL, salt = NULL, digest = '' WHERE id = %(forged)s;

-- owner: a text thrown away => only be blanked
DELETE FROM body WHERE id = %(forged)s;

-- owner: all texts thrown away => append-only
TRUNCATE body CASCADE;

-- worker: a draft decided => only a person
UPDATE draft SET status = 'decided', holder_id = NULL, slot = NULL, lease_until = NULL WHERE id = %(claimed)s;

-- worker: a draft withdrawn => only a person
UPDATE draft SET status = 'withdrawn', holder_id = NULL, slot = NULL, lease_until = NULL WHERE id = %(claimed)s;

-- worker: a draft claimed => only a person
UPDATE draft SET status = 'claimed', holder_id = %(ben)s, slot = 1, lease_until = now() WHERE id = %(waiting)s;

-- worker: a claim handed to somebody else => only a person
UPDATE draft SET holder_id = %(ben)s, slot = 1 WHERE id = %(claimed)s;

-- worker: an endpoint moved => permission denied for table endpoint
UPDATE endpoint SET url = 'https://example.com';

-- worker: an opt-out lifted => locks a customer
UPDATE customer SET opted_out_at = NULL WHERE id = %(claimed_customer)s;

-- app: the watermark moved => permission denied for table watermark
UPDATE watermark SET seq = 0;

-- app: an attempt counted => permission denied for table delivery
UPDATE delivery SET attempts = 9;

-- app: a customer's key replaced => permission denied for table customer
UPDATE customer SET key = '';

-- eraser: a text read => permission denied for table body
SELECT text FROM body;

-- eraser: a decision undone => permission denied for table settlement
INSERT INTO settlement (decision_id, outcome, at) VALUES (%(held)s, 'undone', now());

-- eraser: a delivery cancelled => permission denied for table delivery
UPDATE delivery SET status = 'cancelled';

-- eraser: a draft withdrawn => permission denied for table draft
UPDATE draft SET status = 'withdrawn';

-- eraser: an opt-out lifted => permission denied for table customer
UPDATE customer SET opted_out_at = NULL;

-- eraser: a revision raised => permission denied for table conversation
UPDATE conversation SET rev = 9;

-- eraser: a text thrown away => permission denied for table body
DELETE FROM body;

-- eraser: a text made => permission denied for table body
INSERT INTO body (ink, digest) VALUES ('human', '');

-- eraser: an address changed instead of erased => only be blanked
UPDATE conversation SET reply_to = '{"address": "thief@example.com"}' WHERE id = %(waiting_conversation)s;

-- eraser: a customer's ref changed instead of erased => only be blanked
UPDATE customer SET ref = 'somebody-else' WHERE id = %(claimed_customer)s;

-- eraser: a customer's key changed instead of erased => only be blanked
UPDATE customer SET key = '\x00' WHERE id = %(claimed_customer)s;

-- eraser: a customer's name changed instead of erased => only be blanked
UPDATE customer SET name = 'Somebody Else' WHERE id = %(claimed_customer)s;

-- app: a final decision made again in a new round => was not undone
UPDATE draft SET status = 'claimed', holder_id = %(ann)s, slot = 1, lease_until = now(), epoch = epoch + 1,
  round = round + 1
WHERE id = (SELECT draft_id FROM decision WHERE id = %(final)s);

-- app: a final draft withdrawn => was not undone
UPDATE draft SET status = 'withdrawn' WHERE id = (SELECT draft_id FROM decision WHERE id = %(final)s);

-- app: a round that rises by itself => ends by undoing
UPDATE draft SET round = round + 1 WHERE id = %(waiting)s;

-- worker: an open hold thrown away => is not settled
DELETE FROM hold WHERE decision_id = %(held)s;

-- app: a footer that nobody approved => delivery_without_footer
INSERT INTO delivery (decision_id, draft_id, mode, verdict, digest, endpoint_id, footer_id, status, not_before, epoch,
  attempts)
SELECT decision.id, draft_id, mode, verdict, decision.digest, (SELECT max(id) FROM endpoint), (SELECT min(id) FROM body),
  'held', now(), 0, 0
FROM decision WHERE id = %(held)s;

-- app: a voter claims the draft again => has voted on draft
UPDATE draft SET status = 'claimed', holder_id = %(ann)s, slot = 1, lease_until = now(), epoch = epoch + 1
WHERE id = %(pair)s;

-- app: a disagreement claimed by an agent => for a lead to settle
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 2, %(ben)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());
UPDATE draft SET status = 'claimed', holder_id = %(cem)s, slot = 1, lease_until = now(), epoch = epoch + 1
WHERE id = %(pair)s;

-- app: a vote out of turn => votes out of turn
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 3, %(lea)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());

-- app: a vote on a second seat that there is not => only a lead settles
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
SELECT draft_id, round, 2, %(lea)s, 1, 'rejected', seen, NULL, seen, false, %(key)s, now() FROM vote
WHERE draft_id = %(held_draft)s;

-- app: a vote of a round that is not yet => is in round 1
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(waiting)s, 2, 1, %(ann)s, 1, 'rejected', %(waiting_digest)s, NULL, %(waiting_digest)s, false, %(key)s, now());

-- app: an agent settles what two disagree on => only a lead settles
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 2, %(ben)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 3, %(cem)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false,
  gen_random_uuid(), now());

-- app: a lead settles what two agree on => only a lead settles
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 2, %(ben)s, 1, 'approved', %(pair_digest)s, %(pair_body)s, %(pair_digest)s, false, %(key)s, now());
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 3, %(lea)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false,
  gen_random_uuid(), now());

-- app: one of two who disagree decides alone => do not agree
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(pair)s, 1, 2, %(ben)s, 1, 'rejected', %(pair_digest)s, NULL, %(pair_digest)s, false, %(key)s, now());
INSERT INTO decision (draft_id, round, mode, seats, verdict, digest, by_vote_id, by_agent_id, with_vote_id,
  with_agent_id, at)
SELECT %(pair)s, 1, 'live', 2, 'approved', %(pair_digest)s, %(pair_vote)s, %(ann)s, id, %(ben)s, now() FROM vote
WHERE draft_id = %(pair)s AND seat = 2;

-- app: a bot's text as a person's own => cannot be written
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(waiting)s, 1, 1, %(ann)s, 1, 'written', %(waiting_digest)s, %(forged)s, %(forged_digest)s, false, %(key)s,
  now());

-- app: a person's own text as an approved one => cannot be approved
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(own)s, 1, 1, %(ann)s, 1, 'approved', %(own_digest)s, %(own_body)s, %(own_digest)s, false, %(key)s, now());

-- app: a person's own text that is the blank one => vote_edited_iff_changed
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(own)s, 1, 1, %(ann)s, 1, 'written', %(own_digest)s, %(own_body)s, %(own_digest)s, false, %(key)s, now());

-- app: a machine's text as a person's own => was not written by a person
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(own)s, 1, 1, %(ann)s, 1, 'written', %(own_digest)s, %(waiting_body)s, %(waiting_digest)s, false, %(key)s,
  now());

-- app: a machine's text as an edit => was not written by a person
INSERT INTO vote (draft_id, round, seat, agent_id, epoch, verdict, seen, final_id, digest, blind, decision_key, at)
VALUES (%(waiting)s, 1, 1, %(ann)s, 1, 'edited', %(waiting_digest)s, %(claimed_body)s, %(claimed_digest)s, false,
  %(key)s, now());

-- app: a bot's draft born as a person's => does not begin as a person's own
INSERT INTO draft (bot_id, external_id, mode, origin, kind, seats, customer_id, body_id, digest, lane_id, order_key,
  round, epoch, submitted_at, status)
SELECT bot_id, 'other', mode, 'agent', kind, 1, customer_id, body_id, digest, lane_id, order_key, 1, 0, now(), 'waiting'
FROM draft WHERE id = %(waiting)s;

-- app: a machine's text born as a person's => does not begin as a person's own
INSERT INTO draft (bot_id, external_id, mode, origin, kind, seats, customer_id, body_id, digest, lane_id, order_key,
  round, epoch, submitted_at, status)
SELECT (SELECT id FROM bot WHERE internal), 'other', mode, 'agent', kind, 1, customer_id, body_id, digest, lane_id,
  order_key, 1, 0, now(), 'waiting'
FROM draft WHERE id = %(waiting)s;

-- app: a key for what stands for people => has no keys
INSERT INTO bot_key (bot_id, prefix, sha256, created_at) SELECT id, 'rq', '', now() FROM bot WHERE internal;

-- worker: a draft put into another lane => permission denied for table draft
UPDATE draft SET lane_id = lane_id;

-- worker: a hand-over => permission denied for table handover
INSERT INTO handover (draft_id, by_id, kind) VALUES (%(waiting)s, %(ann)s, 'escalated');

-- app: handed over to nobody => handover_to_somebody
INSERT INTO handover (draft_id, by_id, kind) VALUES (%(waiting)s, %(ann)s, 'help');

-- app: a channel held for longer than any queue => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"email": 10, "chat": 1801}';

-- app: a channel held for less than no time => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"chat": -1}';

-- app: a channel held for a part of a second => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"chat": 2.5}';

-- app: a channel held for a word => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"chat": "3"}';

-- app: a channel held for a list => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"chat": [3]}';

-- app: a channel that no conversation can have => queue_channel_holds_range
UPDATE queue SET channel_holds = '{"Chat ": 3}';

-- app: holds of channels that are a list => queue_channel_holds_range
UPDATE queue SET channel_holds = '[3]';

-- app: holds of channels that are nothing => queue_channel_holds_range
UPDATE queue SET channel_holds = 'null';
