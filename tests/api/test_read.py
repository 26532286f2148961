"""What a bot sees of its drafts: final decisions only, no person by name, nothing of another bot."""

import re
import threading
import time
from datetime import datetime

import pytest
from django.db import connection, connections

from config.embedded import web
from reviewqueue.actions import bots, claim, decide, settle
from reviewqueue.actions.submit import submit
from reviewqueue.api import wait
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Delivery, Draft, Hold, Settlement
from reviewqueue.queries import drafts
from tests.api.conftest import Door
from tests.factories import make_agent, make_bot, make_content, make_decision, make_draft, make_endpoint, seen


def end_hold(decision):
    settle.send_now(decision.pk, by=decision.by_agent)


def test_a_waiting_draft(door, bot):
    draft = make_draft(bot=bot, metadata={"trace": "abc"})
    shown = door.get(f"/drafts/{draft.pk}").json()
    assert datetime.fromisoformat(shown.pop("submitted_at")).tzinfo
    assert shown == {
        "id": str(draft.pk),
        "external_id": draft.external_id,
        "kind": "reply",
        "status": "waiting",
        "reason_in_queue": "every_draft",
        "findings": [],
        "decision": None,
        "deliveries": [],
        "metadata": {"trace": "abc"},
    }


def test_nothing_shows_of_a_decision_before_it_is_final(door, bot):
    """Byte for byte what a claimed draft answers, on every surface."""
    make_endpoint()
    agent = make_agent()
    draft = make_draft(bot=bot)
    form = seen(claim.claim(draft.pk, by=agent), agent)
    surfaces = (f"/drafts/{draft.pk}", "/drafts", "/drafts?status=claimed", "/drafts?status=decided", "/feedback")
    claimed = [door.get(surface).content for surface in surfaces]
    decision = decide.edit(draft.pk, text="A person wrote this.", reasons=["wrong-facts"], **form)
    assert [door.get(surface).content for surface in surfaces] == claimed
    assert Delivery.objects.get().status == "held"

    end_hold(decision)
    shown = door.get(f"/drafts/{draft.pk}").json()
    assert shown["status"] == "decided"
    assert shown["reason_in_queue"] is None
    assert shown["decision"]["text"] == "A person wrote this."
    assert [delivery["status"] for delivery in shown["deliveries"]] == ["held"]
    listed = [door.get(f"/drafts?status={status}").json()["drafts"] for status in ("claimed", "decided")]
    assert listed == [[], [shown]]


def test_an_undone_decision_never_shows(door, bot):
    decision = make_decision(bot=bot)
    settle.undo(decision.pk, by=decision.by_agent)
    shown = door.get(f"/drafts/{decision.draft_id}").json()
    assert (shown["status"], shown["decision"], shown["deliveries"]) == ("claimed", None, [])


def test_only_the_decision_of_the_last_round_shows(door, bot):
    agent = make_agent()
    first = make_decision(bot=bot, by=agent, verdict="reject")
    draft = settle.undo(first.pk, by=agent)
    second = decide.approve(draft.pk, **seen(draft, agent))
    assert door.get(f"/drafts/{draft.pk}").json()["decision"] is None
    end_hold(second)
    assert door.get(f"/drafts/{draft.pk}").json()["decision"]["verdict"] == "approved"


def test_a_final_edit(door, bot):
    agent = make_agent()
    draft = claim.claim(make_draft(bot=bot, text="one two three four").pk, by=agent)
    reasons = {"reasons": ["other"], "note": "Name the date.", "causes": []}
    decision = decide.edit(draft.pk, text="one two three five", **reasons, **seen(draft, agent))
    end_hold(decision)
    shown = door.get(f"/drafts/{draft.pk}").json()["decision"]
    assert datetime.fromisoformat(shown.pop("decided_at")) == decision.at.replace(
        microsecond=decision.at.microsecond // 1000 * 1000
    )
    assert re.fullmatch(r"[0-9a-f]{12}", shown.pop("agent"))
    assert shown == {
        "verdict": "edited",
        "text": "one two three five",
        "reasons": ["other"],
        "note": "Name the date.",
        "causes": [],
        "edit_rate": 0.25,
    }


def test_a_final_rejection_has_no_text(door, bot):
    decision = make_decision(bot=bot, verdict="reject")
    end_hold(decision)
    shown = door.get(f"/drafts/{decision.draft_id}").json()["decision"]
    assert (shown["verdict"], shown["text"], shown["reasons"]) == ("rejected", None, ["wrong-facts"])


def test_a_final_label(door, bot):
    decision = make_decision(bot=bot, kind="sentiment", verdict="edit")
    end_hold(decision)
    shown = door.get(f"/drafts/{decision.draft_id}").json()["decision"]
    assert (shown["verdict"], shown["label"]) == ("edited", "negative")
    assert "text" not in shown


