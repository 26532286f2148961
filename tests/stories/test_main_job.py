"""The main job through the front doors only, on real data: client, browser forms, webhook receiver, board.

1,344 drafts nobody of this project wrote: 744 clean replies, 100 with unfilled placeholders, 500 labels. Every third of
them; all of them by: make test T="tests/stories --full"
"""

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest

from reviewqueue import checks
from reviewqueue.client import Client
from reviewqueue.edits import canonical
from tests.servers import ROOT
from tests.system import PEOPLE, System, claimed_id, wait_until

DATA = ROOT.parent / "shared" / "data"
REPLIES = DATA / "bitext-support-replies" / "open" / "data.jsonl"
LABELS = DATA / "isarcasmeval-en" / "open" / "data.jsonl"

CLEAN, UNFILLED, SENTIMENT = 744, 100, 500

pytestmark = [
    pytest.mark.skipif(not REPLIES.exists(), reason="needs the open data sets beside the project (shared/data)"),
    pytest.mark.timeout(500),
]


def test_all_that_was_submitted_is_decided_and_delivered_once_and_counted(request, system: System, tmp_path):
    system.manage("queue", "default", "--hold=1")
    system.add_person("noor")
    people = [*(name for name, role in PEOPLE.items() if role == "agent"), "noor"]
    drafts = dict(islice(_drafts().items(), 0, None, 1 if request.config.getoption("--full") else 3))
    _submit(system, drafts, tmp_path)
    client = Client(system.url, system.bot_key)
    names = {int(row["id"]): row["external_id"] for row in client.drafts()}
    assert sorted(names.values()) == sorted(drafts)

    plan = _plan(drafts)
    with ThreadPoolExecutor(len(people)) as pool:
        done = [entry for part in pool.map(lambda who: _work(system, who, names, plan), people) for entry in part]
    assert len(done) == len(drafts), "each draft was decided once"
    assert {name for name, _, _ in done} == set(drafts)

    _delivered_once_byte_for_byte(system, drafts, done)
    _feedback_is_complete(system, client, drafts, done)
    _board_equals_what_was_done(system, drafts, done)


def _drafts() -> dict[str, dict[str, Any]]:
    """What the bot hands in, by external_id. The reply is the data set's second version, the distinct one."""
    rows = [json.loads(line) for line in REPLIES.open(encoding="utf-8")]
    clean = [row for row in rows if not checks.run(canonical(row["ai_reply_v2"]), "reply", checks.About(language="en"))]
    unfilled = [row for row in rows if "{{" in row["ai_reply_v2"]][:UNFILLED]
    assert (len(clean), len(unfilled)) == (CLEAN, UNFILLED)
    labels = [json.loads(line) for line in LABELS.open(encoding="utf-8")][:SENTIMENT]
    return {draft["external_id"]: draft for draft in [*map(_reply, clean + unfilled), *map(_sentiment, labels)]}


def _reply(row: dict[str, Any]) -> dict[str, Any]:
    message = {"id": "m1", "author": "customer", "text": row["customer_message"]}
    return {
        "external_id": row["id"],
        "kind": "reply",
        "language": "en",
        "customer": {"id": f"customer-{row['id']}"},
        "conversation": {"id": row["id"], "channel": "email", "subject": row["intent"], "messages": [message]},
        "reply": {"text": row["ai_reply_v2"]},
        "source": {"vendor": "bitext", "model": "nlg", "version": "v2"},
        "topics": [row["intent"]],
        "segments": {"category": row["category"]},
    }


def _sentiment(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "external_id": row["id"],
        "kind": "sentiment",
        "language": "en",
        "customer": {"id": f"customer-{row['id']}"},
        "sentiment": {"text": row["text"], "label": row["ai_sentiment"], "score": row["ai_score"]},
        "source": {"model": row["ai_model"]},
    }


