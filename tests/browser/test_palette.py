"""Help with the keys, the palette of actions, and keys as each person has them."""

import json

import psycopg
import pytest
from playwright.sync_api import expect

from tests.servers import SERVERS
from tests.system import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True, scope="module")
def hold(system) -> None:
    system.manage("queue", "default", "--hold=600")


@pytest.fixture
def prefer(system):
    """prefer(single_keys="off") stores it for lea, until the test ends."""

    def store(**wishes) -> None:
        with psycopg.connect(SERVERS.postgres.url("postgres", system.database)) as database:
            database.execute("UPDATE account SET preferences = %s WHERE username = 'lea'", [json.dumps(wishes)])

    yield store
    store()


@pytest.fixture
def decided(system):
    before = len(system.rows("SELECT FROM decision"))
    return lambda: system.rows("SELECT draft_id, verdict FROM decision ORDER BY id OFFSET %s", before)


# --- Help ----------------------------------------------------------------------------------------------------


def test_help_opens_over_the_page_and_gives_the_focus_back(tabs, submit, decided):
    draft = submit()
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        tab.settled()
        page.get_by_role("button", name="Approve A").focus()
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keys")
        expect(dialog.get_by_role("heading", name="Keys")).to_be_focused()
        here = dialog.locator("[data-here]")
        expect(here.get_by_role("row", name="Approve: the AI was right A")).to_be_visible()
        assert here.get_by_role("row", name="Select the row X").count() == 0
        expect(dialog.get_by_role("row", name="Skip S")).to_have_count(1)
        for key in "asrez":
            page.keyboard.press(key)
        assert (tab.draft, decided(), dialog.is_visible()) == (draft, [], True)
        dialog.get_by_label("Search").fill("AI WAS")
        expect(dialog.get_by_role("row")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name="Approve A")).to_be_focused()
        page.keyboard.press("?")
        expect(dialog.get_by_role("heading", name="Keys")).to_be_focused()
        page.keyboard.press("?")
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name="Approve A")).to_be_focused()


def test_keys_are_switched_off_in_help_for_the_page_behind_it(tabs, submit, prefer, decided):
    draft = submit()
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        tab.key("?")
        page.get_by_role("dialog").get_by_role("button", name="Single keys are on. Switch off").click()
        expect(page.get_by_role("dialog").get_by_role("button", name="Single keys are off. Switch on")).to_be_focused()
        page.keyboard.press("Escape")
        tab.key("a")
        tab.key("?")
        assert (tab.draft, decided(), page.get_by_role("dialog").count()) == (draft, [], 0)


def test_help_is_a_page_without_script(tabs):
    with tabs("lea", java_script_enabled=False) as tab:
        tab.open("/queue")
        tab.page.get_by_role("link", name="Keys", exact=True).click()
        expect(tab.page.get_by_role("heading", level=1)).to_have_text("Keys")
        expect(tab.page.get_by_role("row", name="Approve: the AI was right A")).to_have_count(2)
        assert tab.page.get_by_role("button", name="Find an action").count() == 0
        assert tab.page.get_by_label("Search").is_visible() is False


# --- Palette -------------------------------------------------------------------------------------------------


def test_the_palette_opens_in_a_field_and_gives_text_and_caret_back(tabs, submit, decided):
    draft = submit()
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        tab.open("/desk?edit=1")
        text = page.get_by_label("Your edit")
        text.press("End")
        page.keyboard.type(" One")
        page.keyboard.press("Control+k")
        field = page.get_by_role("combobox", name="Find an action or a page")
        expect(field).to_be_focused()
        expect(page.get_by_role("option", name="Approve edited Ctrl+Enter")).to_be_visible()
        page.keyboard.type("nothing like it")
        expect(page.get_by_text("Nothing is called that here.")).to_be_visible()
        expect(field).to_have_attribute("aria-expanded", "false")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(text).to_be_focused()
        page.keyboard.type(" two")
        expect(text).to_have_value("Your order left today. One two")
        page.keyboard.press("Control+k")
        expect(field).to_have_value("")
        page.keyboard.press("Control+k")
        expect(text).to_be_focused()
        assert decided() == []
        text.fill("Your order left today.")


def test_the_palette_does_what_is_chosen_and_shows_its_key(tabs, submit, decided):
    draft = submit()
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        tab.key("Control+k")
        field = page.get_by_role("combobox")
        chosen = page.locator("[role=option][aria-selected=true]")
        page.keyboard.press("ArrowUp")
        last = chosen.inner_text()
        page.keyboard.press("ArrowDown")
        assert chosen.inner_text() != last
        assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
        page.keyboard.type("sKíp")
        expect(chosen).to_have_text("Skip S")
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator(f"#bench[data-draft='{draft}']")).to_have_count(0)
        tab.key("Control+k")
        page.keyboard.type("queue")
        page.get_by_role("option", name="Queue G Q", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Queue")


# --- A person's own keys -------------------------------------------------------------------------------------


def test_another_key_is_in_badge_help_palette_and_handler(tabs, submit, prefer, decided):
    draft = submit()
    prefer(keys={"approve": "Y"})
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        tab.key("a")
        assert (tab.draft, decided()) == (draft, [])
        expect(page.get_by_role("button", name="Approve Y", exact=True)).to_be_visible()
        tab.key("?")
        row = page.get_by_role("dialog").get_by_role("row", name="Approve: the AI was right Y")
        expect(row).to_be_visible()
        page.keyboard.press("?")
        page.keyboard.press("Control+k")
        expect(page.get_by_role("option", name="Approve Y", exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        tab.key("y")
        wait_until(lambda: decided() == [(draft, "approved")], 10)


def test_keys_that_work_only_while_the_main_part_has_the_focus(tabs, submit, prefer, decided):
    draft = submit()
    prefer(single_keys="focus")
    with tabs("lea") as tab:
        page = tab.page
        assert tab.claim() == draft
        page.get_by_role("link", name="Queue", exact=True).focus()
        tab.key("a")
        tab.key("?")
        assert (tab.draft, decided(), page.get_by_role("dialog").count()) == (draft, [], 0)
        page.get_by_role("heading", level=1).focus()
        tab.key("a")
        wait_until(lambda: decided() == [(draft, "approved")], 10)


def test_colours_and_density_are_those_of_the_person(tabs, prefer):
    with tabs("lea", color_scheme="light") as tab:
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        light = tab.open("/queue").evaluate(ground)
        prefer(theme="dark", density="comfortable")
        assert tab.open("/queue").evaluate(ground) != light
        button = tab.page.get_by_role("button", name="Apply").bounding_box()
        assert button["height"] >= 44


def test_a_language_from_right_to_left_turns_the_page(tabs, prefer):
    prefer(language="ar")
    with tabs("lea") as tab:
        page = tab.open("/settings")
        assert page.evaluate("document.dir") == "rtl"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
