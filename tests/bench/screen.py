"""The row `desk`: from the press of a key to the next draft on the screen, in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from playwright.sync_api import Page, expect, sync_playwright

from tests.bench.alone import most, p95
from tests.bench.rows import Plan, Result
from tests.bench.stage import Stage, World
from tests.browser import program

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]

# Each key: until its button looks pressed, and until the next draft is on the screen (the task after its frame).
CLOCK = """(() => {
    window.seen = []; window.felt = [];
    let start = 0;
    const framed = (then) => requestAnimationFrame(() => {
        const {port1, port2} = new MessageChannel();
        port1.onmessage = () => then(performance.now() - start);
        port2.postMessage(0);
    });
    addEventListener("keydown", (event) => { start = event.timeStamp; framed((ms) => window.felt.push(ms)); }, true);
    document.addEventListener("desk:painted", () => framed((ms) => window.seen.push(ms)));
})()"""

# What makes it slower: the network's delay (ms), and so many times less of a processor. And the goal (ms).
CONDITIONS = {
    "": (0, 1, 100),
    ", with 200 ms of network": (200, 1, 100),
    ", on a processor four times as slow": (0, 4, 250),
}

LOW = """
SET session_replication_role = replica;
UPDATE queue SET risk = 'low'; UPDATE submission SET risk = 'low'
"""


def desk(stage: Stage, plan: Plan) -> Iterator[Result]:
    """One person approves one draft after the other, 2,000 waiting: below tier normal, where no approval waits."""
    with stage.world(2_000) as world:
        with stage.servers.admin(world.database) as cursor:
            cursor.execute(LOW)
        with opened(stage, world) as page:
            for condition, (latency, slower, goal) in CONDITIONS.items():
                tools = page.context.new_cdp_session(page)
                line = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
                tools.send("Network.emulateNetworkConditions", line)
                tools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
                seen, felt = approve(page, 40 * plan.rounds)
                notes = [f"p50 {median(seen):.0f} ms, most {max(seen):.0f} ms"]
                yield most(f"key to the next draft painted p95{condition}", p95(seen), "ms", goal, notes)
                if not condition:
                    yield most("key to its button pressed, the slowest", max(felt), "ms", 50)


@contextmanager
def opened(stage: Stage, world: World) -> Iterator[Page]:
    """The desk of the first agent, with a draft on it."""
    url = f"http://127.0.0.1:{world.serve()}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program.chromium(), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1366, "height": 800}, locale="en-GB")
        context.add_cookies([{"name": "session", "value": stage.cast["agents"][0]["session"], "url": url}])
        page = context.new_page()
        page.add_init_script(CLOCK)
        page.goto(f"{url}/desk")
        page.get_by_role("button", name="Claim next").click()
        yield page
        browser.close()


def approve(page: Page, times: int) -> tuple[list[float], list[float]]:
    """How long (ms) each approval took to the next draft, and to a button that looks pressed."""
    page.evaluate("window.seen.length = window.felt.length = 0")
    for done in range(times + 1):
        # The next one is here, nothing is on its way, and this one has been on the screen long enough for a key.
        expect(page.locator("#desk")).to_have_attribute("data-ahead-draft", re.compile("[0-9]"), timeout=30_000)
        page.wait_for_timeout(450)
        if done < times:
            page.keyboard.press("a")
            page.wait_for_function("done => window.seen.length > done", arg=done, timeout=30_000)
    return page.evaluate("[window.seen, window.felt]")