def test_agents_appear_by_a_pseudonym(door, bot):
    """The same for the same person, another for another, and nothing to do with the name or the id."""
    amina, ben = make_agent("amina"), make_agent("ben")
    decisions = [make_decision(bot=bot, by=by) for by in (amina, amina, ben)]
    for decision in decisions:
        end_hold(decision)
    answers = [door.get(f"/drafts/{decision.draft_id}") for decision in decisions]
    agents = [answer.json()["decision"]["agent"] for answer in answers]
    assert agents[0] == agents[1] != agents[2]
    assert b"amina" not in answers[0].content


def test_another_bots_draft_answers_as_one_that_is_not_there(door, other_door):
    draft = make_draft(bot=make_bot("other-bot"))
    assert other_door.get(f"/drafts/{draft.pk}").status_code == 200
    for method in ("GET", "DELETE"):
        foreign, missing = (door.call(method, f"/drafts/{pk}") for pk in (draft.pk, draft.pk + 1_000_000))
        assert foreign.status_code == missing.status_code == 404
        first, second = foreign.json(), missing.json()
        del first["request_id"], second["request_id"]
        assert first == second
    assert door.get("/drafts").json()["drafts"] == []
    draft.refresh_from_db()
    assert draft.status == "waiting"


def test_what_the_bot_did_not_hand_in_is_not_its_own(door, bot):
    """A drill is a draft of the house whatever bot it names; one that a person wrote can name none."""
    own = make_draft(bot=bot)
    fields = {field.attname: getattr(own, field.attname) for field in Draft._meta.concrete_fields}
    drill = Draft(**fields | {"id": None, "external_id": "drill", "mode": "drill"})
    drill.save(force_insert=True)
    assert door.get(f"/drafts/{drill.pk}").status_code == 404
    assert [draft["id"] for draft in door.get("/drafts").json()["drafts"]] == [str(own.pk)]


def test_withdrawing(door, bot):
    draft = make_draft(bot=bot)
    for _ in range(2):
        answer = door.delete(f"/drafts/{draft.pk}")
        assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    decision = make_decision(bot=bot)
    end_hold(decision)
    answer = door.delete(f"/drafts/{decision.draft_id}")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("#already-decided")


def test_withdrawing_tells_nothing_of_a_decision_that_is_not_final(door, bot):
    make_endpoint()
    decision = make_decision(bot=bot)
    assert door.get(f"/drafts/{decision.draft_id}").json()["status"] == "claimed"
    answer = door.delete(f"/drafts/{decision.draft_id}")
    assert (answer.status_code, answer.json()["status"], answer.json()["decision"]) == (200, "withdrawn", None)
    assert not Hold.objects.exists()
    assert Settlement.objects.get(decision=decision).outcome == "undone"
    assert Delivery.objects.get().status == "cancelled"
    with pytest.raises(Refused, match="already-sent"):
        settle.undo(decision.pk, by=decision.by_agent)


# --- The list ------------------------------------------------------------------------------------------------


def test_pages_hold_every_draft_once(door, bot):
    ids = [str(make_draft(bot=bot).pk) for _ in range(7)]
    make_draft()
    found, after = [], ""
    while True:
        page = door.get(f"/drafts?limit=3{after}").json()
        found += [draft["id"] for draft in page["drafts"]]
        if not page["more"]:
            break
        after = f"&after={page['next']}"
    assert found == ids
    # The last cursor stays good: what comes later is found from there.
    later = str(make_draft(bot=bot).pk)
    assert [draft["id"] for draft in door.get(f"/drafts?after={page['next']}").json()["drafts"]] == [later]
    assert door.get(f"/drafts?after={page['next']}&status=claimed").json()["next"] == page["next"]


def test_filters(door, bot):
    first, second = make_draft(bot=bot), make_draft(bot=bot)
    door.delete(f"/drafts/{first.pk}")
    for query, ids in (
        (f"external_id={second.external_id}", [second.pk]),
        ("status=withdrawn", [first.pk]),
        ("status=waiting", [second.pk]),
        (f"status=waiting&external_id={first.external_id}", []),
    ):
        assert [draft["id"] for draft in door.get(f"/drafts?{query}").json()["drafts"]] == [str(pk) for pk in ids]


def test_what_reads_claimed_is_claimed_or_provisional(door, bot):
    agents = [make_agent() for _ in range(4)]
    open_now = claim.claim(make_draft(bot=bot).pk, by=agents[0])
    held = make_decision(bot=bot, by=agents[1])
    final = make_decision(bot=bot, by=agents[2])
    end_hold(final)
    undone = settle.undo(make_decision(bot=bot, by=agents[3]).pk, by=agents[3])
    make_draft(bot=bot)
    make_decision()

    def listed(status):
        return [int(draft["id"]) for draft in door.get(f"/drafts?status={status}").json()["drafts"]]

    assert listed("claimed") == [open_now.pk, held.draft_id, undone.pk]
    assert listed("decided") == [final.draft_id]
    assert listed("claimed&limit=1") == [open_now.pk]


