"""Single keys: what they do, and when they must do nothing."""

import pytest
from playwright.sync_api import expect

from tests.system import System

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True, scope="module")
def hold(system: System) -> None:
    system.manage("queue", "default", "--hold=600")


@pytest.fixture
def decided(system):
    """decided() is what was decided since the test began."""
    before = len(system.rows("SELECT FROM decision"))
    return lambda: system.rows(
        "SELECT draft_id, verdict FROM (SELECT * FROM decision ORDER BY id OFFSET %s) AS fresh "
        "LEFT JOIN settlement ON decision_id = fresh.id WHERE outcome IS DISTINCT FROM 'undone' ORDER BY fresh.id",
        before,
    )


def test_a_whole_shift_without_a_mouse(tabs, submit, decided):
    drafts = [submit(f"Draft number {number}.") for number in range(5)]
    with tabs("kim") as tab:
        page = tab.page
        tab.open("/desk")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent").strip() == "Claim next":
                break
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert tab.draft == drafts[0]
        tab.key_onwards("a")
        assert tab.draft == drafts[1]
        tab.key_onwards("z")
        assert tab.draft == drafts[0]
        assert decided() == []
        tab.key_onwards("a")
        tab.key_onwards("s")
        assert tab.draft == drafts[2]
        tab.key_onwards("e")
        page.keyboard.type(" And more, as easy as A, E, R, S, Z.")
        tab.key_onwards("Control+Enter")
        tab.key_onwards("r")
        tab.key_onwards("1")
        tab.key_onwards("r")
        tab.key("9")
        expect(page.get_by_label("Note for the bot's team")).to_be_focused()
        page.keyboard.type("Ends the test.")
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing waits for you")
    assert decided() == [
        (drafts[0], "approved"),
        (drafts[2], "edited"),
        (drafts[3], "rejected"),
        (drafts[4], "rejected"),
    ]


def test_causes_and_a_digit_for_a_label(system, tabs, submit, decided):
    draft = submit(kind="sentiment", sentiment={"text": "great, another delay", "label": "positive"})
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key("q")
        tab.key("u")
        tab.key("u")
        tab.key_onwards("3")
    assert decided() == [(draft, "edited")]
    assert system.rows("SELECT causes FROM feedback ORDER BY decision_id DESC LIMIT 1") == [(["sarcasm"],)]


def test_a_burst_of_one_key_decides_one_draft(tabs, submit, decided):
    drafts = [submit() for _ in range(3)]
    with tabs("kim") as tab:
        assert tab.claim() == drafts[0]
        tab.settled()
        for _ in range(6):
            tab.page.keyboard.press("a")
        expect(tab.page.locator(f"#bench[data-draft='{drafts[1]}']")).to_be_visible()
        tab.page.wait_for_timeout(1_000)
        assert decided() == [(drafts[0], "approved")]


NOTHING = [
    {"key": "a", "code": "KeyA", "repeat": True},
    {"key": "a", "code": "KeyA", "isComposing": True},
    {"key": "Process", "code": "KeyA", "keyCode": 229},
    {"key": "a", "code": "KeyA", "ctrlKey": True},
    {"key": "a", "code": "KeyA", "metaKey": True},
    {"key": "a", "code": "KeyA", "altKey": True},
    {"key": "ą", "code": "KeyA", "modifierAltGraph": True},
    {"key": "q", "code": "KeyA"},
    {"key": "A", "code": "KeyA", "shiftKey": True},
    {"key": "Enter", "code": "Enter"},
    {"key": " ", "code": "Space"},
    {"key": "Backspace", "code": "Backspace"},
]


