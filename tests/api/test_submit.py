"""Handing drafts in: what is stored, what counts as the same draft again, and batches."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, InternalError, OperationalError, connection

from config.embedded import web
from reviewqueue.actions import bots
from reviewqueue.api import views
from reviewqueue.models import BotKey, Conversation, Draft, Message
from tests.api.conftest import Door, label, reply
from tests.factories import make_bot, make_queue


def test_the_whole_example_is_stored(door):
    answer = door.post("/drafts", reply(due_at="2026-11-24T10:00:00+01:00"))
    assert answer.status_code == 202
    draft = Draft.objects.get()
    assert answer.json() == {
        "id": str(draft.pk),
        "external_id": "msg-829-reply-1",
        "status": "waiting",
        "url": f"http://testserver/api/v1/drafts/{draft.pk}",
    }
    assert answer["Location"] == answer.json()["url"]
    assert "Idempotent-Replayed" not in answer
    said = draft.submission
    assert draft.body.text == reply()["reply"]["text"]
    assert (said.language, said.confidence, said.segments, said.topics) == ("en", 0.41, {"region": "EU"}, ["delivery"])
    assert said.due_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert said.metadata == {"trace": "abc"}
    assert json.loads(said.evidence.text) == reply()["evidence"]
    assert str(said.source) == "acme-small 2026-10 p12"
    assert draft.conversation.reply_to == reply()["conversation"]["reply_to"]
    assert draft.conversation.subject.text == "Late parcel"
    assert draft.customer.name == "Sam"


def test_the_smallest_reply_gets_every_default(door):
    small = {
        "external_id": "small",
        "kind": "reply",
        "customer": {"id": "c"},
        "conversation": {"id": "v", "messages": [{"id": "m", "author": "customer", "text": "?"}]},
        "reply": {"text": "!"},
    }
    assert door.post("/drafts", small).status_code == 202
    draft = Draft.objects.get()
    said = draft.submission
    assert (draft.lane.queue.name, said.language, said.risk, said.confidence) == ("default", "und", "normal", None)
    assert said.allowed == ["approve", "edit", "reject", "return"]
    assert (said.metadata, said.evidence, said.segments, said.topics) == (None, None, {}, [])
    assert (draft.conversation.channel, draft.conversation.subject, draft.conversation.reply_to) == ("", None, None)


def test_a_label_needs_no_conversation_and_has_the_three_usual_labels(door):
    assert door.post("/drafts", label()).status_code == 202
    draft = Draft.objects.get()
    assert draft.body.text == "positive"
    assert draft.submission.about.text == "great, another delay"
    assert draft.submission.labels == ["positive", "neutral", "negative"]
    assert draft.conversation is None


def test_line_ends_become_lf_and_nothing_else_of_a_text_changes(door):
    text = " \tOne\r\ntwo\rthree\n\n  👩‍👩‍👧 e\u0301 \ufb01 \u202eabc\u00a0 "
    door.post("/drafts", reply(reply={"text": text}))
    assert Draft.objects.get().body.text == text.replace("\r\n", "\n").replace("\r", "\n")


def test_texts_up_to_the_limit_are_taken(door):
    assert door.post("/drafts", reply(reply={"text": "é" * 32_768})).status_code == 202
    assert door.post("/drafts", label(external_id="é" * 127 + "x")).status_code == 202


def test_limits_are_settings(door, settings):
    settings.API_TEXT_BYTES = 10
    problem = door.post("/drafts", reply()).json()
    assert "10 bytes of UTF-8 (API_TEXT_BYTES)" in problem["detail"]
    settings.API_BODY_BYTES = 20
    assert door.post("/drafts", reply()).status_code == 413
    settings.API_BATCH = 1
    settings.API_BODY_BYTES = 100_000
    answer = door.post("/drafts/batch", {"drafts": [label(), label()]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (413, "/drafts")
    assert "API_BATCH" in answer.json()["detail"]


# --- The same draft again ------------------------------------------------------------------------------------


def test_the_same_again_is_a_replay_with_the_present_status(door):
    first = door.post("/drafts", reply())
    again = door.post("/drafts", reply())
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    door.delete(f"/drafts/{first.json()['id']}")
    assert door.post("/drafts", reply()).json()["status"] == "withdrawn"
    assert Draft.objects.count() == 1


@pytest.mark.parametrize(
    "same",
    [
        {"metadata": {"trace": "other"}},
        {"metadata": None},
        {"confidence": 0.99},
        {"due_at": "2030-01-01T00:00:00Z"},
        # Written out, a default is the same as left out.
        {"queue": "default", "risk": "normal", "supersedes": None, "sentiment": None},
        {"allowed": ["return", "reject", "edit", "approve"]},
        {"reply": {"text": "Your order 4821 left our warehouse today."}, "language": "EN"},
    ],
)
def test_what_does_not_make_another_draft(door, same):
    door.post("/drafts", reply())
    assert door.post("/drafts", reply(**same)).status_code == 200


def test_the_order_of_members_and_the_spelling_of_times_do_not_matter(door):
    door.post("/drafts", reply())
    other = dict(reversed(reply().items()))
    other["conversation"]["messages"][0]["sent_at"] = "2026-11-23T14:48:00+01:00"
    assert door.post("/drafts", other).status_code == 200


@pytest.mark.parametrize(
    "other",
    [
        {"reply": {"text": "Your order 4821 left our warehouse today!"}},
        {"language": "de"},
        {"risk": "high"},
        {"customer": {"id": "cust-77", "name": "Sammy"}},
        {"allowed": ["approve", "reject"]},
        {"segments": {"region": "US"}},
        {"source": {}},
    ],
)
def test_what_makes_another_draft(door, other):
    first = door.post("/drafts", reply()).json()
    answer = door.post("/drafts", reply(**other))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("#external-id-reused")
    assert answer.json()["errors"][0]["pointer"] == "/external_id"
    assert door.get(f"/drafts/{first['id']}").status_code == 200


def test_external_ids_belong_to_their_bot(door, other_door):
    first, second = door.post("/drafts", reply()), other_door.post("/drafts", reply())
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]


def test_twenty_at_once_are_one_draft(committed, in_threads):
    key = bots.new_key(make_bot())
    answers = in_threads(20, lambda _: Door(key).post("/drafts", reply()))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Draft.objects.count(), Message.objects.count()) == (1, 1)


# --- Batches -------------------------------------------------------------------------------------------------


def test_one_bad_draft_does_not_stop_the_others(door):
    door.post("/drafts", label(external_id="here"))
    drafts = [
        reply(),
        reply(external_id="nul", reply={"text": "\0"}),
        label(external_id="here"),
        "no object",
        reply(external_id="elsewhere", queue="nowhere"),
        label(),
    ]
    answer = door.post("/drafts/batch", {"drafts": drafts})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(6))
    assert [result["status"] for result in results] == [202, 422, 200, 422, 422, 202]
    assert ["draft" in result for result in results] == [True, False, True, False, False, True]
    assert ["problem" in result for result in results] == [False, True, False, True, True, False]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/reply/text"
    assert results[4]["problem"]["type"].endswith("#unknown-queue")
    assert Draft.objects.count() == 3


def test_what_json_cannot_say_spoils_one_draft_only(door):
    first, second = json.dumps(label()), json.dumps(label(external_id="b"))
    raw = f'{{"drafts": [{first[:-1]}, "kind": "reply"}}, {second}, {{"x": NaN}}, {"9" * 5000}]}}'
    results = door.post("/drafts/batch", raw.encode()).json()["results"]
    assert [result["status"] for result in results] == [400, 202, 400, 400]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"drafts": []},
        {"drafts": {}},
        {"drafts": None},
        {"drafts": [label()], "more": 1},
        b'{"drafts": [], "x": NaN}',
    ],
)
def test_a_batch_that_is_none(door, body):
    answer = door.post("/drafts/batch", body)
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"


def test_five_hundred_and_one(door, settings):
    answer = door.post("/drafts/batch", {"drafts": [{}] * 501})
    assert answer.status_code == 413
    assert len(door.post("/drafts/batch", {"drafts": [{}] * 500}).json()["results"]) == 500


def fail_from(number, failure, tried):
    """For connection.execute_wrapper: the database fails at this INSERT of a draft and at every later one."""

    def execute(run, sql, *rest):
        if sql.startswith('INSERT INTO "draft"'):
            tried.append(sql)
            if len(tried) > number:
                raise failure
        return run(sql, *rest)

    return execute


def test_a_database_that_goes_away_within_a_batch(door):
    """What was stored is acknowledged; the rest is told to come again, without trying each."""
    drafts, tried = [label(external_id=str(number)) for number in range(4)], []
    with connection.execute_wrapper(fail_from(1, OperationalError("gone"), tried)):
        results = door.post("/drafts/batch", {"drafts": drafts}).json()["results"]
    assert [result["status"] for result in results] == [202, 503, 503, 503]
    assert [draft.external_id for draft in Draft.objects.all()] == ["0"]
    assert len(tried) == 2


@pytest.mark.parametrize(("failure", "status"), [(OperationalError("gone"), 503), (DatabaseError("odd"), 500)])
def test_a_database_that_fails_at_once(door, failure, status):
    for path, body in (("/drafts", label()), ("/drafts/batch", {"drafts": [label(), label()]})):
        with connection.execute_wrapper(fail_from(0, failure, [])):
            answer = door.post(path, body)
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.get("Retry-After") == ("2" if status == 503 else None)
    assert Draft.objects.count() == 0


def test_batches_at_once_have_their_places(door):
    """One batch may take many seconds: together they must not take every thread that people's pages need."""
    assert views.BATCHES == web.THREADS // 4
    for _ in range(views.BATCHES):
        views._batches.acquire()
    try:
        answer = door.post("/drafts/batch", {"drafts": [label()]})
    finally:
        views._batches.release(views.BATCHES)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "hand this one in again" in answer.json()["detail"]
    assert Draft.objects.count() == 0
    for _ in range(views.BATCHES + 1):
        assert door.post("/drafts/batch", {"drafts": [label(), {}]}).status_code == 200
        assert door.post("/drafts/batch", {"drafts": 1}).status_code == 422


