"""The list of open drafts: in hand-out order, page by page, at the same cost however much waits."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from reviewqueue.actions import claim, decide, presence
from reviewqueue.filters import Query
from reviewqueue.models import Draft, Lane
from reviewqueue.queries import queue
from tests.factories import make_agent, make_bot, make_draft, make_queue, seen


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def shown(page) -> list[int]:
    """Ids of the rows, in their order."""
    return [int(row.one("bdi", class_="id").text[1:]) for row in page.root.one("tbody").all("tr")]


def handed_out() -> list[int]:
    return list(Draft.objects.order_by("order_key", "id").values_list("id", flat=True))


def test_rows_stand_in_the_order_in_which_they_are_handed_out(amina):
    now = timezone.now()
    for minutes in (50, 10, 30):
        make_draft(due_at=(now + timedelta(minutes=minutes)).isoformat())
    assert shown(amina.open("/queue")) == handed_out()
    amina.claim()
    assert amina.page.root.one("h1").words.startswith(f"#{handed_out()[0]}")


def test_a_row_says_what_it_is_and_with_whom(amina, browse):
    draft = make_draft(bot=make_bot("ship-bot"), confidence=0.41, language="ar")
    browse(make_agent("ben")).claim()
    row = amina.open("/queue").root.one("tbody").one("tr")
    for words in (
        f"#{draft.pk} Late parcel",
        "Where is order 4821?",
        "3 h",
        "Reply",
        "Arabic",
        "ship-bot",
        "0.41",
        "ben",
    ):
        assert words in row.words


def test_a_row_is_opened_by_a_form_and_what_others_have_by_a_link(amina, browse):
    draft, other = make_draft(), make_draft()
    claim.claim(other.pk, by=make_agent("ben"))
    page = amina.open("/queue")
    assert page.root.one("tbody").one("a").attributes["href"] == f"/drafts/{other.pk}"
    page = amina.press("/claims", draft=draft.pk)
    assert page.root.one("h1").words.startswith(f"#{draft.pk}")


def test_somebody_was_faster(amina):
    draft = make_draft()
    amina.open("/queue")
    claim.claim(draft.pk, by=make_agent("ben"))
    page = amina.press("/claims", 409, draft=draft.pk)
    assert "ben has this draft now." in page.words


def test_pages_show_every_draft_once(amina, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 4)
    make_queue("second").agents.add(amina.user)
    for number in range(11):
        make_draft(queue=("default", "second")[number % 3 == 0], language=("en", "ar")[number % 2])
    amina.claim()
    seen, path = [], "/queue"
    while path:
        page = amina.open(path)
        seen += shown(page)
        onwards = [link for link in page.root.all("a") if link.words == "Next page"]
        path = f"/queue{onwards[0].attributes['href']}" if onwards else ""
    assert seen == handed_out()


def find(browser, query: str):
    return browser.open(f"/queue?{urlencode({'q': query})}")


def test_filters_narrow_and_are_taken_away_one_by_one(amina):
    make_queue("second line").agents.add(amina.user)
    make_draft(language="en")
    arabic = make_draft(language="ar")
    label = make_draft(kind="sentiment", language="ar", queue="second line")
    assert set(shown(find(amina, "lang:ar"))) == {arabic.pk, label.pk}
    assert shown(find(amina, "lang:ar type:reply")) == [arabic.pk]
    page = find(amina, 'queue:"second line" lang:ar')
    assert shown(page) == [label.pk]
    chips = {chip.words: chip.attributes["href"] for chip in page.root.all("a", class_="chip")}
    assert chips == {
        "Arabic take this filter away": "/queue?q=queue%3A%22second+line%22",
        "queue: second line take this filter away": "/queue?q=lang%3Aar",
    }
    assert "No draft matches." in find(amina, "lang:en type:sentiment").words


def test_each_filter_finds_what_it_says(amina, browse):
    now = timezone.now()
    lead, ben = make_agent("lena", role="lead"), make_agent("ben")
    make_queue("risky", risk="high").agents.add(amina.user, lead)
    late = make_draft(due_at=(now - timedelta(minutes=5)).isoformat(), confidence=0.9, topics=["refund"])
    soon = make_draft(due_at=(now + timedelta(minutes=20)).isoformat(), confidence=0.5, bot=make_bot("ship bot"))
    far = make_draft(due_at=(now + timedelta(days=3)).isoformat(), confidence=None, risk="low")
    risky = make_draft(queue="risky", due_at=(now + timedelta(days=4, hours=1)).isoformat(), risk="low")
    open_ = make_draft(due_at=(now + timedelta(days=5)).isoformat(), confidence=0.55)
    claim.claim(open_.pk, by=ben)
    label = make_draft(queue="risky", kind="sentiment", due_at=(now + timedelta(days=6)).isoformat(), confidence=0.6)
    every = [late.pk, soon.pk, far.pk, risky.pk, open_.pk, label.pk]
    for query, found in {
        "sort:due": every,
        "is:claimed": [open_.pk],
        "is:waiting": [*every[:4], label.pk],
        "with:nobody": [*every[:4], label.pk],
        "with:ben": [open_.pk],
        "with:me": [],
        "due:over": [late.pk],
        "due:<1h": [late.pk, soon.pk],
        "due:>1h due:<4d": [far.pk],
        "due:<1h sort:due": [late.pk, soon.pk],
        "conf:<0.6": [soon.pk, risky.pk, open_.pk],
        "conf:>0.6": [late.pk],
        "conf:>0.5 conf:<0.6": [open_.pk],
        'bot:"ship bot"': [soon.pk],
        "risk:high": [risky.pk],
        "risk:low": [far.pk, label.pk],
        "risk:low risk:high": [far.pk, risky.pk, label.pk],
        "topic:refund": [late.pk],
        "topic:refund type:sentiment": [],
    }.items():
        page = find(amina, query)
        assert (shown(page) if page.root.all("tbody") else []) == found, query
        assert f"{len(found)} open draft" in page.root.one("div", class_="head").words, query


def test_how_sure_the_bot_is_does_not_tell_of_labels_that_may_have_to_be_judged_blind(amina):
    make_queue("blind", blind_percent=1).agents.add(amina.user)
    label = make_draft(kind="sentiment", confidence=0.5)
    make_draft(kind="sentiment", confidence=0.5, queue="blind")
    reply = make_draft(confidence=0.5, queue="blind")
    assert shown(find(amina, "conf:<0.6 sort:due")) == [label.pk, reply.pk]
    assert "2 open drafts" in find(amina, "conf:>0.4 conf:<0.6").root.one("div", class_="head").words
    assert len(shown(find(amina, "type:sentiment"))) == 2


def test_what_was_handed_to_somebody(amina, browse):
    mine, leads, other = make_draft(), make_draft(), make_draft()
    lead = browse(make_agent("lena", role="lead"))
    for draft, skill in ((mine, f"agent:{amina.user.pk}"), (leads, "lead"), (other, f"agent:{lead.user.pk}")):
        lane = Lane.objects.create(queue=draft.lane.queue, language="en", skills=[skill])
        Draft.objects.filter(pk=draft.pk).update(lane=lane)
    assert shown(find(amina, "with:me")) == [mine.pk]
    assert shown(amina.open("/queue")) == [mine.pk]
    assert shown(find(lead, "is:escalated")) == [leads.pk]
    page = find(lead, "with:amina")
    assert shown(page) == [mine.pk]
    assert "amina" in page.root.one("tbody").words
    assert shown(find(lead, "with:nobody")) == [leads.pk]


def test_by_due_time_whatever_the_priority_of_the_queue(amina):
    make_queue("urgent", priority=1).agents.add(amina.user)
    now = timezone.now()
    first = make_draft(due_at=(now + timedelta(minutes=5)).isoformat())
    urgent = make_draft(queue="urgent", due_at=(now + timedelta(hours=5)).isoformat())
    last = make_draft(due_at=(now + timedelta(hours=9)).isoformat())
    assert shown(amina.open("/queue")) == [urgent.pk, first.pk, last.pk]
    assert shown(find(amina, "sort:due")) == [first.pk, urgent.pk, last.pk]


def test_pages_by_due_time_show_every_draft_once(amina, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 3)
    make_queue("urgent", priority=1).agents.add(amina.user)
    for number in range(8):
        due = (timezone.now() + timedelta(minutes=number)).isoformat()
        make_draft(queue=("default", "urgent")[number % 3 == 0], due_at=due)
    seen, path = [], "/queue?q=sort%3Adue"
    while path:
        page = amina.open(path)
        seen += shown(page)
        onwards = [link for link in page.root.all("a") if link.words == "Next page"]
        path = f"/queue{onwards[0].attributes['href']}" if onwards else ""
    assert seen == [draft.pk for draft in Draft.objects.order_by("submission__due_at")]


def test_what_is_no_filter_is_told_and_the_rest_applies(amina):
    draft = make_draft()
    make_draft(kind="sentiment")
    page = find(amina, "langg:en type:reply lang:eng bot:x poem")
    assert shown(page) == [draft.pk]
    notes = [note.words for note in page.root.all("p", class_="note warn")]
    assert notes == [
        "langg:en is not a filter. Did you mean: lang:en",
        "poem is not a filter.",
        "lang:eng is not a filter. Did you mean: lang:en",
        "bot:x is not a filter.",
    ]
    meant = [link for link in page.root.all("a") if link.words == "lang:en"]
    assert shown(amina.open(meant[0].attributes["href"])) == [draft.pk]
    assert page.root.one("input", id="filter").attributes["value"] == "type:reply "


def test_the_count_is_that_of_the_filter(amina, monkeypatch):
    for kind, language in (("reply", "en"), ("reply", "ar"), ("sentiment", "ar")):
        make_draft(kind=kind, language=language)
    for filters, words in (("", "3 open drafts"), ("lang:ar", "2 open drafts"), ("lang:ar type:reply", "1 open draft")):
        assert words in find(amina, filters).root.one("div", class_="head").words
    monkeypatch.setattr(queue, "LOOK_AT", 2)
    assert "1+ open draft" in find(amina, "lang:ar type:reply").root.one("div", class_="head").words


@pytest.mark.parametrize("nonsense", ["after=1", "after=x-y", "q=kind:poem", "q=" + "x" * 999, "q=%00", "q=lang:%22"])
def test_nonsense_in_the_address_narrows_nothing(amina, nonsense):
    draft = make_draft()
    assert shown(amina.open(f"/queue?{nonsense}")) == [draft.pk]


def test_a_filter_that_no_index_knows_looks_only_so_far(amina, monkeypatch):
    monkeypatch.setattr(queue, "PAGE", 2)
    monkeypatch.setattr(queue, "LOOK_AT", 4)
    for _ in range(9):
        make_draft()
    label = make_draft(kind="sentiment")
    page, looks = find(amina, "type:sentiment"), 1
    while onwards := [link for link in page.root.all("a") if link.words == "Look further"]:
        assert "None of the next 4 drafts matches." in page.words
        page, looks = amina.open(f"/queue{onwards[0].attributes['href']}"), looks + 1
    assert (shown(page), looks) == ([label.pk], 3)


def test_an_agent_sees_the_own_lanes_and_a_lead_all(amina, browse):
    make_queue("other")
    mine, other = make_draft(), make_draft(queue="other")
    assert shown(amina.open("/queue")) == [mine.pk]
    lead = browse(make_agent(role="lead"))
    page = lead.open("/queue")
    assert shown(page) == [mine.pk, other.pk]
    assert page.root.one("tbody").one("a").attributes["href"] == f"/drafts/{other.pk}"


def test_counts_stop(amina, monkeypatch):
    monkeypatch.setattr(queue, "MANY", 2)
    for _ in range(4):
        make_draft()
    assert queue.page(amina.user, Query()).count == queue.Count(2, more=True)


def test_an_empty_list_is_honest(amina):
    assert "Your queues are empty." in amina.open("/queue").words


def test_the_number_of_queries_does_not_grow_with_the_rows(amina, django_assert_num_queries):
    for rows in (1, 3):
        while Draft.objects.count() < rows:
            make_draft()
        with django_assert_num_queries(8):
            assert len(shown(amina.open("/queue"))) == rows


# --- Nothing to show, and why -------------------------------------------------------------------------------


def test_why_the_list_is_empty(amina, browse):
    make_queue("other")
    make_draft(queue="other")
    page = amina.open("/queue")
    assert "Your queues are empty." in page.words
    assert "1 waits in queues or languages that are not yours." in page.words


def test_what_others_have_is_told_with_names_and_an_end(amina, browse):
    make_draft(), make_draft(), make_draft()
    browse(make_agent("ben")).claim()
    browse(make_agent("chen")).claim()
    skipped = amina.claim().root.one("h1")
    draft = Draft.objects.get(holder=amina.user)
    amina.press(f"/drafts/{draft.pk}/skip")
    words = amina.open("/desk").words
    assert skipped
    assert "2 are open with others. ben (1), chen (1). The first of these leases ends at" in words
    assert "1 was skipped by you." in words


def test_what_others_do_is_seen(amina, browse):
    draft = make_draft()
    ben = browse(make_agent("ben"))
    ben.claim()
    page = amina.open("/queue")
    presence.sign_of_life(by=ben.user, idle=timedelta(), editing=True)
    assert news(amina, page)["rows"][str(draft.pk)]["words"] == "ben, editing"
    assert "ben, editing" in amina.open("/queue").root.one("tbody").words


# --- News ---------------------------------------------------------------------------------------------------


def news(browser, page, **changes):
    told = page.root.one("div", id="queue").attributes
    about = {"q": told["data-query"], "since": told["data-since"], "rows": ",".join(map(str, shown(page)))} | changes
    return browser.client.get("/queue/news", about).json()


def test_new_drafts_wait_behind_a_button(amina):
    make_draft()
    page = find(amina, "type:reply")
    assert news(amina, page)["fresh"] == ""
    make_draft(), make_draft(), make_draft(kind="sentiment")
    make_queue("other")
    make_draft(queue="other")
    assert news(amina, page)["fresh"] == "2 new, show"


def test_rows_that_changed_are_told(amina, browse):
    ben = make_agent("ben")
    waits, taken, decided, withdrawn, moved = (make_draft() for _ in range(5))
    page = amina.open("/queue")
    claim.claim(taken.pk, by=ben)
    make_queue("other")
    lane = Lane.objects.create(queue=make_queue("other"), language="en", skills=[])
    Draft.objects.filter(pk=moved.pk).update(lane=lane)
    Draft.objects.filter(pk=withdrawn.pk).update(status="withdrawn")
    claimed = claim.claim(decided.pk, by=make_agent("chen"))
    decide.approve(decided.pk, **seen(claimed, claimed.holder))
    rows = news(amina, page)["rows"]
    assert {int(pk): (row["words"], row["gone"]) for pk, row in rows.items()} == {
        waits.pk: (None, False),
        taken.pk: ("ben", False),
        decided.pk: ("Decided by chen", True),
        withdrawn.pk: ("Taken back by the bot", True),
        moved.pk: ("Moved elsewhere", True),
    }


@pytest.mark.parametrize("nonsense", [{"since": "x"}, {"rows": "1,x"}, {"q": "x" * 999}, {"rows": ",".join("9" * 200)}])
def test_nonsense_asked_for_is_no_news(amina, nonsense):
    make_draft()
    told = news(amina, amina.open("/queue"), **nonsense)
    assert (told["fresh"], told["counts"]) == ("", ["0", "0", "1", "0"])
