"""Every view of tests/browser/pages.py: nothing scrolls sideways, everything has a name, axe-core finds nothing, every
stop of Tab can be seen, nothing is heavy, and nothing moves after it was painted.

With --shots the pictures of docs/shots are written anew, and those of all other views into var/shots.
"""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import looks
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.pages import VIEWS
from tests.servers import ROOT

pytestmark = pytest.mark.timeout(120)

SHOTS = ROOT / "docs" / "shots"
# The pages that documents show.
PICTURED = {"reply", "edit-preview", "sentiment", "queue", "beside-lease-lost", "board", "api-reference"}

# So many pixels of a page on a telephone are a picture.
TALLEST = 1600

# Most kilobytes, as they were sent, and files of a first load.
WEIGHTS = {"html": 12.0, "css": 12.0, "js": 25.0, "svg": 6.0, "all": 60.0, "files": 8}

# Most kilobytes of a decision's answer, with the draft that comes next.
PER_DECISION = 8.0

# What was loaded: (name, bytes sent). The tab's icon is asked for when all else is there.
LOADED = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .filter(entry => !/icon\\.\\w+\\.svg$/.test(entry.name)).map(entry => [entry.name, entry.encodedBodySize])"""

# Most a page may move after it was painted (cumulative layout shift).
MOST_SHIFT = 0.05


@pytest.mark.parametrize("name", VIEWS)
def test_view(visits, request, name):
    with visits(name) as visit:
        page = visit.page
        found = {"shift": [] if name.startswith(looks.COMES_LATER) else _moved(page)}
        if name != "api-reference":
            found["weight"] = _too_heavy(page)
        for look, theme, viewport in looks.looks(page):
            dark = theme == "dark"
            if not dark:
                found[look] = looks.layout(page)
            if viewport is DESKTOP:
                found[f"axe, {theme}"] = looks.axe(page, looks.COLOURS if dark else ())
            if request.config.getoption("--shots"):
                _picture(page, name, look, whole=viewport is PHONE)
        found["widths"] = looks.between(page)
        for width, viewport in (("wide", DESKTOP), ("tiny", looks.TINY)):
            page.set_viewport_size(viewport)
            found[f"stops, {width}"] = looks.stops(page)
            found[f"spacing, {width}"] = looks.spacing(page)
    assert looks.told(found) == ""


def _moved(page: Page) -> list[str]:
    shifts = looks.shifts(page)
    return [f"{score:.3f} {what}" for score, what in shifts] if sum(score for score, _ in shifts) > MOST_SHIFT else []


def _too_heavy(page: Page) -> list[str]:
    """What is over its weight at a first load."""
    (_, html), *others = page.evaluate(LOADED)
    sizes = {name: size for name, size in others if "/static/" in name}
    weights = dict.fromkeys(WEIGHTS, 0.0) | {"html": html / 1000, "files": 1 + len(sizes)}
    for name, size in sizes.items():
        weights[urlsplit(name).path.rpartition(".")[2]] += size / 1000
    weights["all"] = sum(weights[kind] for kind in ("html", "css", "js", "svg"))
    return [f"{kind}: {weights[kind]:.1f} over {most}" for kind, most in WEIGHTS.items() if weights[kind] > most]


def test_a_decision_is_light(visits):
    """All that goes to the browser for a decision: its answer, with the strip of what is held, and the draft ahead."""
    with visits("decisions-empty") as visit:
        visit.claimed(risk="low")
        for _ in range(2):
            visit.waiting()
        page = visit.open("/desk")
        page.locator("#desk[data-ahead-draft]:not([data-ahead-draft=''])").wait_for(state="attached")
        page.evaluate("performance.clearResourceTimings()")
        visit.tab.settled()
        page.keyboard.press("a")
        page.locator("#held li").wait_for()
        sent = [size / 1000 for name, size in page.evaluate(LOADED)[1:] if "/static/" not in name]
    assert sent
    assert sum(sent) < PER_DECISION, sent


@pytest.mark.parametrize("name", ["reply", "edit-after-undo", "sentiment", "empty", "queue", "board"])
def test_nothing_moves_while_a_page_arrives(visits, name):
    """Over a network so slow that a page is painted in many pieces."""
    with visits(name) as visit:
        wire = visit.page.context.new_cdp_session(visit.page)
        wire.send("Network.enable")
        slow = {"offline": False, "latency": 0, "downloadThroughput": 5_000, "uploadThroughput": -1}
        wire.send("Network.emulateNetworkConditions", slow)
        visit.page.reload()
        found = _moved(visit.page)
    assert found == []


def _picture(page: Page, name: str, look: str, *, whole: bool) -> None:
    folder = SHOTS if name in PICTURED else ROOT / "var" / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    if name in PICTURED:
        expect(page.locator("[data-held]"), "time to read has passed").to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
    clip = {"x": 0, "y": 0, "width": PHONE["width"], "height": height} if whole else None
    page.screenshot(path=folder / f"{name}-{look}.png", full_page=whole, clip=clip)


def test_faults_are_seen(visits):
    """The looks of this file find what they are there to find."""
    with visits("board") as visit:
        page = visit.page
        page.evaluate(
            """() => {
                document.querySelector("h1").remove();
                const main = document.querySelector("main");
                main.insertAdjacentElement("afterbegin", document.createElement("button"));
                document.querySelector("footer").style.width = "4000px";
                document.querySelectorAll("section")[1].id = "now";
                const cover = document.createElement("div");
                cover.style.cssText = "position: fixed; inset: 0 0 50% 0; background: grey; z-index: 9";
                document.body.append(cover);
                document.querySelector(".places a").tabIndex = 2;
                document.querySelector("h2").style.color = "#ccc";
                document.querySelector("h2").insertAdjacentHTML("afterend", "<p id=narrow>Share with the team</p>");
                document.querySelector("#narrow").style.inlineSize = "1em";
            }"""
        )
        assert "color-contrast" in " ".join(looks.axe(page, looks.COLOURS))
        found = " ".join([*looks.layout(page), *looks.axe(page), *looks.stops(page), *looks.spacing(page)])
    for fault in (
        "scrolls sideways",
        "not exactly one h1",
        "has no name",
        "two elements are called now",
        "color-contrast",
        "is covered by DIV",
        "tabindex 2",
        "spaced, it scrolls sideways",
        "a letter a line: Share with the team",
    ):
        assert fault in found
