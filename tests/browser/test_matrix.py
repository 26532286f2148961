"""`make matrix`: every view, light and dark, in English, Arabic and Japanese, wide and narrow, through axe-core."""

import pytest

from tests.browser import looks
from tests.browser.pages import VIEWS

LANGUAGES = ("en", "ar", "ja")

# Largest contentful paint (ms) and layout shifts of the first load.
VITALS = """() => new Promise(resolve => {
    const vitals = {painted: 0, moved: 0};
    new PerformanceObserver(list => { vitals.painted = list.getEntries().at(-1).startTime; })
        .observe({type: "largest-contentful-paint", buffered: true});
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) vitals.moved += entry.value;
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => resolve(vitals), 100);
})"""


@pytest.mark.matrix("axe")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", VIEWS)
def test_view(visits, record_property, name, language):
    with visits(name, {"language": language}, locale=language) as visit:
        vitals = visit.page.evaluate(VITALS)
        # The reference of the API is English.
        spoken = "en" if name == "api-reference" else language
        assert visit.page.locator("html").get_attribute("lang") == spoken
        found = {look: [*looks.layout(visit.page), *looks.axe(visit.page)] for look, _, _ in looks.looks(visit.page)}
    record_property("pages looked at", len(found))
    record_property("ms until painted", float(vitals["painted"]))
    if not name.startswith(looks.COMES_LATER):
        record_property("moved", round(float(vitals["moved"]), 3))
    assert looks.told(found) == ""
