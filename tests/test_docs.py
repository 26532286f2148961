"""The documents name what there is: every check, filter, setting and refusal in its own words, and no dead link."""

import re
from pathlib import Path

import pytest

from reviewqueue.checks import CHECKS
from reviewqueue.desk.queues import QueueSettings
from reviewqueue.filters import NAMES, SPAN
from reviewqueue.refusals import RULES
from tests.servers import ROOT

DESK = (ROOT / "docs/desk.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)


def rows(heading: str, page: str = DESK) -> list[list[str]]:
    """The cells of the table that follows a heading's words, without its head."""
    table = re.search(r"^\|(?:---\|)+\n(.*?)(?:\n\n|\Z)", page.split(heading)[1], re.M | re.S)
    assert table
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines()]


def test_the_table_of_checks_is_that_of_the_code():
    told = [tuple(row[:3]) for row in rows("## What the checks say")]
    assert told == [(f"`{check.slug}`", check.level, check.says) for check in CHECKS]
    assert f"\n{len(CHECKS)} checks read" in DESK


def test_the_table_of_filters_is_that_of_the_code():
    told = {row[0].strip("`:"): row[1] for row in rows("**Filters**")}
    assert list(told) == list(NAMES)
    for name, words in NAMES.items():
        assert all(f"`{word}`" in told[name] for word in words if word not in SPAN), name
        assert ("<" in told[name]) == ("<" in words), name


def test_every_setting_of_a_queue_is_explained():
    fields = QueueSettings.base_fields.values()
    assert [row[0] for row in rows("## For leads")] == [str(field.label) for field in fields]


def test_conflicts_are_told_by_the_words_of_their_panels():
    for title, code, *_ in rows("## Conflicts"):
        assert RULES[code.strip("`")].title == title


def test_a_word_is_in_the_glossary_once_and_in_its_place():
    words = [row[0] for row in rows("# Glossary", (ROOT / "docs/glossary.md").read_text())]
    assert words == sorted(set(words), key=str.casefold)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", CODE.sub("", page.read_text())):
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
