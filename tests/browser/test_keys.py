"""Single keys: what they do, and when they must do nothing."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.test_ahead import on_the_way, ready, shows
from tests.system import System, wait_until

pytestmark = pytest.mark.timeout(300)

# What a decision that is held longer waits.
LONGER = timedelta(minutes=30)


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
        tab.key("e")
        expect(page.get_by_label("Your edit")).to_be_focused()
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


def test_a_burst_of_one_key_decides_one_draft(system, tabs, submit, decided):
    drafts = [submit() for _ in range(3)]
    with tabs("kim") as tab:
        assert tab.claim() == drafts[0]
        tab.settled()
        # As fast as it may be: before the first is answered, however long a busy machine takes for six keys.
        with on_the_way(system, tab.page) as sent:
            for _ in range(6):
                tab.page.keyboard.press("a")
            assert len(sent) == 1
        expect(tab.page.locator(f"#bench[data-draft='{drafts[1]}']")).to_be_visible()
        tab.page.wait_for_timeout(1_000)
        assert decided() == [(drafts[0], "approved")]


def test_a_double_click_decides_one_draft(tabs, submit, decided):
    said = {"text": "great, another delay", "label": "positive", "labels": ["positive", "negative"]}
    first, second = (submit(kind="sentiment", sentiment=said) for _ in range(2))
    with tabs("kim") as tab:
        assert tab.claim() == first
        expect(tab.page.locator("#desk")).to_have_attribute("data-ahead-draft", str(second))
        tab.settled()
        tab.page.get_by_role("button", name="negative").dblclick()
        expect(tab.page.get_by_role("status")).to_have_text("Not yet: this has only just come up.")
        tab.page.wait_for_timeout(1_000)
        assert decided() == [(first, "edited")]
        tab.page.get_by_role("button", name="negative").click()
        wait_until(lambda: decided() == [(first, "edited"), (second, "edited")], 10, "a single click decides")


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


# Flags of a label are toggled by Q W D L B U: which key counts as which, layout by layout.
LETTERS = [
    ("Cyrillic", {"key": "й", "code": "KeyQ"}, "sarcasm"),
    ("Cyrillic", {"key": "И", "code": "KeyB"}, "both-moods"),
    ("Greek", {"key": ";", "code": "KeyQ"}, "sarcasm"),
    ("Greek", {"key": "ς", "code": "KeyW"}, "slang"),
    ("Arabic", {"key": "ض", "code": "KeyQ"}, "sarcasm"),
    ("Arabic", {"key": "لا", "code": "KeyB"}, "both-moods"),
    ("Hebrew", {"key": "/", "code": "KeyQ"}, "sarcasm"),
    ("Hebrew", {"key": "'", "code": "KeyW"}, "slang"),
    ("Thai", {"key": "ๆ", "code": "KeyQ"}, "sarcasm"),
    ("Thai", {"key": "ี", "code": "KeyU"}, "unclear"),
    ("Japanese", {"key": "た", "code": "KeyQ"}, "sarcasm"),
    ("French", {"key": "q", "code": "KeyA"}, "sarcasm"),
    ("French", {"key": "w", "code": "KeyZ"}, "slang"),
    ("Dvorak", {"key": "q", "code": "KeyX"}, "sarcasm"),
    ("Dvorak", {"key": "w", "code": "Comma"}, "slang"),
    ("Dvorak", {"key": "'", "code": "KeyQ"}, ""),
    ("Dvorak", {"key": ",", "code": "KeyW"}, ""),
    ("Dvorak", {"key": "x", "code": "KeyB"}, ""),
    ("Caps Lock", {"key": "Q", "code": "KeyQ"}, "sarcasm"),
    ("dead key", {"key": "Dead", "code": "KeyQ"}, ""),
]


def test_the_letter_counts_or_else_the_place_of_the_key(tabs, submit):
    submit(kind="sentiment", sentiment={"text": "great", "label": "positive"})
    ticked = "() => [...document.querySelectorAll('[name=causes]:checked')].map(one => one.value).join()"
    with tabs("kim") as tab:
        tab.claim()
        tab.settled()
        for layout, event, flag in LETTERS:
            for state in (flag, ""):  # on, and off again
                fire(tab.page, event)
                assert tab.page.evaluate(ticked) == state, (layout, event)


# The ninth reason needs a note, so its digit leads there.
NINTH = [
    ("French", {"key": "ç", "code": "Digit9"}, True),
    ("French", {"key": "9", "code": "Digit9", "shiftKey": True}, True),
    ("Thai", {"key": "ต", "code": "Digit9"}, True),
    ("number pad", {"key": "9", "code": "Numpad9"}, True),
    ("number pad as arrows", {"key": "PageUp", "code": "Numpad9"}, False),
    ("a bracket", {"key": "(", "code": "Digit9", "shiftKey": True}, False),
]


def test_digits_by_place_whatever_the_layout_writes_there(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.open("/desk?reject=1")
        tab.settled()
        heading, note = tab.page.get_by_role("heading", level=1), tab.page.get_by_label("Note for the bot's team")
        for layout, event, counts in NINTH:
            heading.focus()
            fire(tab.page, event)
            assert note.evaluate("note => note === document.activeElement") is counts, (layout, event)
        heading.focus()
        fire(tab.page, {"key": "/", "code": "Digit2"})  # Thai
        wait_until(lambda: decided() == [(draft, "rejected")], 10)


SIGNS = [
    ("German", {"key": "?", "code": "Minus", "shiftKey": True}),
    ("French", {"key": "?", "code": "KeyM", "shiftKey": True}),
    ("Cyrillic", {"key": "?", "code": "Digit7", "shiftKey": True}),
    ("Arabic", {"key": "؟", "code": "Slash", "shiftKey": True}),
]


def test_signs_as_written_or_else_by_place(tabs):
    with tabs("kim") as tab:
        page = tab.open("/queue")
        tab.settled()
        for layout, event in SIGNS:
            fire(page, event)
            expect(page.get_by_role("dialog", name="Keys"), layout).to_be_visible()
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog", name="Keys"), layout).to_have_count(0)


def test_every_badge_presses_its_own_button(tabs, submit):
    """No key is dead, none presses something else; and the button looks pressed at once, even when refused."""
    submit(), submit(kind="sentiment", sentiment={"text": "great", "label": "positive"})
    with tabs("kim") as tab:
        for path in ("/desk", "/desk?edit=1", "/desk?reject=1", "/queue", "/decisions", "/settings"):
            if path == "/desk":
                tab.claim()
            page = tab.open(path)
            tab.settled()
            assert page.evaluate(PRESS_ALL) == [], path
        tab.open("/desk")
        tab.page.get_by_role("button", name="Skip").click()
        expect(tab.page.locator("[name=causes]").first).to_be_visible()
        tab.settled()
        assert tab.page.evaluate(PRESS_ALL) == []


# Each key of the page is pressed, each click is kept from doing anything. What did not go where its badge says is told.
PRESS_ALL = """() => {
    let hit = null;
    addEventListener("click", (event) => {
        hit ??= event.target.closest("[data-key]"); event.preventDefault(); event.stopImmediatePropagation();
    }, true);
    const fire = (key, more) =>
        document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true, ...more}));
    const wrong = [];
    for (const element of document.querySelectorAll("[data-key]")) {
        const name = element.dataset.key;
        if (!element.checkVisibility() || document.querySelector(`[data-key="${name}"]`) !== element) continue;
        hit = null;
        for (const part of name.split(" ")) {
            const key = part.split("+").at(-1);
            fire(key === "Esc" ? "Escape" : key, {
                shiftKey: part.startsWith("Shift"), ctrlKey: part.startsWith("Ctrl"),
                code: /^\\d$/.test(key) ? `Digit${key}` : `Key${key}`,
            });
        }
        const focused = element.matches("input, select, textarea") && document.activeElement === element;
        if (hit !== element && !focused) wrong.push(name);
        if (!focused && !element.classList.contains("pressed")) wrong.push(`${name} does not look pressed`);
    }
    return wrong;
}"""


def test_after_g_a_key_is_a_place_and_never_a_decision(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key("g")
        tab.page.keyboard.press("a")
        expect(tab.page.get_by_role("status")).to_have_text("That is not possible here now.")
        assert (tab.draft, decided()) == (draft, [])
        tab.page.keyboard.press("g")
        with tab.page.expect_navigation():
            tab.page.keyboard.press("q")
        expect(tab.page.get_by_role("heading", level=1)).to_have_text("Queue")
        tab.page.keyboard.press("g")
        with tab.page.expect_navigation():
            tab.page.keyboard.press("d")
        tab.key("g")
        tab.page.wait_for_timeout(1_700)
        tab.page.keyboard.press("a")
        wait_until(lambda: decided() == [(draft, "approved")], 10)


def test_what_is_refused_says_why(tabs, submit, decided):
    draft = submit("Order {{Order Number}} is on its way.")
    with tabs("kim") as tab:
        assert tab.claim() == draft
        status = tab.page.get_by_role("status")
        tab.key("a")
        expect(status).to_contain_text("It cannot be approved as it is")
        tab.page.locator("[data-key=S]").evaluate(
            "button => { button.ariaDisabled = 'true'; button.dataset.why = 'No.'; }"
        )
        tab.key("s")
        expect(status).to_have_text("No.")
        tab.page.evaluate("document.dispatchEvent(new CustomEvent('desk:locked'))")
        tab.key("r")
        expect(status).to_have_text("Wait: the last one is still on its way.")
        tab.page.evaluate("document.dispatchEvent(new CustomEvent('desk:painted'))")
        tab.page.keyboard.press("r")
        expect(status).to_have_text("Not yet: this has only just come up.")
        assert (tab.draft, decided()) == (draft, [])
        tab.key("r")
        expect(tab.page.get_by_label("Note for the bot's team")).to_be_visible()


def test_h_holds_the_newest_decision_longer_once(system, tabs, submit, decided):
    number, other = submit(), submit()
    with tabs("kim") as tab:
        assert tab.claim() == number
        tab.key("a")
        undo = tab.page.get_by_role("button", name=f"Undo #{number}")
        expect(undo).to_be_visible()
        tab.key_onwards("h")
        sql = "SELECT until - at FROM hold JOIN decision ON decision.id = decision_id WHERE draft_id = %s"
        assert system.rows(sql, number) == [(LONGER,)]
        assert tab.draft == other
        tab.key("h")
        expect(tab.page.get_by_role("status")).to_contain_text("Held as long as possible.")
        tab.key_onwards("z")
        assert decided() == []


@pytest.mark.parametrize(
    ("how", "left"),
    [("h", (timedelta(minutes=10), LONGER)), ("Hold longer", (LONGER, timedelta(minutes=10)))],
)
def test_held_longer_is_what_a_key_or_a_button_means(system, tabs, submit, decided, how, left):
    """While a decision is on its way, too: a key means that one, as the newest; a button means that of its row."""
    first, second, third = (submit() for _ in range(3))
    sql = (
        "SELECT until - at FROM hold JOIN decision ON decision.id = decision_id WHERE draft_id IN (%s, %s) ORDER BY id"
    )
    with below(system, tabs, first, second, third) as page:
        page.keyboard.press(how) if len(how) == 1 else page.get_by_role("button", name=f"{how} #{first}").click()
    wait_until(lambda: system.rows(sql, first, second) == [(left[0],), (left[1],)], 10)
    assert decided() == [(first, "approved"), (second, "approved")]


def test_what_is_sent_now_while_a_decision_is_on_its_way_is_that_of_its_row(system, tabs, submit, decided):
    first, second, third = (submit() for _ in range(3))
    sql = "SELECT draft_id, outcome FROM settlement JOIN decision ON decision.id = decision_id WHERE draft_id >= %s"
    with below(system, tabs, first, second, third) as page:
        page.get_by_role("button", name=f"Send now #{first}").click()
    wait_until(lambda: system.rows(sql, first) == [(first, "final")], 10)
    assert decided() == [(first, "approved"), (second, "approved")]


@contextmanager
def below(system, tabs, first, second, third):
    """The desk with the first decision held and the second on its way."""
    with tabs("kim") as tab:
        assert tab.claim() == first
        ready(tab, second)
        tab.key("a")
        expect(tab.page.get_by_role("button", name=f"Undo #{first}")).to_be_visible()
        ready(tab, third)
        with on_the_way(system, tab.page):
            tab.page.keyboard.press("a")
            shows(tab, third)
            tab.settled()
            yield tab.page
        expect(tab.page.get_by_role("button", name=f"Undo #{second}")).to_be_visible()


def test_messages_are_walked_through_and_unfolded(tabs, submit):
    messages = [
        {"id": f"m{n}", "author": author, "text": f"Message {n}"}
        for n, author in enumerate(("customer", "agent", "customer"))
    ]
    submit(conversation={"id": "walk", "channel": "email", "subject": "Walk", "messages": messages})
    with tabs("kim") as tab:
        tab.claim()
        said = tab.page.locator(".said:focus .words")
        tab.key("p")
        expect(said).to_have_text("Message 2")
        for key, text in (("p", "Message 1"), ("p", "Message 0"), ("p", "Message 0"), ("n", "Message 1")):
            tab.page.keyboard.press(key)
            expect(said).to_have_text(text)
            expect(said).to_be_visible()


def test_typing_decides_nothing(tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        assert tab.claim() == draft
        tab.key("e")
        expect(tab.page.get_by_label("Your edit")).to_be_focused()
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
        tab.open("/desk?reject=1")
        note = page.get_by_label("Note for the bot's team")
        note.press_sequentially("Wrong parcel.")
        page.on("dialog", stay)
        with page.expect_event("dialog"):
            page.get_by_role("link", name="Back to the draft").click(no_wait_after=True)
        expect(note).to_have_value("Wrong parcel.")
        page.get_by_label("Wrong tone").check()
        page.get_by_role("button", name="Reject", exact=True).click()
        wait_until(lambda: decided() == [(draft, "rejected")], 10)
        assert asked == ["beforeunload"]


def test_an_editor_that_was_not_touched_is_left_freely(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        tab.key("e")
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


# How many keys a task takes, text that is typed not counted: what opens shows first the words that follow the key.
REPLY: dict[str, object] = {}
LABEL = {"kind": "sentiment", "sentiment": {"text": "great", "label": "positive"}}
TASKS = [
    ("approve", REPLY, ["a"], "approved"),
    ("accept the label", LABEL, ["a"], "approved"),
    ("correct the label", LABEL, ["3"], "edited"),
    ("correct the label, with a flag", LABEL, ["q", "3"], "edited"),
    ("reject with a reason", REPLY, ["r", "1"], "rejected"),
    ("edit and approve", REPLY, ["e", "Control+Enter"], "edited"),
]


@pytest.mark.parametrize(("task", "draft", "keys", "verdict"), TASKS, ids=[task[0] for task in TASKS])
def test_a_task_takes_so_many_keys(tabs, submit, decided, task, draft, keys, verdict):
    number = submit(**draft)
    with tabs("kim") as tab:
        assert tab.claim() == number
        for key in keys:
            tab.key(key)
            if key == "r":
                expect(tab.page.get_by_label("Note for the bot's team")).to_be_visible()
            if key == "e":
                expect(tab.page.get_by_label("Your edit")).to_be_focused()
                tab.page.keyboard.type(" Typed.")
        wait_until(lambda: decided() == [(number, verdict)], 10)
        expect(tab.page.get_by_role("button", name=f"Undo #{number}")).to_be_visible()
        tab.key("z")
        wait_until(lambda: decided() == [], 10)


@pytest.mark.parametrize(("keys", "left"), [(["s"], "skip"), (["f", "1"], "handover")], ids=["skip", "escalate"])
def test_leaving_a_draft_takes_so_many_keys(system, tabs, submit, keys, left):
    number = submit()
    with tabs("kim") as tab:
        assert tab.claim() == number
        for key in keys[:-1]:
            tab.key_onwards(key)
        tab.key(keys[-1])
        wait_until(lambda: system.rows(f"SELECT status FROM draft WHERE id = {number}") == [("waiting",)], 10)
    assert system.rows(f"SELECT count(*) FROM {left} WHERE draft_id = {number}") == [(1,)]
