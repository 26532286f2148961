"""Past drafts that were about the same: found by their rare words, never once their text is erased."""

import time

import pytest
from django.db import connection, transaction

from reviewqueue.actions import settle
from reviewqueue.actions.similar import keep_words
from reviewqueue.models import Body, Draft, Hold, Search
from reviewqueue.queries import similar
from reviewqueue.queries.similar import FOUND
from tests.factories import make_agent, make_decision, make_draft, make_queue
from tests.servers import SERVERS


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def asking(text: str) -> dict:
    message = {"id": "m1", "author": "customer", "text": text, "sent_at": None}
    number = Draft.objects.count()
    conversation = {"id": f"c{number}", "channel": "email", "subject": "A question", "reply_to": None}
    return {"conversation": conversation | {"messages": [message]}, "reply": {"text": f"Answer{number}."}}


@pytest.fixture
def beat(as_role):
    """The steps of the beat that make a settled decision something to be found."""

    def steps() -> None:
        with as_role("worker"):
            settle.feed_final()
            keep_words()

    return steps


@pytest.fixture
def past(beat):
    """past(text) is a draft that answers `text`, with a final decision."""

    def decided(text: str, verdict: str = "approve", **more) -> Draft:
        decision = make_decision(verdict=verdict, **asking(text), **more)
        settle.send_now(decision.pk, by=decision.by_agent)
        beat()
        return decision.draft

    return decided


def found(browser, draft) -> list[int]:
    page = browser.open(f"/drafts/{draft.pk}/similar")
    return [int(link.one("bdi", class_="id").text[1:]) for one in page.root.all("article") for link in one.all("h2")]


BROKEN = "The kettle arrived broken, its handle snapped off. I want my money back."
SIMILAR = "My new kettle has a broken handle, it snapped. Please give the money back!"
OTHER = "How do I change the address on my account? I moved to Lisbon last month."


def test_the_most_similar_is_found_with_what_became_of_it(amina, past):
    past(OTHER)
    like = past(BROKEN, "edit")
    draft = make_draft(**asking(SIMILAR))
    assert found(amina, draft) == [like.pk]
    words = amina.page.words
    assert "edited" in words
    assert "changes:" in words or "change:" in words


def test_the_label_of_a_draft_chooses_nothing(amina, past):
    labels = {"kind": "sentiment", "labels": ["overjoyed", "disappointed"]}
    same, other = (past(BROKEN, label=label, **labels) for label in labels["labels"])
    assert found(amina, make_draft(**asking(BROKEN), label="overjoyed", **labels)) == [other.pk, same.pk]


def test_words_are_stemmed_in_the_language_of_the_draft(amina, past):
    like = past("Die Kanne kam zerbrochen, ihre Griffe sind gebrochen, bitte Erstattungen", language="de")
    draft = make_draft(language="de", **asking("Kannen zerbrochen, Griff gebrochen, Erstattung"))
    assert found(amina, draft) == [like.pk]


def test_languages_without_spaces(amina, past):
    like = past("昨日届いた靴のサイズが合いません。返品できますか。", language="ja")
    past("請求書の住所を変更したいです。", language="ja")
    draft = make_draft(language="ja", **asking("靴のサイズが合いません。返品したいです。"))
    assert found(amina, draft)[0] == like.pk


def test_nobody_sees_what_is_not_theirs(amina, past, browse):
    make_queue("other")
    hidden = past(BROKEN, by=make_agent(queues=("other",)), queue="other")
    draft = make_draft(**asking(SIMILAR))
    assert found(amina, draft) == []
    assert found(browse(make_agent(role="lead")), draft) == [hidden.pk]
    amina.open(f"/drafts/{hidden.pk}/similar", 404)


def test_what_is_undone_or_held_is_not_there(amina, beat):
    held = make_decision(**asking(BROKEN))
    undone = make_decision(**asking(BROKEN))
    settle.undo(undone.pk, by=undone.by_agent)
    beat()
    assert held
    assert found(amina, make_draft(**asking(SIMILAR))) == []


def test_an_erased_text_takes_its_words_along(amina, past, as_role):
    like = past(BROKEN)
    draft = make_draft(**asking(SIMILAR))
    assert found(amina, draft) == [like.pk]
    with as_role("eraser"), transaction.atomic():
        Body.objects.filter(pk=like.body_id).update(text=None, salt=None)
    assert not Search.objects.filter(draft=like).exists()
    assert found(amina, draft) == []


def test_a_purged_draft_has_no_words_and_gets_none(amina, past, beat, as_role):
    first, late = past(BROKEN), make_decision(**asking(BROKEN))
    settle.send_now(late.pk, by=late.by_agent)
    with as_role("eraser"):
        Draft.objects.filter(pk__in=[first.pk, late.draft_id]).update(purged_at="2026-11-23T12:00Z")
    beat()
    assert not Search.objects.exists()


def test_the_beat_keeps_words_once_and_in_batches(as_role, db, empty_redis, monkeypatch):
    monkeypatch.setattr("reviewqueue.actions.similar.BATCH", 2)
    for _ in range(3):
        decision = make_decision()
        Hold.objects.filter(pk=decision.pk).update(until="2020-01-01T00:00Z")
    with as_role("worker"):
        settle.settle_due()
        settle.feed_final()
        assert [keep_words() for _ in range(3)] == [2, 1, 0]
    assert Search.objects.count() == 3


@pytest.mark.parametrize("hostile", ["' | x & (", "\\ \\' :*", "a" * 3000, "<script>", "%s %(x)s", "\u202e\u0007"])
def test_any_text_can_be_searched_for(amina, past, hostile):
    like = past(f"{BROKEN} {hostile}")
    assert found(amina, make_draft(**asking(f"{SIMILAR} {hostile}"))) == [like.pk]


def make_many(database: str, drafts: int) -> None:
    """So many final drafts whose words are as frequent as those of a language are: the n-th word in each n-th draft."""
    with SERVERS.admin(database) as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """
            INSERT INTO search (draft_id, queue_id, kind, words)
            SELECT n, (SELECT min(id) FROM queue), 'reply', array_to_tsvector(ARRAY(
              SELECT 'word' || word FROM generate_series(2, 400) AS word WHERE (n * 7919 + word * 104729) %% word = 0
            ))
            FROM generate_series(1000000::bigint, 1000000 + %s) AS n
            """,
            [drafts],
        )
        cursor.execute("VACUUM ANALYZE search")


def test_a_search_among_a_hundred_thousand_reads_the_index_for_rare_words(committed):
    make_many(committed, 100_000)
    agent = make_agent()
    said = " ".join(f"word{n}" for n in (*range(2, 60), 301, 350, 399))
    draft = make_draft(**asking(said))
    words = similar._rare_words(draft.pk)
    assert {"word301", "word350", "word399"} <= set(words)
    assert not {f"word{n}" for n in range(2, 30)} & set(words)
    begun = time.monotonic()
    assert similar.similar(draft.pk, agent) is not None
    took = time.monotonic() - begun
    values = {
        "query": " | ".join(words), "words": words, "kind": "reply", "draft": 0, "least": 2,
        "queues": [draft.lane.queue_id], "lanes": [draft.lane_id], "look_at": 50, "shown": 5,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {FOUND}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "search_words" in plan, plan
    assert took < 0.5, f"{took * 1000:.0f} ms"
