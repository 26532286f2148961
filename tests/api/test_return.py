"""A draft goes back to its bot and comes again, as the bot sees it at its own door."""

from reviewqueue.actions import claim, decide, settle
from reviewqueue.models import Draft
from tests.api.conftest import reply
from tests.factories import make_agent, make_queue, seen

AGAIN = reply(external_id="msg-829-reply-2", supersedes="msg-829-reply-1", reply={"text": "It arrives on Monday."})


def test_a_bot_reads_what_is_asked_of_it_and_tries_again(door, bot, as_role, empty_redis):
    ann, ben = make_agent(), make_agent()
    first = door.post("/drafts", reply()).json()["id"]
    mine = claim.claim(int(first), by=ann)
    decision = decide.return_to_bot(mine.pk, note="Name the day.", reasons=["no-answer"], **seen(mine, ann))
    # As long as it can be undone, nothing is told.
    assert door.get(f"/drafts/{first}").json()["status"] == "claimed"
    settle.send_now(decision.pk, by=ann)
    with as_role("worker"):
        settle.feed_final()
    told = door.get(f"/drafts/{first}?wait=1").json()
    assert (told["status"], told["deliveries"]) == ("decided", [])
    assert {name: told["decision"][name] for name in ("verdict", "text", "reasons", "note")} == {
        "verdict": "returned",
        "text": None,
        "reasons": ["no-answer"],
        "note": "Name the day.",
    }
    [lesson] = door.get("/feedback").json()["feedback"]
    assert (lesson["verdict"], lesson["note"], lesson["after"]) == ("returned", "Name the day.", None)

    second = door.post("/drafts", AGAIN)
    assert second.status_code == 202
    assert door.post("/drafts", AGAIN).status_code == 200  # a replay
    assert door.get(f"/drafts/{first}").json()["status"] == "decided"
    assert claim.claim_next(by=ben) is None
    assert claim.claim_next(by=ann).pk == int(second.json()["id"])


def test_a_decision_that_asked_for_nothing_is_not_answered(door, bot):
    ann = make_agent()
    make_queue(hold_seconds=0)
    first = door.post("/drafts", reply()).json()["id"]
    mine = claim.claim(int(first), by=ann)
    decide.reject(mine.pk, reasons=["spam"], **seen(mine, ann))
    answer = door.post("/drafts", AGAIN)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (409, "already-decided")
    assert Draft.objects.count() == 1
