"""Colours of the person's own, no motion, a finger, and a screen that is magnified four times."""

import pytest

from tests.browser import looks

pytestmark = pytest.mark.timeout(180)

PAGES = ("reply", "edit-preview", "sentiment", "queue", "board", "settings", "beside-lease-lost", "sign-in")

# Where a person's own colours are all there is, what was a background must be a line.
LINES = """() => {
    const faults = [];
    const shown = selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
    const ask = (selector, is, words) => {
        for (const one of shown(selector))
            if (!is(getComputedStyle(one))) faults.push(`${words}: ${one.outerHTML.slice(0, 60)}`);
    };
    const edge = style => parseFloat(style.borderInlineStartWidth) || parseFloat(style.outlineWidth);
    ask(".button:not(.plain), .chip, .tag, .note, .problem, .label, .said, select, textarea", edge, "no edge");
    ask("input:not([type=radio], [type=checkbox])", edge, "no edge");
    ask(".option:has(:checked)", edge, "not seen as chosen");
    const line = kind => style => style.textDecorationLine.includes(kind);
    ask("[aria-current]:not([aria-current=true])", line("underline"), "not seen as current");
    ask("ins", line("underline"), "no line");
    ask("del", line("line-through"), "no line");
    return faults;
}"""

MOVING = """() => [...document.querySelectorAll("*")].filter(one => {
    const style = getComputedStyle(one);
    return style.animationName !== "none" || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0);
}).length"""

SMALL = """() => [...document.querySelectorAll(".button, .places a, .tabs a, .option, select, textarea")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 44)
    .map(one => `${one.getBoundingClientRect().height} px: ${one.outerHTML.slice(0, 80)}`)"""


@pytest.mark.parametrize("name", PAGES)
def test_forced_colours(visits, name):
    with visits(name, forced_colors="active") as visit:
        assert visit.page.evaluate("matchMedia('(forced-colors: active)').matches")
        assert visit.page.evaluate(LINES) == []
        assert looks.stops(visit.page) == []


def test_nothing_moves_for_those_who_ask(visits):
    with visits("reply") as visit:
        assert visit.page.evaluate(MOVING) > 0
        visit.page.emulate_media(reduced_motion="reduce")
        assert visit.page.evaluate(MOVING) == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_finger_hits_everything(visits, name):
    with visits(name, has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}) as visit:
        assert visit.page.evaluate("matchMedia('(pointer: coarse)').matches")
        assert visit.page.evaluate(SMALL) == []