# --- Newer messages ------------------------------------------------------------------------------------------


def test_messages_raise_the_rev_once(door):
    door.post("/drafts", reply())
    newer = {"messages": [{"id": "m2", "author": "customer", "text": "Hello?\r\n"}]}
    for _ in range(2):
        answer = door.post("/conversations/conv-829/messages", newer)
        assert (answer.status_code, answer.json()) == (200, {"id": "conv-829", "rev": 2})
    assert Message.objects.get(ref="m2").body.text == "Hello?\n"


def test_a_conversation_id_with_a_slash(door):
    door.post("/drafts", reply(conversation=reply()["conversation"] | {"id": "a/b c"}))
    newer = {"messages": [{"id": "m2", "author": "customer", "text": "Hello?"}]}
    assert door.post("/conversations/a%2Fb%20c/messages", newer).json() == {"id": "a/b c", "rev": 2}


def test_conversations_of_another_space_are_not_there(door):
    stranger = Door(bots.new_key(make_bot("stranger", space="elsewhere")))
    door.post("/drafts", reply())
    newer = {"messages": [{"id": "m2", "author": "customer", "text": "Hello?"}]}
    assert stranger.post("/conversations/conv-829/messages", newer).status_code == 404
    assert Conversation.objects.get().rev == 1


# --- Keys ----------------------------------------------------------------------------------------------------


