"""The main job in a real browser: sign in, claim, edit, approve, undo, approve again, and it arrives."""

import pytest
from playwright.sync_api import expect

from tests.system import System, wait_until

pytestmark = pytest.mark.timeout(300)

EDIT = "\n  Hello Sam,\n\nwe are sorry. Order 4821 arrives   within 5 working days.\n"


@pytest.fixture(autouse=True, scope="module")
def hold(system: System) -> None:
    system.manage("queue", "default", "--hold=6")


def test_edit_approve_undo_approve_again_and_it_arrives(system, tabs, submit):
    draft = submit("Order 4821 arrives within 14 days.")
    with tabs("amina") as tab:
        page = tab.page
        assert tab.claim() == draft
        expect(page.get_by_role("heading", level=1)).to_have_text(f"#{draft} Late parcel")
        page.get_by_role("link", name="Edit").click()
        editor = page.get_by_label("Your edit")
        expect(editor).to_be_focused()
        editor.fill(EDIT)
        page.get_by_role("button", name="Preview changes").click()
        expect(page.locator("del").first).to_contain_text("14")
        expect(editor).to_have_value(EDIT)
        page.get_by_role("button", name="Approve edited").click()

        strip = page.get_by_role("region", name="Held decisions")
        expect(strip).to_contain_text(f"Held: #{draft} edited. Sends in")
        strip.get_by_role("button", name="Undo").click()
        expect(editor).to_have_value(EDIT)
        assert EDIT not in system.receiver.texts().values()
        page.get_by_role("button", name="Approve edited").click()
        expect(strip).to_contain_text(f"#{draft}")

        wait_until(lambda: EDIT in system.receiver.texts().values(), 40, "the reply did not arrive")
        tab.open(f"/drafts/{draft}")
        expect(page.locator(".delivery").last).to_contain_text("delivered")
        expect(page.get_by_role("main")).to_contain_text("undone")
        assert [data["text"] for data in system.receiver.datas() if data["draft_id"] == str(draft)] == [EDIT]


def test_send_now_ends_the_wait(system, tabs, submit):
    text = "This one is in a hurry."
    draft = submit(text)
    with tabs("amina") as tab:
        assert tab.claim() == draft
        tab.page.get_by_role("button", name="Approve").click()
        tab.page.get_by_role("button", name="Send now").click()
        expect(tab.page.get_by_text("No decision is held.")).to_be_visible()
        wait_until(lambda: text in system.receiver.texts().values(), 30, "the reply did not arrive")


def test_the_seconds_count_down_outside_of_any_live_region(tabs, submit):
    submit()
    with tabs("amina") as tab:
        tab.claim()
        tab.page.get_by_role("button", name="Approve").click()
        counter = tab.page.locator("[data-left]").first
        expect(counter).to_have_text("in 4 s")
        assert counter.evaluate("element => element.closest('[role=status], [role=alert], [aria-live]')") is None
        expect(counter).to_have_text("now", timeout=10_000)


def test_without_javascript_everything_works_as_forms(system, tabs, submit):
    reply, label = (
        submit("Order 4821 left."),
        submit(kind="sentiment", sentiment={"text": "great", "label": "positive"}),
    )
    with tabs("amina", fresh=True, java_script_enabled=False) as tab:
        page = tab.page
        assert tab.claim() == reply
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Your edit").fill("\nOrder 4821 arrives.")
        page.get_by_role("button", name="Preview changes").click()
        expect(page.get_by_label("Your edit")).to_have_value("\nOrder 4821 arrives.")
        page.get_by_role("button", name="Approve edited").click()
        strip = page.get_by_role("region", name="Held decisions")
        expect(strip).to_contain_text("Sends at")
        page.get_by_label("Sarcasm or irony").check()
        page.get_by_role("button", name="negative").click()
        expect(strip).to_contain_text(f"#{label} label corrected")
        strip.get_by_role("button", name=f"Undo #{label}").click()
        page.get_by_role("link", name="Cannot tell").click()
        page.get_by_label("No label fits").check()
        page.get_by_role("button", name="Reject: cannot tell").click()
        expect(strip).to_contain_text(f"#{label} rejected, cannot tell")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert page.locator("[data-keys]").count() == 0, "no badge for a key that does nothing"


def test_who_lost_the_lease_is_told_and_keeps_the_text(system, tabs, submit):
    system.manage("queue", "default", "--lease=5")
    try:
        draft = submit()
        with tabs("amina") as tab:
            page = tab.page
            assert tab.claim() == draft
            page.get_by_role("link", name="Edit").click()
            page.get_by_label("Your edit").fill("My words")
            other = page.context.new_page()
            other.goto(f"{system.url}/desk")
            other.get_by_role("button", name="Release").click()
            expect(other.get_by_role("button", name="Claim next")).to_be_visible()
            page.bring_to_front()
            expect(page.get_by_role("alert")).to_contain_text("You no longer hold this draft", timeout=10_000)
            expect(page.get_by_label("Your edit")).to_have_value("My words")
            expect(page.get_by_role("button", name="Approve edited")).to_be_disabled()
            assert all("409" in complaint for complaint in tab.complaints), tab.complaints
            tab.complaints.clear()
    finally:
        system.manage("queue", "default", "--lease=600")


def test_a_lease_is_kept_while_the_page_is_open(system, tabs, submit):
    system.manage("queue", "default", "--lease=5")
    try:
        draft = submit()
        with tabs("amina") as tab:
            assert tab.claim() == draft
            tab.page.wait_for_timeout(8_000)
            assert system.rows("SELECT status, epoch FROM draft WHERE id = %s", draft) == [("claimed", 1)]
    finally:
        system.manage("queue", "default", "--lease=600")


def test_a_lead_reads_the_board(tabs):
    with tabs("dana") as tab:
        page = tab.open("/board")
        expect(page.get_by_role("heading", level=1)).to_have_text("Board")
        page.get_by_role("link", name="7 days").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Tables as CSV").click()
        assert download.value.suggested_filename == "rates-7-days.csv"
