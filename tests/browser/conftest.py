"""Debian's Chromium, driven by Playwright, against the whole running product. No browser is ever downloaded."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Response, expect, sync_playwright

from reviewqueue.client import Client, Problem
from tests.browser import pages, program
from tests.system import PASSWORD, System

MISSING = (
    "needs Chromium (apt-get install chromium-headless-shell): .venv/bin/python -m pytest tests/browser; "
    "REQUIRE_BROWSER=1 makes its absence a failure"
)

ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# After the two frames that a page takes to be painted, the time for which its keys do not count yet, and a little more.
SETTLED = """Promise.race([
    new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 400)))),
    new Promise(done => setTimeout(done, 3000)),
])"""

# What a page shows when a server has answered, on a machine that does other work, too.
expect.set_options(timeout=15_000)

DESKTOP = {"width": 1366, "height": 800}
PHONE = {"width": 320, "height": 640}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", action="store_true", help="write the pictures of docs/shots anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The whole matrix takes long: only with --full is it a test at all."""
    if not config.getoption("--full"):
        left_out = [item for item in items if item.path.name == "test_matrix.py"]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = program.chromium()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Tab:
    """One tab, signed in. Whatever it complains about (a script's error, a broken content security policy, an answer of
    the server that is an error) is kept in `complaints`, and fails the test unless it was expected."""

    def __init__(self, system: System, context: BrowserContext) -> None:
        self.url = system.url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.answer: Response | None = None
        context.on("response", self._answered)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _answered(self, response: Response) -> None:
        """Keeps what the server last answered a page with."""
        if response.request.is_navigation_request() and not 300 <= response.status < 400:
            self.answer = response

    def cookie(self, session: str) -> None:
        """Whose session this is from now on."""
        self.page.context.add_cookies([{"name": "session", "value": session, "url": self.url}])

    def sign_in(self, username: str) -> None:
        self.page.goto(f"{self.url}/sign-in")
        self.page.get_by_label("Name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def claim(self) -> int:
        """Claim the next draft; its id."""
        self.open("/desk")
        if not self.page.locator("#bench").count():
            self.page.get_by_role("button", name="Claim next").click()
        return self.draft

    @property
    def draft(self) -> int:
        """The draft on the screen."""
        return int(self.page.locator("#bench").get_attribute("data-draft") or 0)

    def press(self, name: str) -> None:
        """Click the button that leads to another page, and wait for that."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).first.click()

    def settled(self) -> None:
        """Until the draft has been on the screen long enough for a key to count."""
        for _ in range(5):
            self.page.wait_for_load_state()
            with suppress(Error):  # another page came meanwhile
                self.page.evaluate(SETTLED)
                return

    def key(self, key: str) -> None:
        self.settled()
        self.page.keyboard.press(key)

    def key_onwards(self, key: str) -> None:
        """Press a key that leads to another page, and wait for that."""
        self.settled()
        with self.page.expect_navigation():
            self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def cookies() -> dict[str, Any]:
    """Who signed in before, so that the other tests need not."""
    return {}


@pytest.fixture
def tabs(system: System, chromium: Browser, cookies: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """`with tabs("amina") as tab:` a tab of her own browser; more arguments are those of a browser context. `fresh`
    signs in anew: for a test that signs out."""
    opened: list[BrowserContext] = []

    @contextmanager
    def opening(username: str, *, fresh: bool = False, **how: Any) -> Iterator[Tab]:
        known = None if fresh else cookies.get(username)
        context = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", "storage_state": known, **how})
        opened.append(context)
        tab = Tab(system, context)
        if not known:
            tab.sign_in(username)
            if not fresh:
                cookies[username] = context.storage_state()
        yield tab
        assert tab.complaints == []

    yield opening
    for context in opened:
        still(context)
        context.close()


def still(context: BrowserContext) -> None:
    """Ends what the pages ask for and send: Chromium may wait for ever for a page that is closed meanwhile."""
    for page in context.pages:
        with suppress(Error):
            page.goto("about:blank")


@pytest.fixture
def visits(system: System, chromium: Browser, django_db_blocker, monkeypatch) -> Callable[..., Any]:
    """`with visits("reply") as visit:` that view of pages.py, for somebody new; more arguments are those of a browser
    context. The models of this process work on the database of the running product meanwhile."""
    # Playwright runs a loop in this thread, which Django takes for code that must not wait.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

    @contextmanager
    def visiting(name: str, preferences: dict[str, Any] | None = None, **how: Any) -> Iterator[pages.Visit]:
        view = pages.VIEWS[name]
        with django_db_blocker.unblock(), pages.on_database(system.database):
            context = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **how})
            tab = Tab(system, context)
            user = pages.person(view.role or "agent", preferences=preferences or {})
            if view.role:
                tab.cookie(pages.session(user))
            visit = pages.Visit(tab, user)
            try:
                view.show(visit)
                assert tab.answer is not None
                assert tab.answer.status == view.status
                yield visit
            finally:
                visit.end()
                still(context)
                context.close()
            assert [words for words in tab.complaints if f"status of {view.status}" not in words] == []

    return visiting


_numbers = count(1)


@pytest.fixture
def submit(system: System) -> Iterator[Callable[..., int]]:
    """Hand in a draft through the bots' door; its id. What is undecided after the test is withdrawn."""
    client = Client(system.url, system.bot_key)
    handed_in: list[int] = []

    def submitted(text: str = "Your order left today.", **changes: Any) -> int:
        name = f"browser-{next(_numbers)}"
        message = {"id": "m1", "author": "customer", "text": "Where is order 4821?"}
        draft: dict[str, Any] = {
            "external_id": name,
            "kind": "reply",
            "language": "en",
            # Else each approval would wait until there was time to read; tests of that ask for it.
            "risk": "low",
            "customer": {"id": name, "name": "Sam"},
            "conversation": {"id": name, "channel": "email", "subject": "Late parcel", "messages": [message]},
            "reply": {"text": text},
        }
        if changes.get("kind") == "sentiment":
            del draft["reply"], draft["conversation"]
        handed_in.append(int(client.submit(draft | changes)["id"]))
        return handed_in[-1]

    yield submitted
    for draft_id in handed_in:
        with suppress(Problem):
            client.withdraw(str(draft_id))
