"""Views of the queue list that people keep, and that a digit opens."""

import pytest

from reviewqueue.actions import saved_views
from reviewqueue.models import SavedView
from tests.desk.test_queue import find, news, shown
from tests.factories import make_agent, make_draft


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def tabs(page) -> list[tuple[str, str]]:
    """(words, key) of each view above the list."""
    links = page.root.one("nav", aria_label="Views").one("ul").all("a")
    return [(link.words, link.attributes.get("data-key", "")) for link in links]


def save(browser, query: str, **fields):
    find(browser, query)
    browser.open(f"/views?q={query}")
    return browser.press("/views/new", **fields)


def test_views_that_everybody_has(amina, browse):
    assert tabs(amina.open("/queue")) == [
        ("Mine", "1"), ("Due soon", "2"), ("Low confidence", "3"), ("Skipped by me", "4")
    ]  # fmt: skip
    lead = browse(make_agent(role="lead"))
    assert ("Escalated", "4") in tabs(lead.open("/queue"))


def test_a_view_is_saved_renamed_and_deleted(amina):
    label = make_draft(kind="sentiment")
    make_draft()
    page = save(amina, "type:sentiment", name="  My   labels ")
    assert tabs(page)[-1] == ("My labels", "5")
    assert shown(page) == [label.pk]
    current = [link.words for link in page.root.all("a", aria_current="page")]
    assert "My labels" in current
    view = SavedView.objects.get()
    amina.open("/views")
    amina.press(f"/views/{view.pk}", name="Labels")
    assert tabs(amina.open("/queue"))[-1] == ("Labels", "5")
    amina.open("/views")
    amina.press(f"/views/{view.pk}", name="Labels", delete="1")
    assert len(tabs(amina.open("/queue"))) == 4


def test_the_same_name_again_replaces_the_view(amina):
    save(amina, "type:sentiment", name="x")
    save(amina, "lang:en type:reply", name="x")
    assert list(SavedView.objects.values_list("name", "query")) == [("x", "type:reply lang:en")]


def test_a_lead_shares_with_the_team_and_nobody_else_changes_it(amina, browse):
    lead = browse(make_agent("lena", role="lead"))
    save(lead, "is:waiting", name="All", shared="on")
    assert tabs(amina.open("/queue"))[-1][0] == "All shared by lena"
    view = SavedView.objects.get()
    amina.open("/views")
    assert not amina.page.root.all("form", action=f"/views/{view.pk}")
    token = amina.page.form("/sign-out")["csrfmiddlewaretoken"]
    answer = amina.client.post(f"/views/{view.pk}", {"delete": "1", "csrfmiddlewaretoken": token})
    assert answer.status_code == 404
    assert SavedView.objects.exists()
    amina.open("/views?q=is:waiting")
    amina.press("/views/new", 403, name="mine", shared="on")


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
def test_a_view_has_a_name(amina, name):
    amina.open("/views?q=is:waiting")
    amina.press("/views/new", 422, name=name)
    assert not SavedView.objects.exists()


def test_only_so_many_views(amina, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", 2)
    for name in "ab":
        save(amina, "is:waiting", name=name)
    amina.open("/views?q=is:waiting")
    amina.press("/views/new", 422, name="c")


def test_two_of_one_person_have_different_names(amina):
    for name in "ab":
        save(amina, "is:waiting", name=name)
    view = SavedView.objects.get(name="a")
    amina.open("/views")
    amina.press(f"/views/{view.pk}", 422, name="b")


def test_what_each_view_holds_is_counted(amina):
    make_draft(confidence=0.9)
    make_draft(confidence=0.1)
    amina.claim()
    save(amina, "type:reply", name="x")
    assert news(amina, amina.open("/queue"))["counts"] == ["1", "0", "1", "0", "2"]
