"""The examples of the README, run as they stand."""

import json
import re
import subprocess
import sys

import pytest

from tests.servers import ROOT
from tests.system import System

README = (ROOT / "README.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


@pytest.fixture
def shell(system: System, tmp_path):
    """Runs a script with URL and KEY set, beside a file of drafts; what it printed."""
    drafts = [
        {
            "external_id": f"file-{n}",
            "kind": "sentiment",
            "customer": {"id": "c"},
            "sentiment": {"text": "so so", "label": "neutral"},
        }
        for n in range(3)
    ]
    (tmp_path / "drafts.jsonl").write_text("".join(json.dumps(draft) + "\n" for draft in drafts))

    def run(*command: str) -> str:
        path = f"{ROOT / '.venv/bin'}:/usr/bin:/bin"
        environment = {"URL": system.url, "KEY": system.bot_key, "PATH": path, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_curl_examples_submit(shell, system):
    for example in (e for e in examples("sh") if e.startswith("curl")):
        answer = json.loads(shell("bash", "-ec", example))
        assert answer["status"] == "waiting", answer
    assert system.rows("SELECT count(*) FROM draft WHERE external_id IN ('msg-829-reply-1', 'msg-830-mood')") == [(2,)]


def test_the_python_example_submits_and_reads(shell):
    (example,) = examples("python")
    assert "waiting\nNone\n" in shell(sys.executable, "-c", example)


def test_the_file_example_submits_a_file(shell, system):
    (example,) = [e for e in examples("sh") if "drafts.jsonl" in e]
    shell("bash", "-ec", example.replace(".venv/bin/reviewqueue", f"{sys.executable} -m reviewqueue.client"))
    assert system.rows("SELECT count(*) FROM draft WHERE external_id LIKE 'file-%'") == [(3,)]


def test_every_file_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README):
        assert (ROOT / target).exists(), target
