"""The examples of docs/api.md run as they stand, and what it lists is what there is."""

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from reviewqueue.actions.decide import CAUSES
from reviewqueue.models import Reason
from reviewqueue.refusals import RULES
from tests.servers import ROOT
from tests.system import System

PAGE = (ROOT / "docs/api.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def run(system: System, tmp_path):
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


def test_the_shell_examples(run):
    said = run("bash", "-euc", "\n".join(examples("sh")))
    assert said.count('"title"') == 1, "one draft of the batch is refused, nothing else"
    assert '"id": "conv-829", "rev": 2' in said
    assert '"status": "withdrawn"' in said
    assert "2 new, 0 already there, 0 refused" in said
    assert "0 new, 2 already there, 0 refused" in said


def test_the_python_examples(run):
    webhook, client = (run(sys.executable, "-c", example) for example in examples("python"))
    assert webhook == "It left on Monday.\n"
    assert "waiting None\n" in client
    assert "422 ['/kind', '/customer']" in client


def test_the_json_examples_have_the_fields_that_are_answered(system):
    shown, delivered, problem = (json.loads(example) for example in examples("json"))
    schemas = json.loads((ROOT / "docs/openapi.json").read_text())["components"]["schemas"]
    assert set(shown) == set(schemas["DraftOut"]["properties"])
    assert set(shown["decision"]) == set(schemas["ReplyDecision"]["properties"])
    assert set(shown["deliveries"][0]) == set(schemas["DeliveryOut"]["properties"])
    assert set(problem) == set(schemas["Problem"]["properties"])
    assert delivered["type"] == "reply.approved"


def test_it_names_what_there_is(db):
    for reason in Reason.objects.all():
        assert f"`{reason.slug}`" in PAGE
    for cause in CAUSES:
        assert f"`{cause}`" in PAGE
    for name in dir(settings):
        if name.startswith("API_"):
            assert f"`{name}`" in PAGE
    table = PAGE.split("## Problems")[1].split("## Limits")[0]
    for status, codes in re.findall(r"^\| (\d+) \| (`[^|]*) \|", table, re.M):
        for code in re.findall(r"`([^`]*)`", codes):
            assert RULES[code].status == int(status)
    for field in json.loads((ROOT / "docs/openapi.json").read_text())["components"]["schemas"]["DraftIn"]["properties"]:
        assert f"`{field}" in PAGE


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    for target, anchor in re.findall(r"\]\((?!https:)([^)#]*)(?:#([^)]*))?\)", PAGE):
        assert (ROOT / "docs" / target).exists()
        assert target or anchor in headings
