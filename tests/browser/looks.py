"""What is asked of every page, in words: each function gives the faults that it found on the page as it stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE

HERE = Path(__file__).parent
FAULTS = (HERE / "faults.js").read_text()
SIDEWAYS = (HERE / "sideways.js").read_text()
STOP = (HERE / "stop.js").read_text()
AXE = (HERE / "vendor" / "axe.min.js").read_text()

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ("light", "dark")

# What another theme can change.
COLOURS = ("color-contrast", "link-in-text-block")

# 1280 x 1024 at 400 %: as little room as WCAG 1.4.10 lets a page have.
TINY = {"width": 320, "height": 256}

# More stops than a page has.
MANY = 400

# As WCAG 1.4.12 wants text to bear it.
SPACED = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-block-end: 2em !important; }
"""

# Views in which something comes later and moves what is below it: what happened meanwhile, or what was opened.
COMES_LATER = ("beside-", "offline", "more")

# Widths between that of a phone and that of a desk; 683 is a desk at 200 %.
BETWEEN = (480, 683, 900, 1024)


def layout(page: Page) -> list[str]:
    return [*page.evaluate(FAULTS), *_sideways(page, "")]


def spacing(page: Page) -> list[str]:
    """With more space between letters, words and lines."""
    return [f"spaced, it {fault}" for fault in _sideways(page, SPACED)]


def _sideways(page: Page, css: str) -> list[str]:
    fault = page.evaluate(SIDEWAYS, css)
    return [fault] if fault else []


def axe(page: Page, only: tuple[str, ...] = ()) -> list[str]:
    """What axe-core calls a violation, of all its rules or of these only."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(
        "async runOnly => (await axe.run(document, {runOnly, resultTypes: ['violations']})).violations",
        {"type": "rule", "values": only} if only else TAGS,
    )
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def stops(page: Page) -> list[str]:
    """By Tab through the page: every stop can be seen, in the order in which the page is read, and the walk ends."""
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    faults: list[str] = []
    for _ in range(MANY):
        page.keyboard.press("Tab")
        stop: dict[str, Any] | None = page.evaluate(STOP)
        if stop is None:
            return faults
        faults += [f"{stop['name']}: {fault}" for fault in stop["faults"]]
    return [*faults, "the walk by Tab does not end"]


def between(page: Page) -> list[str]:
    """The layout at other widths."""
    faults = []
    for width in BETWEEN:
        page.set_viewport_size({"width": width, "height": 800})
        faults += [f"{fault} at {width}" for fault in layout(page)]
    return faults


def shifts(page: Page) -> list[tuple[float, str]]:
    """What moved by itself after it was painted: (layout shift score, elements)."""
    found = page.evaluate(
        """() => new Promise(resolve => {
            const found = [];
            const name = node => node ? `${node.nodeName}.${node.className ?? node.textContent}` : "?";
            const box = ({x, y, width, height}) => `${x},${y} ${width}x${height}`;
            const to = moved => `${name(moved.node)} from ${box(moved.previousRect)} to ${box(moved.currentRect)}`;
            new PerformanceObserver(list => {
                for (const entry of list.getEntries().filter(entry => !entry.hadRecentInput))
                    found.push([entry.value, entry.sources.map(to).join("; ")]);
            }).observe({type: "layout-shift", buffered: true});
            setTimeout(() => resolve(found), 50);
        })"""
    )
    return [(score, what) for score, what in found]


def looks(page: Page) -> Iterator[tuple[str, str, dict[str, int]]]:
    """The page in each theme and width: (name, theme, viewport)."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        for viewport in (DESKTOP, PHONE):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            yield f"{theme}-{viewport['width']}", theme, viewport


def told(found: dict[str, list[str]]) -> str:
    """Each fault once, with where it was found."""
    where: dict[str, list[str]] = {}
    for look, faults in found.items():
        for fault in faults:
            where.setdefault(str(fault), []).append(look)
    return "\n".join(f"{fault} ({'; '.join(places)})" for fault, places in where.items())
