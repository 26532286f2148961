"""The editor in a real browser: nothing that was typed is lost, and the changes are shown while it is typed."""

import pytest
from playwright.sync_api import expect

from tests.system import System, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True, scope="module")
def hold(system: System) -> None:
    system.manage("queue", "default", "--hold=600")


@pytest.fixture
def typed(system):
    """typed(draft) is what the server has of it."""

    def text(draft: int) -> str | None:
        rows = system.rows("SELECT text FROM typed WHERE draft_id = %s", draft)
        return rows[0][0] if rows else None

    return text


FIELD = "textarea#text"

# Somebody else has it; and nobody has.
TAKEN = """
UPDATE draft SET epoch = epoch + 1, holder_id = lea.id, last_holder_id = lea.id, slot = 1
FROM account AS lea WHERE username = 'lea' AND draft.id = %s RETURNING draft.id
"""
FREED = """
UPDATE draft SET status = 'waiting', holder_id = NULL, slot = NULL, lease_until = NULL WHERE id = %s RETURNING id
"""


def edit(tab) -> None:
    tab.key("e")
    expect(tab.page.locator(FIELD)).to_be_focused()


def saved(tab, typed, draft: int, text: str) -> None:
    wait_until(lambda: typed(draft) == text, 8, lambda: f"{typed(draft)!r}, not {text!r}")
    expect(tab.page.locator("[data-kept]").first).to_contain_text("Saved")


# --- Opened and closed --------------------------------------------------------------------------------------


def test_the_draft_turns_into_a_field_in_its_place(tabs, submit, typed):
    text = "Your order left today.\n\nIt arrives on Friday.\n" + "It is a large parcel, please be at home. " * 12
    draft = submit(text)
    with tabs("kim") as tab:
        tab.claim()
        page = tab.page
        page.evaluate("window.same = true")
        before = page.locator("#draft .words").bounding_box()
        edit(tab)
        field = page.locator(FIELD)
        after = field.bounding_box()
        assert page.evaluate("window.same") is True
        assert page.evaluate("document.activeElement.selectionStart") == len(text)
        assert abs(after["height"] - before["height"]) < 40
        assert abs(after["y"] - before["y"]) < 16
        assert page.evaluate("getComputedStyle(document.activeElement).fontSize") == "17px"
        page.keyboard.type(" Thanks!")
        saved(tab, typed, draft, text + " Thanks!")
        page.get_by_role("link", name="Back to the AI draft").click()
        expect(page.locator("#draft h2")).to_have_text("AI draft")
        expect(page.locator("#draft")).to_be_focused()
        page.get_by_role("link", name="Go on with it").click()
        expect(page.locator(FIELD)).to_have_value(text + " Thanks!")
        page.get_by_role("link", name="Back to the AI draft").click()
        tab.press("Throw it away")
        assert typed(draft) is None
        edit(tab)
        expect(page.locator(FIELD)).to_have_value(text)


