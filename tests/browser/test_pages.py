"""Every view of tests/browser/pages.py: nothing scrolls sideways, everything has a name, axe-core finds nothing, every
stop of Tab can be seen, nothing is heavy, and nothing moves after it was painted.

With --shots the pictures of docs/shots are written anew, and those of all other views into var/shots.
"""

import gzip
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser import looks
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.pages import VIEWS
from tests.servers import ROOT

pytestmark = pytest.mark.timeout(120)

SHOTS = ROOT / "docs" / "shots"
# The pages that documents show.
PICTURED = {"reply", "edit-preview", "sentiment", "queue", "board", "api-reference"}

# Most kilobytes (gzip) and files of a first load.
WEIGHTS = {"html": 12.0, "css": 12.0, "js": 25.0, "svg": 6.0, "all": 60.0, "files": 10}

# Most a page may move after it was painted (cumulative layout shift).
MOST_SHIFT = 0.05


@pytest.mark.parametrize("name", VIEWS)
def test_view(system, visits, request, name):
    with visits(name) as visit:
        page = visit.page
        shifts = looks.shifts(page)
        too_much = sum(score for score, _ in shifts) > MOST_SHIFT
        found: dict[str, list[str]] = {"shift": [f"{score:.3f} {what}" for score, what in shifts if too_much]}
        if name != "api-reference":
            found["weight"] = _too_heavy(page, visit.tab.answer.body(), system.folder / "static")
        for look, theme, viewport in looks.looks(page):
            found[look] = looks.layout(page)
            if viewport is DESKTOP:
                found[f"axe, {theme}"] = looks.axe(page)
            if request.config.getoption("--shots"):
                _picture(page, name, look, whole=viewport is PHONE)
        found["widths"] = looks.between(page)
        for width, viewport in (("wide", DESKTOP), ("tiny", looks.TINY)):
            page.set_viewport_size(viewport)
            found[f"stops, {width}"] = looks.stops(page)
            found[f"spacing, {width}"] = looks.spacing(page)
    assert looks.told(found) == ""


def _too_heavy(page: Page, html: bytes, static: Path) -> list[str]:
    """What is over its weight at a first load."""
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    files = {urlsplit(name).path.rpartition("/static/")[2] for name in loaded if "/static/" in name}
    weights = dict.fromkeys(WEIGHTS, 0.0) | {"html": _kilobytes(html), "files": 1 + len(files)}
    for name in files:
        weights[name.rpartition(".")[2]] += _kilobytes((static / name).read_bytes())
    weights["all"] = sum(weights[kind] for kind in ("html", "css", "js", "svg"))
    return [f"{kind}: {weights[kind]:.1f} over {most}" for kind, most in WEIGHTS.items() if weights[kind] > most]


def _kilobytes(content: bytes) -> float:
    return len(gzip.compress(content)) / 1000


def _picture(page: Page, name: str, look: str, *, whole: bool) -> None:
    folder = SHOTS if name in PICTURED else ROOT / "var" / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=folder / f"{name}-{look}.png", full_page=whole)


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
            }"""
        )
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
    ):
        assert fault in found