def _submit(system: System, drafts: dict[str, dict[str, Any]], folder) -> None:
    """By the client's own command, twice: the second time everything is there already."""
    file = folder / "drafts.jsonl"
    file.write_text("".join(json.dumps(draft) + "\n" for draft in drafts.values()))
    command = [sys.executable, "-m", "reviewqueue.client", "submit", str(file), "--url", system.url]
    for _ in range(2):
        done = subprocess.run([*command, "--key", system.bot_key], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def _plan(drafts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What the agents will do with each: a third of the clean ones each; the unfilled are tried and then edited."""
    plan = {}
    for number, (name, draft) in enumerate(drafts.items()):
        unfilled = draft["kind"] == "reply" and "{{" in draft["reply"]["text"]
        plan[name] = "fill" if unfilled else ("approve", "edit", "reject")[number % 3]
    return plan


def _work(system: System, who: str, names: dict[int, str], plan: dict[str, str]) -> list[tuple[str, str, str | None]]:
    """One agent's shift, until nothing waits: [(external_id, verdict, final text)]."""
    person, done = system.sign_in(who), []
    page = person.claim()
    while draft_id := claimed_id(page):
        name = names[draft_id]
        verb, text, fields = _judge(page, plan[name], name)
        if plan[name] == "fill":
            refused = person.decide(page, "approve")
            assert refused.status_code == 422, "an unfilled placeholder was approved"
        answer = person.decide(page, verb, **fields)
        assert answer.status_code == 200, answer.text
        done.append((name, verb, text))
        page = answer.text if claimed_id(answer.text) else person.claim()
    return done


def _judge(page: str, plan: str, name: str) -> tuple[str, str | None, dict[str, Any]]:
    """(button, the text that is to be sent, the fields posted)."""
    sentiment = name.startswith("isarc")
    if plan == "reject":
        return "reject", None, {"reasons": "cannot-tell" if sentiment else "wrong-facts"}
    if plan == "approve":
        return "approve", "as it was", {}
    if sentiment:
        return "edit", "neutral", {"text": "neutral", "causes": ["sarcasm"]}
    text = f"A person wrote this for {name}.\n\n  Indented, with “quotes”, عربي, 日本語 and 🙂.\n"
    return "edit", text, {"text": text.replace("\n", "\r\n"), "reasons": "wrong-tone"}


def _canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delivered_once_byte_for_byte(
    system: System, drafts: dict[str, dict[str, Any]], done: list[tuple[str, str, str | None]]
) -> None:
    replies = {name: draft["reply"]["text"] for name, draft in drafts.items() if draft["kind"] == "reply"}
    expected = {
        name: _canonical(replies[name]) if verb == "approve" else text
        for name, verb, text in done
        if name in replies and verb != "reject"
    }
    wait_until(lambda: len(set(system.receiver.ids())) >= len(expected), 120, "not all replies arrived")
    assert system.receiver.texts() == expected
    ids = system.receiver.ids()
    assert len(ids) == len(set(ids)) == len(expected), "one post under one id each: the receiver failed none"
    system.receiver.verify_all(system.secret)


def _feedback_is_complete(
    system: System, client: Client, drafts: dict[str, dict[str, Any]], done: list[tuple[str, str, str | None]]
) -> None:
    wait_until(lambda: system.rows("SELECT count(*) FROM feed") == [(len(done),)], 60, "the feed is not complete")
    rows = {row["external_id"]: row for row in client.feedback()}
    assert set(rows) == set(drafts)
    for name, verb, text in done:
        draft, row = drafts[name], rows[name]
        before = _canonical(draft["reply"]["text"]) if draft["kind"] == "reply" else draft["sentiment"]["label"]
        after = None if verb == "reject" else before if verb == "approve" else text
        verdict = _verdict(verb, before, after)
        assert (row["before"], row["after"], row["verdict"]) == (before, after, verdict), name
        assert row["seconds"] is not None


def _verdict(verb: str, before: str, after: str | None) -> str:
    """An edit that ends at the same text is an approval, whatever button was pressed."""
    if verb == "reject":
        return "rejected"
    return "approved" if before == after else "edited"


def _board_equals_what_was_done(
    system: System, drafts: dict[str, dict[str, Any]], done: list[tuple[str, str, str | None]]
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for name, verb, text in done:
        draft = drafts[name]
        before = _canonical(draft["reply"]["text"]) if draft["kind"] == "reply" else draft["sentiment"]["label"]
        expected[draft["kind"], _verdict(verb, before, before if verb == "approve" else text)] += 1
    lead = system.sign_in("dana")

    def counted() -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for row in csv.DictReader(io.StringIO(lead.http.get("/board/rates.csv").text)):
            for verdict in ("approved", "edited", "rejected"):
                found[row["kind"], verdict] += int(row[verdict])
        return found

    wait_until(lambda: counted() == expected, 30, lambda: f"the board says {counted()}, done was {expected}")
    assert lead.http.get("/board").status_code == 200
    exported = [json.loads(line) for line in lead.http.get("/board/feedback.jsonl").text.splitlines()]
    assert len(exported) == len(done)
