"""Every page, light and dark, wide and narrow: nothing scrolls sideways, nothing is too small, everything has a name.

With --shots the pictures of docs/shots are written anew.
"""

from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.scene import set_up
from tests.servers import ROOT

pytestmark = pytest.mark.timeout(400)

SHOTS = ROOT / "docs" / "shots"
# The pages that documents show; the others are only looked at.
PICTURED = ("reply", "edit", "label", "queue", "board", "api")
FAULTS = (Path(__file__).parent / "faults.js").read_text()

LOOKS = [
    pytest.param(scheme, viewport, id=f"{scheme}-{viewport['width']}")
    for scheme in ("light", "dark")
    for viewport in (DESKTOP, PHONE)
]


@pytest.mark.parametrize(("scheme", "viewport"), LOOKS)
def test_every_page(system, tabs, submit, request, scheme, viewport):
    scene = set_up(system, submit)
    shots = request.config.getoption("--shots", default=False)
    found: dict[str, list[str]] = {}
    how = {"color_scheme": scheme, "viewport": viewport, "reduced_motion": "reduce"}

    def look(tab, name: str, *, whole: bool | None = None) -> None:
        if faults := tab.page.evaluate(FAULTS):
            found[name] = faults
        if shots and name in PICTURED:
            SHOTS.mkdir(exist_ok=True)
            path = SHOTS / f"{name}-{scheme}-{viewport['width']}.png"
            tab.page.screenshot(path=path, full_page=viewport is PHONE if whole is None else whole)

    def take(tab, draft: int) -> None:
        with tab.open("/queue").expect_navigation():
            tab.page.locator(f"button[name=draft][value='{draft}']").click()

    with tabs("lea", fresh=True, **how) as tab:
        page = tab.page
        tab.open("/desk")
        look(tab, "empty")
        take(tab, scene["held"])
        tab.press("Approve")
        take(tab, scene["arabic"])
        look(tab, "reply")
        tab.open("/desk?edit=1")
        page.get_by_label("Your edit").fill(
            "إليك الخبر: سيصل الطلب A-4821 خلال 5 أيام عمل من تاريخ الطلب.\n\nمع التحية"
        )
        tab.press("Preview changes")
        look(tab, "edit", whole=True)
        take(tab, scene["blocked"])
        look(tab, "blocked")
        tab.open("/desk?reject=1")
        look(tab, "reject", whole=True)
        take(tab, scene["label"])
        look(tab, "label", whole=True)
        tab.open("/queue")
        look(tab, "queue", whole=True)
        tab.open("/queue?language=ar&kind=reply")
        look(tab, "queue-filtered")
        tab.open(f"/drafts/{scene['held']}")
        look(tab, "draft", whole=True)
        tab.open("/decisions")
        look(tab, "decisions")
        tab.press("Undo")
        tab.open("/api/v1/docs")
        look(tab, "api", whole=False)
        tab.open("/drafts/999999")
        look(tab, "refusal")
        assert all("404" in complaint for complaint in tab.complaints), tab.complaints
        tab.complaints.clear()
        tab.press("Sign out")
        look(tab, "sign-in")
    with tabs("dana", **how) as tab:
        tab.open("/board")
        look(tab, "board", whole=True)
        with tab.page.expect_navigation():
            tab.page.get_by_role("link", name="refund-bot").click()
        look(tab, "board-bot")
    assert found == {}


def test_faults_are_seen(tabs):
    """The look of this file finds what it is there to find."""
    with tabs("dana") as tab:
        page = tab.open("/board")
        page.evaluate(
            """() => {
                document.querySelector("h1").remove();
                document.querySelector("main").insertAdjacentElement("afterbegin", document.createElement("button"));
                document.querySelector("footer").style.width = "4000px";
                document.querySelectorAll("section")[1].id = "now";
            }"""
        )
        found = " ".join(page.evaluate(FAULTS))
    for fault in ("scrolls sideways", "not exactly one h1", "has no name", "two elements are called now"):
        assert fault in found