@pytest.mark.parametrize("status", ["received", "waiting", "claimed"])
def test_open_drafts_are_found_without_reading_the_bots_history(bot, status):
    """The 10,000 drafts that are over are not looked at."""
    draft = make_draft(bot=bot)
    make_decision(bot=bot)
    columns = ", ".join(f.column for f in Draft._meta.concrete_fields if f.name not in ("id", "external_id", "status"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO draft (external_id, status, {columns}) SELECT n::text, 'withdrawn', {columns}"
            " FROM draft, generate_series(1, 10000) n WHERE id = %s",
            [draft.pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET ROLE NONE; ANALYZE draft; SET ROLE reviewqueue_app")
    plan = drafts.of_bot(bot).filter(drafts._reads(status, bot), pk__gt=0).order_by("pk")[:51].explain(analyze=True)
    assert "Seq Scan on draft" not in plan
    looked_at = re.findall(r"actual time=\S+ rows=([\d.]+)|Rows Removed by Filter: (\d+)", plan)
    # A bitmap also counts what other tests rolled back.
    assert max(float(rows or removed) for rows, removed in looked_at) < 1000, plan


def test_a_page_takes_as_many_statements_as_a_draft(door, bot, django_assert_num_queries):
    for _ in range(5):
        end_hold(make_decision(bot=bot))
    door.get("/drafts")
    with django_assert_num_queries(4):  # the key, the drafts, their decisions, their deliveries
        assert len(door.get("/drafts").json()["drafts"]) == 5


# --- Waiting -------------------------------------------------------------------------------------------------


def test_a_wait_ends_with_the_decision(committed):
    bot = make_bot()
    door = Door(bots.new_key(bot))
    decision = make_decision(bot=bot)

    def settled_soon():
        time.sleep(0.6)
        end_hold(decision)
        connections.close_all()

    start = time.monotonic()
    thread = threading.Thread(target=settled_soon)
    thread.start()
    answer = door.get(f"/drafts/{decision.draft_id}?wait=20")
    thread.join()
    assert answer.json()["decision"]["verdict"] == "approved"
    assert 0.5 < time.monotonic() - start < 5
    assert "Retry-After" not in answer


def test_a_wait_without_a_decision_ends_in_time(committed):
    bot = make_bot()
    draft = make_draft(bot=bot)
    start = time.monotonic()
    answer = Door(bots.new_key(bot)).get(f"/drafts/{draft.pk}?wait=1")
    assert (answer.status_code, answer.json()["decision"]) == (200, None)
    assert 0.9 < time.monotonic() - start < 3


def test_what_is_over_is_not_waited_for(committed):
    bot = make_bot()
    door = Door(bots.new_key(bot))
    draft = make_draft(bot=bot)
    door.delete(f"/drafts/{draft.pk}")
    start = time.monotonic()
    assert door.get(f"/drafts/{draft.pk}?wait=20").json()["status"] == "withdrawn"
    assert time.monotonic() - start < 2


def test_a_quarter_of_the_threads_may_wait():
    assert wait.PLACES == web.THREADS // 4


def test_beyond_its_places_a_wait_answers_at_once(committed, in_threads):
    """And those that wait hold no connection."""
    bot = make_bot()
    key = bots.new_key(bot)
    draft = make_draft(bot=bot)
    start = time.monotonic()
    answers = in_threads(
        wait.PLACES + 2, lambda _: (Door(key).get(f"/drafts/{draft.pk}?wait=2"), time.monotonic() - start)
    )
    at_once = [answer for answer, took in answers if took < 1.5]
    assert len(at_once) == 2
    assert all(answer["Retry-After"] == "1" and answer.status_code == 200 for answer in at_once)
    assert wait.until_final(draft.pk, 0.01), "every place is free again"


def test_status_of_a_replay_is_that_a_bot_may_see(db):
    content = make_content()
    canonical = {"external_id": content["external_id"]}
    bot, agent = make_bot(), make_agent()
    stored = submit(content, canonical, bot=bot)
    draft = claim.claim(stored.draft.pk, by=agent)
    decision = decide.approve(draft.pk, **seen(draft, agent))
    again = submit(content, canonical, bot=bot)
    assert (again.draft.status, drafts.visible_status(again.draft)) == ("decided", "claimed")
    end_hold(decision)
    assert drafts.visible_status(again.draft) == "decided"