def test_a_key_is_noted_once_a_minute(door, bot):
    door.get("/drafts")
    first = BotKey.objects.get().last_used_at
    door.get("/drafts")
    assert BotKey.objects.get().last_used_at == first
    BotKey.objects.update(last_used_at=first.replace(year=2020))
    door.get("/drafts")
    assert BotKey.objects.get().last_used_at >= first


def test_a_database_that_only_reads_still_answers_what_is_read(door):
    def read_only(run, sql, *rest):
        if sql.startswith(("UPDATE", "INSERT")):
            raise InternalError("read-only") from psycopg.errors.ReadOnlySqlTransaction("read-only")
        return run(sql, *rest)

    with connection.execute_wrapper(read_only):
        assert door.get("/drafts").status_code == 200
        assert door.post("/drafts", label()).status_code == 503
    assert BotKey.objects.get().last_used_at is None


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "x", lambda key: "Basic"])
def test_a_wrong_key(door, change):
    door.key = change(door.key)
    answer = door.post("/drafts", reply())
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    assert Draft.objects.count() == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer rq_zz_\xff\xfe", "Bearer a b"])
def test_no_key(door, header):
    assert door.get("/drafts", Authorization=header).status_code == 401


def test_a_revoked_key_and_its_successor(door, bot):
    successor = Door(bots.new_key(bot))
    BotKey.objects.order_by("pk").filter(pk=BotKey.objects.earliest("pk").pk).update(revoked_at=datetime.now(UTC))
    assert door.get("/drafts").status_code == 401
    assert successor.get("/drafts").status_code == 200


def test_the_secret_of_one_key_does_not_open_the_prefix_of_another(door, bot):
    second = bots.new_key(bot)
    prefix, secret = door.key.split("_", 2)[1], second.split("_", 2)[2]
    assert Door(f"rq_{prefix}_{secret}").get("/drafts").status_code == 401


def test_a_key_is_refused_before_the_body_is_read(door):
    door.key = "none"
    assert door.post("/drafts", b"\xff", **{"Content-Type": "text/plain"}).status_code == 401


def test_the_door_needs_no_session(door, django_assert_num_queries):
    door.post("/drafts", reply())
    with django_assert_num_queries(2):  # the key and the draft
        door.get("/drafts")


def test_queues_are_named(door):
    make_queue("returns")
    door.post("/drafts", reply(queue="returns"))
    assert Draft.objects.get().lane.queue.name == "returns"
