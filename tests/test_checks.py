"""What the text checks find, and where."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue import checks
from tests.servers import ROOT

REPLIES = ROOT.parent / "shared/data/bitext-support-replies/open/data.jsonl"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Your order 4821 left today.", []),
        ("Dear {{name}},", ["{{name}}"]),
        ("{{Order Number}}", ["{{Order Number}}"]),
        ("{{}}", ["{{}}"]),
        ("{{ a }} and {{b}}{{c}}", ["{{ a }}", "{{b}}", "{{c}}"]),
        ("{{{name}}}", ["{{name}}"]),
        ("مرحبا {{الاسم}} 🙂 {{名前}}", ["{{الاسم}}", "{{名前}}"]),
        ("{{a\nb}}", []),
        ("{name} {{name} {name}} { {name} }", []),
        ("{{" + "x" * 120 + "}}", ["{{" + "x" * 120 + "}}"]),
        ("{{a}} }} {{", ["{{a}}"]),
        ("f(x) = {{1, 2}, {3, 4}}", []),
    ],
)
def test_placeholders(text, found):
    findings = checks.run(text, "reply")
    assert [text[finding.start : finding.end] for finding in findings] == found
    assert {finding.level for finding in findings} <= {"error"}
    assert all(part in finding.says for part, finding in zip(found, findings, strict=True))
    assert checks.errors(findings) == findings


def test_a_label_is_not_a_text():
    assert checks.run("{{name}}", "sentiment") == []


@settings(deadline=None)
@given(st.text(alphabet="{}ab \n", max_size=60))
def test_findings_are_where_they_say_they_are(text):
    for finding in checks.run(text, "reply"):
        part = text[finding.start : finding.end]
        assert part[:2] == "{{"
        assert part[-2:] == "}}"
        assert not set("{}\n") & set(part[2:-2])


@pytest.mark.parametrize("text", ["{" * 65_536, "{{" * 32_768, "{{a" * 21_845, "{{" + "a" * 65_534, "{{}} " * 13_107])
def test_no_text_keeps_a_check_busy(text):
    began = time.monotonic()
    checks.run(text, "reply")
    assert time.monotonic() - began < 2


def test_a_text_of_placeholders_has_no_more_findings_than_help():
    assert len(list(checks.run("{{a}} " * 1000, "reply"))) == 50


def test_the_unfilled_replies_of_a_real_set_are_all_found():
    if not REPLIES.exists():
        pytest.skip(f"real data is not here: {REPLIES}")
    replies = [json.loads(line)["ai_reply_v2"] for line in REPLIES.read_text().splitlines()]
    unfilled = [bool(checks.run(reply, "reply")) for reply in replies]
    assert (len(replies), sum(unfilled), sum(unfilled[:500])) == (2249, 1458, 322)
    assert unfilled == ["{{" in reply for reply in replies]
