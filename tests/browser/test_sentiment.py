"""Labels by key, marks in the text, and approvals that wait until there was time to read."""

import re

import pytest
from playwright.sync_api import expect

from tests.system import System

pytestmark = pytest.mark.timeout(300)

TEXT = "great 🙃, another delay"
SAID = {"text": TEXT, "label": "positive", "labels": ["positive", "neutral", "negative"]}


@pytest.fixture(autouse=True, scope="module")
def hold(system: System) -> None:
    system.manage("queue", "default", "--hold=600")


def last(system):
    """(verdict, blind, causes, spans) of the newest decision"""
    return system.rows(
        "SELECT decision.verdict, blind, causes, spans FROM decision JOIN vote ON vote.id = by_vote_id "
        "JOIN feedback ON decision_id = decision.id ORDER BY decision.id DESC LIMIT 1"
    )[0]


def test_one_key_accepts_one_corrects_and_a_cause_is_one_more(system, tabs, submit):
    for keys, expected in (
        (["a"], ("approved", False, [], [])),
        (["3"], ("edited", False, [], [])),
        (["q", "3"], ("edited", False, ["sarcasm"], [])),
    ):
        submit(kind="sentiment", sentiment=SAID)
        with tabs("kim") as tab:
            tab.claim()
            *causes, commit = keys
            for key in causes:
                tab.key(key)
            tab.key_onwards(commit)
        assert last(system) == expected


def test_marked_words_are_the_reason(system, tabs, submit):
    submit(kind="sentiment", sentiment=SAID)
    with tabs("kim") as tab:
        tab.claim()
        tab.key("t")
        expect(tab.page.locator("#say")).to_have_text("Select words of the text first.")
        tab.page.evaluate(
            """() => {
              const node = document.querySelector("[data-markable]").firstChild;
              getSelection().setBaseAndExtent(node, 6, node, 17);
            }"""
        )
        tab.key("t")
        expect(tab.page.locator("[data-marked]")).to_have_text("“🙃, another”")
        tab.key_onwards("3")
    assert last(system) == ("edited", False, [], [[6, 16]])


def test_an_approval_waits_in_tier_normal_and_nothing_else_does(system, tabs, submit):
    drafts = [submit(risk="normal", text="Your order left today.") for _ in range(2)]
    with tabs("kim") as tab:
        assert tab.claim() == drafts[0]
        tab.key("a")
        expect(tab.page.locator("#say")).to_have_text(re.compile("Approve available in [12] s"))
        assert tab.draft == drafts[0]
        tab.page.wait_for_timeout(1_500)
        with tab.page.expect_navigation():
            tab.page.keyboard.press("a")
        assert tab.draft == drafts[1]
        tab.key_onwards("r")
        tab.key_onwards("1")
    assert last(system)[0] == "rejected"


def test_a_long_draft_is_read_to_its_end(tabs, submit):
    draft = submit(risk="normal", text="One line of many.\n" * 100)
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.page.wait_for_timeout(2_000)
        tab.page.keyboard.press("a")
        expect(tab.page.locator("#say")).to_have_text("Read to the end of the draft first")
        tab.page.keyboard.press("End")
        expect(tab.page.get_by_role("button", name="Approve")).to_be_enabled()
        tab.key_onwards("a")
        assert tab.page.locator("#bench").count() == 0


def test_tier_high_takes_two_keys(system, tabs, submit):
    submit(risk="high", text="Two words")
    with tabs("kim") as tab:
        tab.claim()
        tab.page.wait_for_timeout(1_000)
        tab.key_onwards("a")
        tab.key_onwards("1")
    assert system.rows("SELECT confirmed FROM feedback ORDER BY decision_id DESC LIMIT 1") == [
        ("Read, with the messages and the sources",)
    ]


def test_the_context_stays_folded_in_this_tab(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        facts = tab.page.get_by_role("heading", name="Its last 28 days")
        expect(facts).to_be_visible()
        tab.key("i")
        expect(facts).to_be_hidden()
        tab.open("/desk")
        expect(facts).to_be_hidden()
        tab.key("i")
        expect(facts).to_be_visible()


def test_a_blind_label_is_not_in_the_page_before_the_person_chose(system, tabs, submit):
    system.rows("UPDATE queue SET blind_percent = 100 WHERE name = 'default' RETURNING id")
    try:
        submit(kind="sentiment", sentiment=SAID | {"label": "oddly-proud", "labels": ["negative", "oddly-proud"]})
        with tabs("kim") as tab:
            tab.claim()
            assert tab.page.content().count("oddly-proud") == 2  # one button: its value and its words
            tab.key("a")
            expect(tab.page.locator("#say")).to_have_text("The AI label is hidden until you choose.")
            tab.key_onwards("2")
            expect(tab.page.locator("#held")).to_contain_text("The AI chose the same label.")
        assert last(system)[:2] == ("approved", True)
    finally:
        system.rows("UPDATE queue SET blind_percent = 0 WHERE name = 'default' RETURNING id")
