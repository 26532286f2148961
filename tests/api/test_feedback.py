"""The feed: every final decision once, in one order."""

import pytest

from reviewqueue.actions import claim, decide, settle
from reviewqueue.api import cursor
from reviewqueue.models import Feed
from tests.factories import make_agent, make_bot, make_decision, make_draft, make_queue, seen


@pytest.fixture
def feed(as_role):
    """feed(decision): end its hold and give it its number, as the beat does; its id."""

    def call(decision):
        settle.send_now(decision.pk, by=decision.by_agent)
        with as_role("worker"):
            settle.feed_final()
        return str(decision.pk)

    return call


def test_one_edit_whole(door, bot, feed):
    agent = make_agent()
    draft = claim.claim(make_draft(bot=bot, text="Your order left on Monday.").pk, by=agent)
    facts = {"reasons": ["other"], "note": "Tuesday", "viewed_ms": 4200}
    decision = decide.edit(draft.pk, text="Your order left on Tuesday.", **facts, **seen(draft, agent))
    assert door.get("/feedback").json()["feedback"] == []
    feed(decision)
    (lesson,) = door.get("/feedback").json()["feedback"]
    agent_name, decided_at, behind = (lesson.pop(name) for name in ("agent", "decided_at", "cursor"))
    assert len(agent_name) == 12
    assert decided_at.endswith("Z")
    assert behind
    assert 0 <= lesson.pop("seconds") <= 4.2
    assert lesson == {
        "id": str(decision.pk),
        "draft_id": str(draft.pk),
        "external_id": draft.external_id,
        "kind": "reply",
        "verdict": "edited",
        "before": "Your order left on Monday.",
        "after": "Your order left on Tuesday.",
        "diff": [
            {"op": "equal", "text": "Your order left on "},
            {"op": "delete", "text": "Monday"},
            {"op": "insert", "text": "Tuesday"},
            {"op": "equal", "text": "."},
        ],
        "reasons": ["other"],
        "note": "Tuesday",
        "causes": [],
        "findings": [],
        "overridden": [],
        "spans": [],
        "blind": False,
        "edit_rate": 0.2,
        "edit_unit": "word",
        "source": {"vendor": "acme", "model": "small", "version": "1", "prompt_version": "p1"},
    }


def test_a_warning_that_was_set_aside_is_told(door, bot, feed):
    make_queue(promise_words=["guarantee"])
    agent = make_agent()
    draft = claim.claim(make_draft(bot=bot, text="We guarantee it.").pk, by=agent)
    told = {"check": "promise", "level": "warning", "start": 3, "end": 12}
    told["says"] = "The queue's list of promises has these words."
    assert door.get(f"/drafts/{draft.pk}").json()["findings"] == [told]
    feed(decide.approve(draft.pk, override=["promise"], **seen(draft, agent)))
    (lesson,) = door.get("/feedback").json()["feedback"]
    assert (lesson["findings"], lesson["overridden"]) == ([told], ["promise"])


def test_an_approval_and_a_rejection(door, bot, feed):
    feed(make_decision(bot=bot))
    feed(make_decision(bot=bot, verdict="reject"))
    approved, rejected = door.get("/feedback").json()["feedback"]
    assert approved["before"] == approved["after"]
    assert [part["op"] for part in approved["diff"]] == ["equal"]
    assert (rejected["after"], rejected["diff"], rejected["edit_rate"]) == (None, None, None)


def test_undone_decisions_are_not_in_it(door, bot, as_role):
    decision = make_decision(bot=bot)
    settle.undo(decision.pk, by=decision.by_agent)
    with as_role("worker"):
        assert settle.feed_final() == 0
    assert door.get("/feedback").json()["feedback"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_nothing_is_skipped_or_repeated(door, bot, feed, limit):
    """Read page by page, while more comes in between and other bots' decisions lie in between."""
    expected, found, after = [], [], None
    other = make_bot()
    for _ in range(4):
        expected.append(feed(make_decision(bot=bot)))
        feed(make_decision(bot=other))
        page = door.get(f"/feedback?limit={limit}" + (f"&after={after}" if after else "")).json()
        found += [lesson["id"] for lesson in page["feedback"]]
        after = page["next"]
    while page["more"]:
        page = door.get(f"/feedback?limit={limit}&after={page['next']}").json()
        found += [lesson["id"] for lesson in page["feedback"]]
    assert found == expected
    end = door.get(f"/feedback?after={page['next']}").json()
    assert (end["feedback"], end["more"], end["next"]) == ([], False, page["next"])


def test_a_page_that_takes_too_long_is_a_short_one(door, bot, feed, monkeypatch):
    monkeypatch.setattr("reviewqueue.queries.feedback.PAGE_SECONDS", 0)
    expected = [feed(make_decision(bot=bot, verdict="edit")) for _ in range(3)]
    found, page = [], door.get("/feedback").json()
    while True:
        assert len(page["feedback"]) == 1
        found += [lesson["id"] for lesson in page["feedback"]]
        if not page["more"]:
            break
        page = door.get(f"/feedback?after={page['next']}").json()
    assert found == expected


def test_the_cursor_of_one_lesson_leads_to_the_next(door, bot, feed):
    ids = [feed(make_decision(bot=bot)) for _ in range(3)]
    first = door.get("/feedback").json()["feedback"][0]
    assert [lesson["id"] for lesson in door.get(f"/feedback?after={first['cursor']}").json()["feedback"]] == ids[1:]


def test_a_quiet_bot_does_not_read_over_the_others_again(door, bot, feed):
    for _ in range(3):
        feed(make_decision())
    page = door.get("/feedback").json()
    assert (page["feedback"], page["more"]) == ([], False)
    assert cursor.decode("feedback", page["next"]) == Feed.objects.latest("seq").seq
    mine = feed(make_decision(bot=bot))
    assert [lesson["id"] for lesson in door.get(f"/feedback?after={page['next']}").json()["feedback"]] == [mine]


def test_another_bots_feedback_is_not_there(door, other_door, feed):
    feed(make_decision(bot=make_bot("other-bot")))
    assert len(other_door.get("/feedback").json()["feedback"]) == 1
    assert door.get("/feedback").json()["feedback"] == []


def test_a_page_takes_a_constant_number_of_statements(door, bot, feed, django_assert_num_queries):
    for _ in range(4):
        feed(make_decision(bot=bot, verdict="edit"))
    door.get("/feedback")
    with django_assert_num_queries(3):  # the key, the end of the feed, the page
        assert len(door.get("/feedback").json()["feedback"]) == 4
