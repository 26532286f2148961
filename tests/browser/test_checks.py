"""What the checks found, seen and pressed: an error holds, a warning takes another key."""

import pytest
from playwright.sync_api import expect

from reviewqueue.checks.length import LONGEST
from tests.system import wait_until

pytestmark = pytest.mark.timeout(300)

OVERRIDDEN = "SELECT verdict, overridden FROM feedback JOIN decision ON decision.id = decision_id WHERE draft_id = %s"


def test_a_warning_is_set_aside_by_a_second_key_only(system, tabs, submit):
    draft = submit("It is long. " * (LONGEST // 12 + 1))
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key("a")
        expect(tab.page.get_by_role("status")).to_contain_text("A check warns.")
        assert system.rows(OVERRIDDEN, draft) == []
        tab.page.get_by_role("list", name="Checks").get_by_role("link").click()
        mark = tab.page.locator("mark:target")
        expect(mark).to_be_visible()
        expect(mark).to_be_in_viewport()
        tab.key("Shift+A")
        wait_until(lambda: system.rows(OVERRIDDEN, draft) == [("approved", ["too-long"])], 10)


def test_an_edit_is_checked_as_it_is_typed_and_sent_anyway(system, tabs, submit):
    draft = submit("It is short.")
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key("e")
        field = tab.page.get_by_label("Your edit")
        field.fill("Dear {{name}}")
        found = tab.page.get_by_role("list", name="Checks")
        expect(found).to_contain_text("A placeholder is not filled in.")
        expect(tab.page.get_by_role("button", name="Send anyway")).to_have_count(0)
        field.fill("x" * (LONGEST + 1))
        expect(found).to_contain_text("The text is longer than people read.")
        tab.page.get_by_role("button", name="Send anyway").click()
        wait_until(lambda: system.rows(OVERRIDDEN, draft) == [("edited", ["too-long"])], 10)
