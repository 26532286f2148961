"""The queue list by keys: rows are walked through, selected and acted upon, and none moves while it is looked at."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

pytestmark = pytest.mark.timeout(300)


def rows(page) -> list[str]:
    return [row.get_attribute("data-draft") for row in page.locator("#rows [data-draft]").all()]


def focused(page) -> str:
    """The draft whose row has the focus."""
    return page.evaluate("document.activeElement.closest('[data-draft]')?.dataset.draft ?? ''")


def open_queue(tab, drafts):
    page = tab.open("/queue")
    assert rows(page) == [str(draft) for draft in drafts]
    tab.settled()
    return page


def test_rows_are_walked_through_and_opened_by_keys(tabs, submit):
    drafts = [submit(f"Draft number {number}.") for number in range(3)]
    with tabs("kim") as tab:
        page = open_queue(tab, drafts)
        walked = []
        for key in ("j", "j", "ArrowDown", "k", "ArrowUp", "j"):
            page.keyboard.press(key)
            walked.append(focused(page))
        assert walked == [str(drafts[place]) for place in (0, 1, 2, 1, 0, 1)]
        with page.expect_navigation():
            page.keyboard.press("o")
        assert tab.draft == drafts[1]


def test_a_selection_by_keys_is_told_once_and_acted_upon(tabs, submit):
    drafts = [submit(f"Draft number {number}.") for number in range(4)]
    with tabs("kim") as tab:
        page = open_queue(tab, drafts)
        for key in ("j", "x", "j", "j", "Shift+X"):
            page.keyboard.press(key)
        expect(page.locator("#say")).to_have_text("3 selected")
        page.keyboard.press("x")
        expect(page.locator("#say")).to_have_text("2 selected")
        with page.expect_navigation():
            page.keyboard.press("m")
        expect(page.get_by_role("heading", level=1)).to_have_text("2 drafts assigned to you")
        with page.expect_navigation():
            page.get_by_role("link", name="Back to the queue").click()
        page.locator("#bulk").wait_for()
        for box in page.locator("#rows [type=checkbox]").all():
            box.check()
        tab.press("Release")
        expect(page.get_by_role("heading", level=1)).to_contain_text("released")


def test_the_filter_is_reached_by_a_key_and_a_view_by_its_digit(tabs, submit):
    draft = submit()
    with tabs("kim") as tab:
        page = open_queue(tab, [draft])
        page.keyboard.press("/")
        expect(page.get_by_label("Filter")).to_be_focused()
        page.keyboard.type("langg:en type:reply")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_text("langg:en is not a filter.")).to_be_visible()
        with page.expect_navigation():
            page.get_by_role("link", name="lang:en", exact=True).first.click()
        assert rows(page) == [str(draft)]
        tab.settled()
        with page.expect_navigation():
            page.keyboard.press("1")
        expect(page.get_by_role("link", name="Mine")).to_have_attribute("aria-current", "page")


def test_new_rows_wait_until_they_are_asked_for(tabs, submit):
    first = submit()
    with tabs("kim") as tab:
        page = open_queue(tab, [first])
        page.keyboard.press("j")
        second = submit("Another one.")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.get_by_role("link", name="1 new, show")).to_be_visible()
        assert (rows(page), focused(page)) == ([str(first)], str(first))
        expect(page.locator("[data-count]").first).to_have_text("0")
        with page.expect_navigation():
            page.keyboard.press(".")
        assert rows(page) == [str(first), str(second)]


def test_a_row_that_somebody_else_has_stays_where_it_is(tabs, submit):
    drafts = [submit(f"Draft number {number}.") for number in range(2)]
    with tabs("kim") as tab, tabs("lea") as other:
        page = open_queue(tab, drafts)
        assert other.claim() == drafts[0]
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator(f"[data-draft='{drafts[0]}'] [data-with]")).to_contain_text("lea")
        other.key_onwards("a")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        gone = page.locator(f"[data-draft='{drafts[0]}']")
        expect(gone).to_contain_text("Decided by lea")
        expect(gone.locator("[type=checkbox]")).to_be_disabled()
        assert rows(page) == [str(draft) for draft in drafts]


def test_the_list_on_a_phone(tabs, submit):
    submit()
    with tabs("kim", viewport=PHONE) as tab:
        page = tab.open("/queue")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        expect(page.locator("#rows [type=checkbox]")).to_be_visible()


def test_without_script_all_of_it_works(tabs, submit):
    draft = submit()
    with tabs("kim", java_script_enabled=False) as tab:
        page = tab.open("/queue")
        page.get_by_label(f"Select #{draft}").check()
        tab.press("To me")
        expect(page.get_by_role("heading", level=1)).to_have_text("1 draft assigned to you")
