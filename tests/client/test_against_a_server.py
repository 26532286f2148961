"""The client and its command line against a running server."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from reviewqueue.client import Client, Problem
from tests.client.test_docs import examples
from tests.servers import ROOT
from tests.system import System, wait_until

COMMAND = [sys.executable, "-m", "reviewqueue.client"]


def draft(name: str, **changes: Any) -> dict[str, Any]:
    sentiment = {"text": "great, another delay", "label": "positive"}
    return {"external_id": name, "kind": "sentiment", "customer": {"id": name}, "sentiment": sentiment} | changes


def write(file, drafts) -> None:
    file.write_text("".join(json.dumps(draft) + "\n" for draft in drafts))


def environment(system: System) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "REVIEWQUEUE_URL": system.url, "REVIEWQUEUE_KEY": system.bot_key}


def run(system: System, *args: str, stdin: bytes = b"", **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *args], cwd=ROOT, env=environment(system) | changes, input=stdin, capture_output=True, timeout=60
    )


def test_new_then_already_there_then_refused(system, tmp_path):
    file = tmp_path / "drafts.jsonl"
    write(file, [draft(f"cli-{number}") for number in range(25)])
    first = run(system, "submit", str(file), "--batch", "10")
    assert first.returncode == 0, first.stderr
    assert b"25 new, 0 already there, 0 refused" in first.stderr
    assert b"100%" in first.stderr
    write(file, [*[draft(f"cli-{number}") for number in range(25)], draft("cli-25", kind="audio"), draft("cli-26")])
    second = run(system, "submit", str(file))
    assert second.returncode == 1
    assert b"1 new, 25 already there, 1 refused" in second.stderr
    (refused,) = map(json.loads, (tmp_path / "drafts.jsonl.refused.jsonl").read_text().splitlines())
    assert refused["line"] == 26
    assert refused["draft"] == draft("cli-25", kind="audio")
    assert refused["problem"]["errors"][0]["pointer"] == "/kind"
    assert f"{file}.refused.jsonl".encode() in second.stderr


def test_from_standard_input(system):
    lines = [json.dumps(draft("stdin-1")), "no JSON", json.dumps(draft("stdin-2"))]
    done = run(system, "submit", "-", stdin="\n".join(lines).encode())
    assert done.returncode == 1
    assert b"2 new, 0 already there, 1 refused" in done.stderr
    assert b'"draft": "no JSON"' in done.stderr


def hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_killed_in_the_middle_it_goes_on_without_doubles(system, tmp_path, how):
    names = [f"{how.name}-{number}" for number in range(120)]
    file = tmp_path / "drafts.jsonl"
    write(file, [draft(name) for name in names])
    memory = tmp_path / "drafts.jsonl.progress.json"
    command = [*COMMAND, "submit", str(file), "--batch", "5"]
    # Where a shell has begun the tests in its background, they and all they start are deaf to SIGINT.
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(system), stderr=subprocess.PIPE, preexec_fn=hear_interrupts
    )
    wait_until(memory.exists, 30)
    time.sleep(0.1)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert process.returncode == (130 if how == signal.SIGINT else -9), said
    known = json.loads(memory.read_text())
    assert 0 < known["lines"] < 120
    again = run(system, "submit", str(file), "--batch", "50")
    assert again.returncode == 0, again.stderr
    assert not memory.exists()
    with Client(system.url, system.bot_key) as client:
        stored = [found["external_id"] for found in client.drafts() if found["external_id"].startswith(how.name)]
    assert sorted(stored) == sorted(names)


def test_a_draft_and_the_feedback(system):
    with Client(system.url, system.bot_key) as client:
        stored = client.submit(draft("shown"))
    shown = run(system, "draft", stored["id"])
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["external_id"] == "shown"
    assert run(system, "draft", "0").returncode == 2
    assert run(system, "feedback").returncode == 0
    assert run(system, "feedback", "--after", "nonsense").returncode == 2


@pytest.mark.parametrize(
    ("args", "changes", "says"),
    [
        (["submit", "x.jsonl"], {"REVIEWQUEUE_KEY": ""}, b"--key"),
        (["submit", "x.jsonl"], {}, b"x.jsonl"),
        (["submit", "README.md", "--batch", "0"], {}, b"--batch"),
        (["submit", "README.md", "--batch", "many"], {}, b"--batch"),
        (["nonsense"], {}, b"nonsense"),
        ([], {}, b"usage"),
        (["draft", "1"], {"REVIEWQUEUE_URL": "no address"}, b"no address"),
        (["draft", "1"], {"REVIEWQUEUE_KEY": "rq_wrong_key"}, b"401"),
    ],
)
def test_usage_and_trouble_exit_with_2(system, args, changes, says):
    done = run(system, *args, **changes)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


def test_every_call_against_the_server(system: System):
    message = {"id": "m1", "author": "customer", "text": "Where is my order?"}
    draft = {
        "external_id": "call/1",
        "kind": "reply",
        "customer": {"id": "c1"},
        "conversation": {"id": "a/b ?#", "messages": [message]},
        "reply": {"text": "It left today. 🙂"},
    }
    with Client(system.url, system.bot_key) as client:
        stored = client.submit(draft)
        assert client.submit(draft) == stored
        assert [result["status"] for result in client.submit_batch([draft, {}])] == [200, 422]
        assert client.draft(stored["id"])["status"] == "waiting"
        assert [found["id"] for found in client.drafts(external_id="call/1")] == [stored["id"]]
        assert client.add_messages("a/b ?#", [message | {"id": "m2"}]) == {"id": "a/b ?#", "rev": 2}
        assert list(client.feedback()) == []
        assert client.withdraw(stored["id"])["status"] == "withdrawn"
        with pytest.raises(Problem) as problem:
            client.submit(draft | {"reply": {"text": "\ud800"}})
    assert (problem.value.status, problem.value.errors[0]["pointer"]) == (422, "/reply/text")


# --- The examples of docs/api.md, as they stand


@pytest.fixture
def shell(system: System, tmp_path):
    """What a command prints, with URL and KEY set and `reviewqueue` at hand."""
    tool = tmp_path / "bin/reviewqueue"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reviewqueue.client "$@"\n')
    tool.chmod(0o755)
    path = f"{tool.parent}:{os.environ['PATH']}"
    environment = {"URL": system.url, "KEY": system.bot_key, "PATH": path, "PYTHONPATH": str(ROOT)}

    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


def test_the_shell_examples(shell):
    said = shell("bash", "-euc", "\n".join(examples("sh")))
    assert said.count('"title"') == 1, "one draft of the batch is refused, nothing else"
    assert '"id": "conv-829", "rev": 2' in said
    assert '"status": "withdrawn"' in said
    assert "2 new, 0 already there, 0 refused" in said
    assert "0 new, 2 already there, 0 refused" in said


def test_the_python_examples(shell):
    webhook, client = (shell(sys.executable, "-c", example) for example in examples("python"))
    assert webhook == "It left on Monday.\n"
    assert "waiting None\n" in client
    assert "422 ['/kind', '/customer']" in client
