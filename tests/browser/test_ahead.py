"""The draft leased ahead in a real browser: painted at once, decided only by a key pressed then, never lost."""

import json
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_editor import FIELD, FREED, TAKEN, edit
from tests.system import PASSWORD, System, wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True, scope="module")
def hold(system: System) -> None:
    system.manage("queue", "default", "--hold=600")


@pytest.fixture
def decided(system):
    """decided(*drafts) is what was decided of them, in order."""

    def rows(*drafts: int):
        return system.rows("SELECT draft_id, verdict FROM decision WHERE draft_id = ANY(%s) ORDER BY id", list(drafts))

    return rows


def ready(tab, ahead: int | str) -> None:
    """Until that draft waits behind the one on the screen, which has been there long enough for a key."""
    expect(tab.page.locator("#desk")).to_have_attribute("data-ahead-draft", str(ahead))
    tab.settled()


def shows(tab, draft: int) -> None:
    expect(tab.page.locator(f"#bench[data-draft='{draft}']")).to_be_visible()


def says(tab, key: str, sentence: str) -> None:
    """A key that is refused, pressed until it is for that reason: a busy machine paints late."""

    def said() -> bool:
        tab.key(key)
        return tab.page.get_by_role("status").text_content() == sentence

    wait_until(said, 10, lambda: tab.page.get_by_role("status").text_content() or "")


