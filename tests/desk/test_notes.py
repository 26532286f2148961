"""Notes among colleagues: on the desk and on the draft's page, and nowhere else."""

import json

import pytest

from reviewqueue.actions import bots, notes
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Event, Note
from tests.desk.page import Page
from tests.factories import make_agent, make_bot, make_draft, make_queue

LABEL = "Never sent, never shown to bots or customers"


@pytest.fixture
def kim(browse):
    return browse(make_agent("kim"))


def test_a_note_from_the_desk_is_listed_with_author_and_time(kim):
    draft = make_draft()
    kim.claim()
    page = kim.press(f"/drafts/{draft.pk}/notes", note="Ask Dana.\r\nكل")
    assert page.root.one("h1").words.startswith(f"#{draft.pk}")
    assert "Ask Dana. كل" in page.words
    page = kim.open(f"/drafts/{draft.pk}")
    (line,) = page.root.one("ul", class_="notes").all("li")
    assert line.one("time").attributes["datetime"] == Note.objects.get().at.isoformat()
    assert "Ask Dana.\nكل" in line.text
    assert LABEL in page.words
    page = kim.press(f"/drafts/{draft.pk}/notes", note="Second")
    assert page.root.one("main").one("ul", class_="notes").words.index("Ask") < page.words.index("Second")


def test_colleagues_see_who_wrote_it(kim, browse):
    draft = make_draft()
    notes.add(draft.pk, by=kim.user, text="Mine")
    page = browse(make_agent("ben")).open(f"/drafts/{draft.pk}")
    assert str(kim.user) in page.root.one("ul", class_="notes").words


def test_a_script_gets_the_list(kim):
    draft = make_draft()
    kim.claim()
    sent = {"note": "Ask Dana.", "desk": "1"}
    answer = kim.client.post(f"/drafts/{draft.pk}/notes", sent, headers={"accept": "text/fragment+html"})
    part = Page(answer.content.decode())
    assert "Ask Dana." in part.root.words
    assert part.root.one("input", name="desk")


@pytest.mark.parametrize("text", ["", " \n ", "x" * 65_537])
def test_an_empty_or_endless_note_is_refused(kim, text):
    with pytest.raises(Refused, match="check-failed"):
        notes.add(make_draft().pk, by=kim.user, text=text)
    assert Note.objects.count() == 0


def test_a_note_that_cannot_be_stored_is_refused(kim):
    draft = make_draft()
    assert kim.client.post(f"/drafts/{draft.pk}/notes", {"note": "a\x00b"}).status_code == 422
    assert Note.objects.count() == 0


def test_who_may_not_see_the_draft_writes_no_note(kim):
    make_queue("other")
    with pytest.raises(Refused, match="not-found"):
        notes.add(make_draft(queue="other").pk, by=kim.user, text="Mine")


def test_a_note_is_the_customers_to_erase_and_in_no_log(kim):
    draft = make_draft()
    note = notes.add(draft.pk, by=kim.user, text="Ask Dana.")
    assert (note.body.customer_id, note.body.ink) == (draft.customer_id, "human")
    assert "Dana" not in json.dumps([event.ids for event in Event.objects.all()])


def test_a_bot_sees_none_of_it(kim, client):
    bot = make_bot()
    draft = make_draft(bot=bot)
    notes.add(draft.pk, by=kim.user, text="Ask Dana.")
    answer = client.get(f"/api/v1/drafts/{draft.pk}", headers={"authorization": f"Bearer {bots.new_key(bot)}"})
    assert answer.status_code == 200
    assert "Dana" not in answer.content.decode()
