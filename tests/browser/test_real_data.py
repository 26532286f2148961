"""Texts that nobody of this project wrote, in English, Arabic, Amharic, Hausa and a dozen more: what is on the screen
is what was handed in, character for character, and a diff gives back both of its sides."""

import json
from itertools import count, islice
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from reviewqueue import characters, edits
from tests.servers import ROOT

DATA = ROOT.parent / "shared" / "data"
SETS = {
    name: DATA / name / "open" / "data.jsonl"
    for name in ("bitext-support-replies", "afrisenti-languages", "isarcasmeval-ar-dialects")
}

pytestmark = [
    pytest.mark.skipif(
        not all(path.exists() for path in SETS.values()),
        reason="needs the open data sets beside the project (shared/data)",
    ),
    pytest.mark.timeout(900),
]

# What the page shows of the texts. Hidden characters are named in their places: their names are taken out again.
SHOWN = """() => {
    const own = element => {
        const copy = element.cloneNode(true);
        for (const name of copy.querySelectorAll(".unseen")) name.remove();
        return copy.textContent;
    };
    const words = selector => [...document.querySelectorAll(selector)].map(own);
    const draft = words("#draft .words:not(textarea)");
    return {customer: words(".reading .customer .words"), draft, label: words("#draft .label b")};
}"""

# The two sides of the diff on the page.
SIDES = """() => {
    const side = without => [...document.querySelectorAll("#changes .words > p")].map(line => {
        const copy = line.cloneNode(true);
        for (const gone of copy.querySelectorAll(`${without}, .vh, .mark, .unseen`)) gone.remove();
        return copy.textContent;  // with its line end
    }).join("");
    return [side("ins"), side("del")];
}"""


_numbers = count(1)


def drafts() -> list[dict[str, Any]]:
    """200 drafts with, in `edit`, what a person makes of the text."""
    rows = {name: [json.loads(line) for line in path.open(encoding="utf-8")] for name, path in SETS.items()}
    bitext, afri, arabic = rows.values()
    by_language: dict[str, list[dict[str, Any]]] = {}
    for row in afri:
        by_language.setdefault(row["language"], []).append(row)
    mixed = [row for turn in zip(*by_language.values(), strict=False) for row in turn]
    replies = [row for row in bitext if row["ai_reply_v1"]]
    reworded = [row for row in arabic if row["rephrase"]]
    return [
        *(reply(row["customer_message"], row["ai_reply_v2"], row["ai_reply_v1"], "en") for row in islice(replies, 80)),
        *(reply(row["text"], row["text"], row["rephrase"], "ar") for row in islice(reworded, 40)),
        *(reply(row["text"], row["text"], turned(row["text"]), row["language"]) for row in islice(mixed, 30)),
        *(label(row["text"], row["ai_label"], row["language"]) for row in islice(mixed, 30, 60)),
        *(label(row["text"], "neutral", "ar") for row in islice(arabic, 20)),
    ]


def reply(said: str, text: str, edit: str, language: str) -> dict[str, Any]:
    return {
        "kind": "reply",
        "language": language,
        "said": said,
        "reply": {"text": text},
        "edit": edit.replace("{{", "(").replace("}}", ")"),
    }


def label(said: str, mood: str, language: str) -> dict[str, Any]:
    return {"kind": "sentiment", "language": language, "said": said, "sentiment": {"text": said, "label": mood}}


def turned(text: str) -> str:
    """The same words with the first one at the end."""
    first, _, rest = text.partition(" ")
    return f"{rest} {first}" if rest else f"{first}{first}"


def seen(text: str) -> str:
    """The text without its hidden characters, but for marks of direction."""
    text, shown, at = edits.canonical(text), "", 0
    for run in characters.hidden(text):
        marks = "".join(one for one in text[run.start : run.end] if one in characters.MARKS)
        shown, at = shown + text[at : run.start] + marks, run.end
    return shown + text[at:]


@pytest.mark.matrix("real texts")
def test_drafts(request, system, tabs, submit, record_property):
    """Every sixteenth of them; all with --full."""
    system.manage("queue", "default", "--hold=600")
    some = drafts()[:: 1 if request.config.getoption("--full") else 16]
    handed_in = {_submitted(submit, draft): draft for draft in some}
    looked, compared = 0, 0
    with tabs("lea") as tab:
        page = tab.page
        tab.claim()
        for number in range(len(handed_in)):
            draft_id = tab.draft
            draft = handed_in.pop(draft_id)
            _is_shown(page, draft)
            looked += 1
            if draft["kind"] == "sentiment":
                tab.settled()
                page.get_by_role("button", name="Accept AI label").click()
            elif number % 3 < 2 or not page.get_by_role("button", name="Approve").count():
                _edit(tab, draft)
                compared += 1
            else:
                tab.settled()
                page.get_by_role("button", name="Approve").first.click()
            expect(page.locator(f"#bench[data-draft='{draft_id}']")).to_have_count(0)
    assert (looked, handed_in) == (len(some), {})
    assert compared > len(some) // 3
    record_property("drafts reviewed", looked)
    record_property("diffs compared", compared)


def _submitted(submit, draft: dict[str, Any]) -> int:
    fields = {name: draft[name] for name in draft if name not in ("said", "edit")}
    if draft["kind"] == "reply":
        message = {"id": "m1", "author": "customer", "text": draft["said"]}
        fields["conversation"] = {"id": f"real-{next(_numbers)}", "channel": "email", "messages": [message]}
    return int(submit(**fields))


def _is_shown(page: Page, draft: dict[str, Any]) -> None:
    shown = page.evaluate(SHOWN)
    assert shown["customer"][-1] == seen(draft["said"])
    if draft["kind"] == "reply":
        assert shown["draft"] == [seen(draft["reply"]["text"])]
    else:
        assert shown["label"] == [draft["sentiment"]["label"]]


def _edit(tab, draft: dict[str, Any]) -> None:
    page = tab.page
    tab.key("e")
    field = page.locator("#text")
    expect(field).to_be_focused()
    assert field.input_value() == edits.canonical(draft["reply"]["text"])
    field.fill(draft["edit"])
    expect(page.locator("#changes")).to_be_visible()
    before, after = page.evaluate(SIDES)
    # Spaces that changed by themselves are drawn as dots.
    assert _plain(before) == _plain(seen(draft["reply"]["text"]))
    assert _plain(after) == _plain(seen(draft["edit"]))
    tab.settled()
    page.get_by_role("button", name="Approve edited").click()


def _plain(text: str) -> str:
    return text.replace("·", " ")
