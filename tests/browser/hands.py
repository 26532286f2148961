"""Two ways to work: with a mouse where no script runs, and with Tab, Enter, Space and the arrows alone."""

import re

from playwright.sync_api import Error, Page

from tests.browser.conftest import Tab

# Stops of two walks through a long page.
MANY = 300

HERE = """() => {
    const here = document.activeElement;
    const name = here.getAttribute("aria-label") ?? here.labels?.[0]?.textContent ?? here.textContent;
    const box = here.matches("input[type=radio], input[type=checkbox]");
    const tag = here.matches(".skip") ? "SKIP" : here.tagName;
    return [box ? "BOX" : tag, name.trim().replace(/\\s+/g, " ")];
}"""


class Hand:
    """Does what a person wants to be done, by the names of things on the page."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.page: Page = tab.page

    def press(self, name: str) -> None:
        raise NotImplementedError

    def fill(self, label: str, text: str) -> None:
        raise NotImplementedError

    def check(self, label: str) -> None:
        raise NotImplementedError

    def choose(self, label: str, option: str) -> None:
        raise NotImplementedError


class Mouse(Hand):
    def press(self, name: str) -> None:
        named = self.page.locator("a:not(.skip), button, summary").filter(
            has_text=re.compile(rf"^\s*{re.escape(name)}")
        )
        named.locator("visible=true").first.click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label).first.fill(text)

    def check(self, label: str) -> None:
        self.page.get_by_label(label).first.check()

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label).first.select_option(label=option)


class Keyboard(Hand):
    def press(self, name: str) -> None:
        self._go({"A", "BUTTON", "SUMMARY"}, name)
        self.page.keyboard.press("Enter")

    def fill(self, label: str, text: str) -> None:
        self._go({"TEXTAREA", "INPUT"}, label)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def check(self, label: str) -> None:
        """A group of radio buttons is one stop of Tab: the arrows go on from there."""
        self._go({"BOX"}, label, on="ArrowDown")
        self.page.keyboard.press("Space")

    def choose(self, label: str, option: str) -> None:
        self._go({"SELECT"}, label)
        self.page.keyboard.type(option)

    def _go(self, tags: set[str], name: str, on: str = "Tab") -> None:
        """Tab on until the thing with that name has the focus; within a group of radio buttons by `on`."""
        self.tab.settled()
        for _ in range(MANY):
            tag, called = self._here()
            if tag in tags and called.startswith(name):
                return
            in_group = on != "Tab" and self._is_radio() and name in self._group()
            self.page.keyboard.press(on if in_group else "Tab")
        raise AssertionError(f"no stop of Tab is called {name}")

    def _here(self) -> list[str]:
        try:
            return list(self.page.evaluate(HERE))
        except Error:  # on the way to another page
            self.page.wait_for_load_state()
            return list(self.page.evaluate(HERE))

    def _is_radio(self) -> bool:
        return bool(self.page.evaluate("document.activeElement.matches('input[type=radio]')"))

    def _group(self) -> str:
        return str(
            self.page.evaluate(
                """[...document.getElementsByName(document.activeElement.name)]
                    .map(one => one.labels[0].textContent).join(" ")"""
            )
        )