@contextmanager
def on_the_way(system: System, page: Page) -> Iterator[list[str]]:
    """What is sent stays on its way until the block ends: the web server stands still. The decisions that were sent."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/decision") else None)
    web = system.processes["web"].pid
    os.killpg(web, signal.SIGSTOP)
    try:
        yield sent
    finally:
        os.killpg(web, signal.SIGCONT)


def pulse(page: Page) -> None:
    """The window is looked at again: the page asks at once."""
    with page.expect_response("**/pulse"):
        page.evaluate("dispatchEvent(new Event('focus'))")


# --- Painted at once -----------------------------------------------------------------------------------------


def test_the_next_draft_is_painted_while_the_decision_is_on_its_way(system, tabs, submit, decided):
    first, second, third = (submit(f"Draft number {number}.") for number in range(3))
    with tabs("kim") as tab:
        page = tab.page
        assert tab.claim() == first
        ready(tab, second)
        page.evaluate("window.same = true")
        with on_the_way(system, page) as sent:
            page.keyboard.press("a")
            shows(tab, second)
            expect(page.get_by_role("heading", level=1)).to_be_focused()
            expect(page).to_have_title(re.compile(f"^#{second} "))
            assert decided(first) == []
        assert len(sent) == 1
        wait_until(lambda: decided(first) == [(first, "approved")], 10)
        expect(page.get_by_role("region", name="Held decisions")).to_contain_text(f"#{first}")
        ready(tab, third)
        assert page.evaluate("window.same") is True
        assert tab.draft == second


BURST = """() => {
    for (let n = 0; n < 4; n++) document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "a", bubbles: true}));
}"""


def test_a_key_counts_for_the_draft_that_was_painted(system, tabs, submit, decided):
    """Presses that came before the next draft could be seen are no decision about it."""
    first, second, _ = (submit() for _ in range(3))
    with tabs("kim") as tab:
        tab.claim()
        ready(tab, second)
        with on_the_way(system, tab.page) as sent:
            tab.page.evaluate(BURST)
            shows(tab, second)
            assert len(sent) == 1
        wait_until(lambda: decided(first, second) == [(first, "approved")], 10)
        expect(tab.page.locator("#saving")).to_be_hidden()
        tab.key("a")
        wait_until(lambda: decided(first, second) == [(first, "approved"), (second, "approved")], 10)


def test_the_time_on_a_draft_begins_when_it_is_painted(system, tabs, submit, decided):
    first, second, _ = (submit() for _ in range(3))
    with tabs("kim") as tab:
        tab.claim()
        ready(tab, second)
        tab.page.wait_for_timeout(1_500)  # leased, and not seen
        tab.key("a")
        shows(tab, second)
        tab.key("a")
        wait_until(lambda: len(decided(first, second)) == 2, 10)
    sql = """
    SELECT viewed_ms, (extract(epoch FROM decision.at - draft.shown_at) * 1000)::int
    FROM feedback JOIN decision ON decision.id = decision_id JOIN draft ON draft.id = draft_id WHERE draft_id = %s
    """
    assert system.rows(sql, first)[0][0] >= 1_900
    [(viewed, shown)] = system.rows(sql, second)
    assert 300 <= viewed < 1_900
    assert shown < 1_900


def test_no_more_than_one_is_kept_unseen_whatever_is_on_its_way(system, tabs, submit, decided):
    drafts = [submit() for _ in range(4)]
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        ready(tab, drafts[1])
        with on_the_way(system, page):
            page.keyboard.press("a")
            shows(tab, drafts[1])
            tab.key("a")
            expect(page.locator("#bench")).to_have_attribute("aria-busy", "true")
            says(tab, "s", "Wait: the last one is still on its way.")
            held = "SELECT count(*) FROM draft JOIN account ON account.id = holder_id WHERE username = 'kim'"
            assert system.rows(held) == [(2,)]
            # Nobody leaves what is not saved.
            page.once("dialog", lambda dialog: dialog.dismiss())
            with page.expect_event("dialog"):
                page.evaluate("location.assign('/queue')")
        # Both answers lease one, in either order.
        expect(page.locator("#bench")).to_have_attribute("data-draft", re.compile(f"{drafts[2]}|{drafts[3]}"))
        expect(page.locator("#desk")).to_have_attribute("data-ahead-draft", str(sum(drafts[2:]) - tab.draft))
        assert page.locator("[data-conflict]").count() == 0
        wait_until(lambda: sorted(decided(*drafts)) == [(draft, "approved") for draft in drafts[:2]], 10)


def test_a_page_that_is_not_seen_gives_back_what_is_ahead(system, tabs, submit):
    first, second = submit(), submit()
    with tabs("kim") as tab:
        page = tab.page
        page.clock.install()
        tab.claim()
        page.clock.run_for(2_000)
        expect(page.locator("#desk")).to_have_attribute("data-ahead-draft", str(second))
        page.evaluate(
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden'}),"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.clock.run_for(121_000)
        expect(page.locator("#desk")).to_have_attribute("data-ahead-draft", "")
        wait_until(lambda: system.rows("SELECT status FROM draft WHERE id = %s", second) == [("waiting",)], 10)
        assert system.rows("SELECT status FROM draft WHERE id = %s", first) == [("claimed",)]


# --- What is said, and where the focus goes ------------------------------------------------------------------

LISTEN = """() => {
    window.said = {say: [], alert: []};
    for (const id of ["say", "alert"]) {
        const line = document.getElementById(id);
        new MutationObserver(() => { if (line.textContent.trim()) window.said[id].push(line.textContent.trim()); })
            .observe(line, {childList: true, characterData: true, subtree: true});
    }
}"""


def test_one_sentence_for_each_decision_and_never_an_alarm(tabs, submit, decided):
    drafts = [submit() for _ in range(4)]
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        page.evaluate(LISTEN)
        for draft, after in pairwise(drafts):
            ready(tab, after)
            page.keyboard.press("a")
            shows(tab, after)
            expect(page.get_by_role("heading", level=1)).to_be_focused()
            wait_until(lambda draft=draft: decided(draft) == [(draft, "approved")], 10)
        pulse(page)
        said = page.evaluate("window.said")
    assert [re.findall(r"#(\d+)", sentence) for sentence in said["say"]] == [
        [str(draft), str(after)] for draft, after in pairwise(drafts)
    ]
    assert all("Approved" in sentence for sentence in said["say"])
    assert said["alert"] == []


def test_the_last_draft_leaves_the_focus_on_the_empty_desk(tabs, submit):
    submit()
    with tabs("kim") as tab:
        tab.claim()
        tab.key("a")
        heading = tab.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile("Nothing waits for you|Ready for your next draft"))
        expect(heading).to_be_focused()


# --- What needs the person -----------------------------------------------------------------------------------


def test_a_decision_that_came_too_late_is_told_beside_the_next_draft(system, tabs, submit, decided):
    first, second, _ = (submit() for _ in range(3))
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        ready(tab, second)
        system.rows(TAKEN, first)
        page.keyboard.press("a")
        shows(tab, second)
        expect(page.get_by_role("alert")).to_have_text(f"One decision needs you: #{first}")
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        panel = page.locator(f"#conflicts [data-conflict='{first}']")
        expect(panel).to_contain_text("lea has this draft since")
        assert panel.evaluate(
            "panel => panel.compareDocumentPosition(document.getElementById('bench')) & 4"  # the draft follows it
        )
        panel.get_by_role("button", name="Close").click()
        expect(panel).to_have_count(0)
        expect(page.locator("#alert")).to_be_empty()
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        tab.key("a")
        wait_until(lambda: decided(first, second) == [(second, "approved")], 10)
        assert all("409" in complaint for complaint in tab.complaints), tab.complaints
        tab.complaints.clear()
    system.rows(FREED, first)


def test_a_text_that_came_too_late_is_in_the_panel(system, tabs, submit):
    first, second = submit(), submit()
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        ready(tab, second)
        edit(tab)
        page.keyboard.type(" One.")
        system.rows(TAKEN, first)
        page.keyboard.press("Control+Enter")
        shows(tab, second)
        expect(page.locator("#conflicts textarea")).to_have_value("Your order left today. One.")
        tab.complaints.clear()
    system.rows(FREED, first)


STOP = """
UPDATE customer SET opted_out_at = now() FROM draft WHERE draft.customer_id = customer.id AND draft.id = %s
RETURNING draft.id
"""


def test_who_opted_out_stops_the_draft_on_the_screen(system, tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        pulse(page)
        system.rows(STOP, draft)
        pulse(page)
        panel = page.locator(f"#conflicts [data-conflict='{draft}']")
        expect(panel).to_contain_text("The AI draft and edits of it cannot be sent.")
        expect(panel.get_by_role("heading")).to_be_focused()
        expect(page.get_by_role("alert")).to_have_text("The customer chose people only")
        tab.key("a")
        expect(page.get_by_role("status")).to_have_text(re.compile("The customer chose people only"))
        assert decided(draft) == []
        panel.get_by_role("button", name="Write without AI").click()
        expect(page.locator(FIELD)).to_have_value("")
        page.get_by_role("button", name="Discard").click()


def test_who_types_goes_on_typing_when_the_customer_opts_out(system, tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        edit(tab)
        page.keyboard.type(" One.")
        system.rows(STOP, draft)
        pulse(page)
        expect(page.get_by_role("alert")).to_have_text("The customer chose people only")
        expect(page.locator(FIELD)).to_be_focused()
        page.keyboard.type(" Two.")
        expect(page.locator(FIELD)).to_have_value("Your order left today. One. Two.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("status")).to_have_text(re.compile("The customer chose people only"))
        assert decided(draft) == []
        expect(page.locator(FIELD)).to_have_value("Your order left today. One. Two.")


def test_a_draft_taken_while_typing_keeps_the_text(system, tabs, submit, decided):
    draft = submit()
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        edit(tab)
        page.keyboard.type(" One.")
        system.rows(TAKEN, draft)
        pulse(page)
        expect(page.locator(f"#conflicts [data-conflict='{draft}']")).to_contain_text("lea has this draft since")
        expect(page.locator(FIELD)).to_be_focused()
        expect(page.locator(FIELD)).to_have_value("Your order left today. One.")
    system.rows(FREED, draft)


def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="You are signed out")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("more", [0, 1])
def test_a_session_that_ended_while_typing(tabs, submit, decided, more):
    """With a draft ahead, and without: what was typed is there again, and only a key after the sign-in sends it."""
    drafts = [submit() for _ in range(1 + more)]
    with tabs("lea", fresh=True) as tab:
        page = tab.page
        assert tab.claim() == drafts[0]
        if more:
            ready(tab, drafts[1])
        edit(tab)
        page.keyboard.type(" One.")
        page.context.clear_cookies(name="session")
        page.keyboard.press("Control+Enter")
        sign_in_again(page)
        shows(tab, drafts[0])
        expect(page.locator(FIELD)).to_have_value("Your order left today. One.")
        assert decided(*drafts) == []
        assert all("401" in complaint for complaint in tab.complaints), tab.complaints
        tab.complaints.clear()
        tab.settled()
        page.locator(FIELD).press("Control+Enter")
        wait_until(lambda: decided(*drafts) == [(drafts[0], "edited")], 10)
        if more:
            shows(tab, drafts[1])
        else:
            expect(page.get_by_role("button", name="Claim next")).to_be_visible()


def test_without_a_server_decisions_wait_and_are_sent_once(system, tabs, submit, decided):
    first, second, third = (submit() for _ in range(3))
    with tabs("kim") as tab:
        page = tab.page
        tab.claim()
        ready(tab, second)
        system.kill("web")
        try:
            page.keyboard.press("a")
            shows(tab, second)
            expect(page.locator("#offline")).to_contain_text("decisions wait")
            says(tab, "s", "Offline: decisions wait.")
            assert decided(first, second) == []
        finally:
            system.start("web")
            system.wait_for_web()
        wait_until(lambda: decided(first, second) == [(first, "approved")], 15)
        expect(page.locator("#offline")).to_be_hidden()
        tab.key("a")
        wait_until(lambda: decided(first, second) == [(first, "approved"), (second, "approved")], 10)
        shows(tab, third)
        tab.complaints.clear()


def test_an_answer_that_was_lost_counts_once(system, tabs, submit, decided):
    """The server took the decision; the browser was not told, and sends the same again."""
    first, second, _ = (submit() for _ in range(3))

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    with tabs("kim") as tab:
        tab.claim()
        ready(tab, second)
        tab.page.route("**/decision", lose, times=1)
        tab.page.keyboard.press("a")
        shows(tab, second)
        expect(tab.page.get_by_role("region", name="Held decisions")).to_contain_text(f"#{first}")
        assert decided(first) == [(first, "approved")]
        tab.complaints.clear()


# --- Keys at random ------------------------------------------------------------------------------------------

# Every key with the draft that had been on the screen for a while when it was pressed; kept over the pages of a tab.
WITNESS = """(() => {
    let since = [];
    const look = () => {
        const draft = document.getElementById("bench")?.dataset.draft ?? "";
        if (since[0] !== draft) since = [draft, performance.now()];
        requestAnimationFrame(look);
    };
    look();
    addEventListener("keydown", ({key}) => {
        const draft = document.getElementById("bench")?.dataset.draft ?? "";
        if (draft !== since[0] || performance.now() - since[1] < 250) return;
        const count = Number(sessionStorage.getItem("pressed") ?? 0);
        sessionStorage.setItem(`pressed.${count}`, JSON.stringify([draft, key]));
        sessionStorage.setItem("pressed", count + 1);
    }, true);
})()"""
WITNESSED = (
    "() => Object.keys(sessionStorage).filter((key) => key.startsWith('pressed.')).map((key) => sessionStorage[key])"
)

# What somebody may press, by how often; a key more than once is a double press.
PRESSES = {
    "a": 8,
    "a a": 4,
    "a a a a": 2,
    "s": 2,
    "s a": 2,
    "r": 2,
    "1": 2,
    "Escape": 2,
    "n": 1,
    "z": 1,
    "x": 1,
    "Tab": 1,
}
KEYS = {"approved": "a", "rejected": "1"}


@pytest.mark.matrix("hammered keys")
@pytest.mark.timeout(5400)
def test_hammered_keys_decide_nothing_that_was_not_on_the_screen(
    system, tabs, submit, decided, request, record_property
):
    """0 decisions on another draft than the one that was painted, in 200 keys; with --full in 10,000."""
    presses = 10_000 if request.config.getoption("--full") else 200
    chance = random.Random(4821)
    drafts = [submit(f"Draft number {number}.") for number in range(presses // 5)]
    with tabs("kim") as tab:
        page = tab.page
        page.add_init_script(WITNESS)
        assert tab.claim() == drafts[0]
        pressed = 0
        while pressed < presses:
            keys = chance.choices(list(PRESSES), list(PRESSES.values()))[0].split()
            for key in keys:
                page.keyboard.press(key)
            pressed += len(keys)
            page.wait_for_timeout(chance.choice([0, 20, 120, 320, 500]))
        tab.settled()  # the last key may lead to another page
        expect(page.locator("#saving")).to_be_hidden()
        pulse(page)
        witnessed = Counter(tuple(json.loads(line)) for line in page.evaluate(WITNESSED))
        tab.complaints.clear()
    decisions = Counter(decided(*drafts))
    wrong = {
        (draft, verdict): times
        for (draft, verdict), times in decisions.items()
        if times > witnessed[(str(draft), KEYS[verdict])]
    }
    assert wrong == {}
    assert len(decisions) > presses / 20, "hardly anything was decided, so that little was tried"
    record_property("keys pressed", pressed)
    record_property("decisions, all of what was on the screen", len(decisions))