def test_no_key_of_the_draft_works_behind_the_editor(system, tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.keyboard.press("Escape")
        before = system.rows("SELECT count(*) FROM decision")
        tab.key("a")
        tab.page.wait_for_timeout(400)
        assert system.rows("SELECT count(*) FROM decision") == before


# --- Nothing is lost -------------------------------------------------------------------------------------------


def test_a_closed_tab(tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.keyboard.type(" One.", delay=20)
        tab.page.wait_for_timeout(1_500)
        assert typed(draft) == "Your order left today. One."
        tab.page.keyboard.type(" Two.", delay=20)
        tab.page.close()
    wait_until(lambda: (typed(draft) or "").startswith("Your order left today. One."), 3)
    with tabs("kim") as tab:
        page = tab.open("/desk?edit=1")
        assert page.locator(FIELD).input_value().startswith("Your order left today. One.")


def test_a_page_that_is_left(tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.keyboard.type(" One.", delay=20)
        tab.page.on("dialog", lambda dialog: dialog.accept())
        tab.open("/queue")
        wait_until(lambda: typed(draft) == "Your order left today. One.", 3)


def test_an_ended_session(tabs, submit, typed):
    draft = submit()
    with tabs("lea", fresh=True) as tab:
        tab.claim()
        edit(tab)
        tab.page.context.clear_cookies()
        tab.page.keyboard.type(" One.", delay=20)
        expect(tab.page.locator("#edit [data-kept]")).to_have_text("Not saved, kept in this tab")
        tab.page.on("dialog", lambda dialog: dialog.accept())
        tab.sign_in("lea")
        tab.open("/desk")
        expect(tab.page.locator(FIELD)).to_have_value("Your order left today. One.")
        saved(tab, typed, draft, "Your order left today. One.")
        tab.complaints.clear()


def test_a_lost_lease(system, tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.keyboard.type(" One.", delay=20)
        saved(tab, typed, draft, "Your order left today. One.")
        system.rows(TAKEN, draft)
        tab.page.keyboard.type(" Two.", delay=20)
        saved(tab, typed, draft, "Your order left today. One. Two.")
        tab.complaints.clear()
    system.rows(FREED, draft)


def test_no_network(tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.context.set_offline(True)
        tab.page.keyboard.type(" One.", delay=20)
        expect(tab.page.locator("#edit [data-kept]")).to_have_text("Not saved, kept in this tab")
        assert typed(draft) is None
        tab.page.context.set_offline(False)
        saved(tab, typed, draft, "Your order left today. One.")
        tab.complaints.clear()


def test_a_server_that_fails(tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.route("**/typed", lambda route: route.fulfill(status=500))
        tab.page.keyboard.type(" One.", delay=20)
        expect(tab.page.locator("#edit [data-kept]")).to_have_text("Not saved, kept in this tab")
        tab.page.on("dialog", lambda dialog: dialog.accept())
        tab.open("/desk")
        expect(tab.page.locator(FIELD)).to_have_value("Your order left today. One.")
        tab.page.unroute("**/typed")
        saved(tab, typed, draft, "Your order left today. One.")
        tab.complaints.clear()


def test_an_undone_edit_is_in_the_editor_again(tabs, submit, typed):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.keyboard.type(" One.")
        tab.key_onwards("Control+Enter")
        assert typed(draft) is None
        tab.key_onwards("z")
        assert typed(draft) == "Your order left today. One."
        assert tab.page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('typed.'))") == []
        if not tab.page.locator(FIELD).count():
            edit(tab)
        expect(tab.page.locator(FIELD)).to_have_value("Your order left today. One.")


@pytest.mark.parametrize("place", ["/desk", "/queue", "/settings"])
def test_signing_out_leaves_nothing_in_the_tab(tabs, submit, place):
    submit()
    with tabs("lea", fresh=True) as tab:
        tab.claim()
        edit(tab)
        tab.page.route("**/typed", lambda route: route.fulfill(status=500))
        tab.page.keyboard.type(" One.", delay=20)
        expect(tab.page.locator("#edit [data-kept]")).to_have_text("Not saved, kept in this tab")
        tab.page.on("dialog", lambda dialog: dialog.accept())
        if place != "/desk":
            tab.open(place)
        tab.press("Sign out")
        assert tab.page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('typed.'))") == []
        tab.complaints.clear()


# --- The changes ------------------------------------------------------------------------------------------------


def test_the_changes_are_shown_while_typing_in_three_views(tabs, submit):
    submit("We will refund you within 14 days.")
    with tabs("kim") as tab:
        tab.claim()
        page = tab.page
        page.evaluate("window.same = true")
        edit(tab)
        page.locator(FIELD).fill("We will refund you within 5 days. {{Name}}")
        changes = page.locator("#changes")
        expect(changes.locator("header .by")).to_have_text("2 changes: 1 word deleted, 2 words inserted.")
        expect(changes.locator("del")).to_have_text("deleted: 14")
        expect(page.get_by_role("list", name="Checks")).to_contain_text("{{Name}}")
        page.keyboard.press("Escape")
        tab.key("v")
        expect(page.get_by_role("region", name="Side by side")).to_be_visible()
        tab.key("v")
        expect(page.get_by_role("region", name="Side by side")).to_have_count(0)
        expect(changes.locator(".words")).to_have_text("We will refund you within 5 days. {{Name}}")
        page.locator(FIELD).press("End")
        page.keyboard.type("!")
        expect(changes.locator(".words")).to_have_text("We will refund you within 5 days. {{Name}}!")
        page.get_by_role("button", name="Inline").click()
        expect(page.get_by_role("button", name="Inline")).to_be_focused()
        assert page.evaluate("window.same") is True


def test_hidden_characters_are_listed_under_the_field(tabs, submit):
    message = {"id": "m1", "author": "customer", "text": "Open invoice\u202efdp.exe 👩\u200d👧"}
    submit(conversation={"id": "hidden", "channel": "email", "subject": "Hi", "messages": [message]})
    with tabs("kim") as tab:
        tab.claim()
        chip = tab.page.locator(".said.customer .unseen")
        expect(chip).to_have_text("RIGHT-TO-LEFT OVERRIDE")
        edit(tab)
        tab.page.locator(FIELD).fill("Your order\u200b left today.")
        expect(tab.page.get_by_text("1 hidden character: ZERO WIDTH SPACE at 11")).to_be_visible()
        expect(tab.page.locator("#changes .unseen")).to_have_text("ZERO WIDTH SPACE")


def test_a_text_beyond_the_limit_is_told_at_once(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        edit(tab)
        tab.page.locator(FIELD).fill("long " * 14_000)
        expect(tab.page.get_by_text("The text has 70,000 bytes; 65,536 are the limit. Shorten it.")).to_be_visible()
        tab.complaints.clear()
        tab.page.locator(FIELD).fill("Your order left today.")
        tab.page.wait_for_timeout(1_500)


# --- Notes ------------------------------------------------------------------------------------------------------


def test_a_note_from_the_desk_leaves_the_page_as_it_is(system, tabs, submit):
    draft = submit()
    with tabs("kim") as tab:
        tab.claim()
        page = tab.page
        edit(tab)
        page.keyboard.type(" One.")
        page.keyboard.press("Escape")
        tab.key("c")
        expect(page.get_by_label("Never sent, never shown to bots or customers")).to_be_focused()
        page.keyboard.type("Ask Dana first, please.")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".notes")).to_contain_text("Ask Dana first, please.")
        expect(page.locator(FIELD)).to_have_value("Your order left today. One.")
    assert system.rows("SELECT text FROM note JOIN body ON body.id = body_id WHERE draft_id = %s", draft) == [
        ("Ask Dana first, please.",)
    ]