def test_keys_that_must_do_nothing(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.settled()
        for event in NOTHING:
            fire(tab.page, event)
            tab.page.wait_for_timeout(150)
            assert (tab.draft, decided()) == (draft, []), event
        assert tab.page.locator(".pressed").count() == 0


def test_the_letter_counts_or_else_the_place_of_the_key(tabs, submit, decided):
    events = [{"key": "ф", "code": "KeyA"}, {"key": "ش", "code": "KeyA"}, {"key": "a", "code": "KeyQ"}]
    drafts = [submit() for _ in events]
    with tabs("kim") as tab:
        assert tab.claim() == drafts[0]
        for event in events:
            tab.settled()
            with tab.page.expect_navigation():
                fire(tab.page, event)
        assert decided() == [(draft, "approved") for draft in drafts]


def test_digits_by_place_whatever_the_layout_writes_there(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key_onwards("r")
        tab.settled()
        with tab.page.expect_navigation():
            fire(tab.page, {"key": "é", "code": "Digit2"})
        assert decided() == [(draft, "rejected")]


def test_typing_decides_nothing(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key_onwards("e")
        tab.settled()
        tab.page.keyboard.type("abcdefghijklmnopqrstuvwxyz 123456789")
        assert (tab.draft, decided()) == (draft, [])
        tab.page.keyboard.press("Escape")
        expect(tab.page.get_by_role("heading", level=1)).to_be_focused()
        expect(tab.page.get_by_label("Your edit")).to_have_value(
            "Your order left today.abcdefghijklmnopqrstuvwxyz 123456789"
        )


def test_keys_can_be_switched_off_and_stay_off(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.page.get_by_role("button", name="Single keys are on. Switch off").click()
        expect(tab.page.get_by_role("button", name="Single keys are off. Switch on")).to_be_focused()
        tab.page.reload()
        tab.settled()
        for key in "abcdefghijklmnopqrstuvwxyz123456789":
            tab.page.keyboard.press(key)
        tab.page.wait_for_timeout(400)
        assert (tab.draft, decided()) == (draft, [])
        tab.page.get_by_role("button", name="Single keys are off. Switch on").click()
        expect(tab.page.get_by_role("button", name="Single keys are on. Switch off")).to_be_focused()
        tab.key_onwards("a")
        assert decided() == [(draft, "approved")]


def test_a_badge_stands_in_the_name_of_its_button(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        expect(tab.page.get_by_role("button", name="Approve A", exact=True)).to_be_visible()
        expect(tab.page.get_by_role("button", name="Approve A", exact=True)).to_have_attribute("aria-keyshortcuts", "A")


def fire(page, event) -> None:
    """A key event as the browser would fire it, with what Playwright's keyboard cannot press."""
    page.evaluate(
        """event => {
            const made = new KeyboardEvent("keydown", {bubbles: true, cancelable: true, ...event});
            if (event.keyCode) Object.defineProperty(made, "keyCode", {value: event.keyCode});
            document.body.dispatchEvent(made);
        }""",
        event,
    )


def test_what_was_typed_is_not_thrown_away_without_a_word(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        page, asked = tab.page, []

        def stay(dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        assert tab.claim() == draft
        tab.key_onwards("e")
        page.once("dialog", stay)
        page.keyboard.type(" And more.")
        with page.expect_event("dialog"):
            page.get_by_role("link", name="Back to the AI draft").click(no_wait_after=True)
        with page.expect_event("dialog", lambda dialog: dialog.dismiss() or True):
            page.get_by_role("link", name="Reject").click(no_wait_after=True)
        expect(page.get_by_label("Your edit")).to_have_value("Your order left today. And more.")
        assert asked == ["beforeunload"]
        tab.press("Preview changes")
        expect(page.get_by_label("Your edit")).to_have_value("Your order left today. And more.")
        with page.expect_event("dialog", lambda dialog: dialog.dismiss() or True):
            page.get_by_role("link", name="Back to the AI draft").click(no_wait_after=True)
        tab.press("Approve edited")
        assert decided() == [(draft, "edited")]


def test_an_editor_that_was_not_touched_is_left_freely(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        tab.key_onwards("e")
        tab.page.on("dialog", lambda dialog: pytest.fail(dialog.type))
        tab.page.get_by_role("link", name="Back to the AI draft").click()
        expect(tab.page.get_by_role("button", name="Approve")).to_be_visible()


def test_a_note_is_asked_for_where_the_reason_needs_one(tabs, submit, decided):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        tab.key_onwards("r")
        note = tab.page.get_by_label("Note for the bot's team")
        expect(tab.page.get_by_text("(can stay empty)")).to_be_visible()
        tab.key("9")
        expect(tab.page.get_by_text("(needed for this reason)")).to_be_visible()
        expect(note).to_have_js_property("required", True)
        tab.page.get_by_label("Wrong tone").check()
        expect(note).to_have_js_property("required", False)
        assert decided() == []
