"""Many drafts with one press: each is decided by itself, by that person, under all the rules."""

import pytest

from reviewqueue.actions import bulk, claim
from reviewqueue.models import Decision, Draft, Event, Skip
from tests.factories import make_agent, make_draft, make_queue


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def select(browser, drafts, do: str, status: int = 200, **fields):
    browser.open("/queue")
    return browser.press("/queue/selection", status, drafts=[draft.pk for draft in drafts], do=do, **fields)


def refused(page) -> list[str]:
    return [item.words for item in page.root.one("main").all("li")]


def sure(browser, status: int = 200, **fields):
    items = [field.attributes["value"] for field in browser.page.root.all("input", name="item")]
    return browser.press("/queue/selection", status, item=items, **fields)


def test_labels_are_confirmed_after_a_look_at_some(amina):
    drafts = [make_draft(kind="sentiment", text=f"Text number {number}") for number in range(8)]
    page = select(amina, drafts, "approve")
    assert page.root.one("h1").words == "Confirm 8 labels as they stand?"
    assert len(page.root.all("article")) == 5
    assert "positive 8." in page.words
    assert not Decision.objects.exists()
    page = sure(amina, do="approve")
    assert page.root.one("h1").words == "8 labels confirmed"
    assert set(Decision.objects.values_list("draft_id", "verdict", "by_agent")) == {
        (draft.pk, "approved", amina.user.pk) for draft in drafts
    }
    assert Event.objects.get(kind="bulk.approved").ids["drafts"] == [draft.pk for draft in drafts]
    assert Event.objects.filter(kind="draft.approved").count() == 8


def test_what_somebody_else_did_meanwhile_is_told_and_left(amina):
    labels = [make_draft(kind="sentiment") for _ in range(3)]
    select(amina, labels, "approve")
    claim.claim(labels[1].pk, by=make_agent("ben"))
    Draft.objects.filter(pk=labels[2].pk).update(status="withdrawn")
    page = sure(amina, do="approve")
    assert page.root.one("h1").words == "1 label confirmed"
    assert refused(page) == [
        f"#{labels[1].pk} ben has this draft now.",
        f"#{labels[2].pk} The bot took this draft back.",
    ]


def test_the_same_press_twice_decides_once(amina):
    labels = [make_draft(kind="sentiment") for _ in range(2)]
    select(amina, labels, "approve")
    items = [field.attributes["value"] for field in amina.page.root.all("input", name="item")]
    form = amina.page.form("/queue/selection") | {"item": items, "do": "approve"}
    for _ in range(2):
        answer = amina.client.post("/queue/selection", form)
        assert b"2 labels confirmed" in answer.content
    assert Decision.objects.count() == 2


def test_replies_are_never_approved_in_bulk(amina):
    reply, label = make_draft(), make_draft(kind="sentiment")
    select(amina, [reply], "approve", 422)
    page = select(amina, [reply, label], "approve")
    assert "1 draft of your selection is left out" in page.words
    item = f"{reply.pk}:{bytes(reply.digest).hex()}:1:1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    page = amina.press("/queue/selection", do="approve", item=[item])
    assert refused(page) == [f"#{reply.pk} A reply is approved by itself."]
    assert Draft.objects.get(pk=reply.pk).status == "waiting"
    assert not Decision.objects.exists()


def test_what_was_on_the_screen_is_there_again(amina):
    on_screen = make_draft()
    amina.claim()
    labels = [make_draft(kind="sentiment") for _ in range(3)]
    select(amina, labels, "approve")
    sure(amina, do="approve")
    assert Draft.objects.filter(holder=amina.user, slot=0).values_list("pk", flat=True).get() == on_screen.pk
    assert not Draft.objects.filter(holder=amina.user, slot=1).exists()


def test_a_reason_for_all(amina):
    drafts = [make_draft() for _ in range(3)]
    page = select(amina, drafts, "reject")
    assert page.root.one("h1").words == "Reject 3 drafts?"
    page = sure(amina, do="reject", reasons="wrong-facts", note="")
    assert page.root.one("h1").words == "3 drafts rejected"
    decided = [(decision.verdict, decision.feedback.reasons) for decision in Decision.objects.all()]
    assert decided == [("rejected", ["wrong-facts"])] * 3


def test_a_reason_that_is_missing_leaves_all_as_it_was(amina):
    drafts = [make_draft() for _ in range(2)]
    select(amina, drafts, "reject")
    page = sure(amina, do="reject", note="")
    assert page.root.one("h1").words == "0 drafts rejected"
    assert len(refused(page)) == 2
    assert set(Draft.objects.values_list("status", "holder")) == {("waiting", None)}


def test_two_kinds_have_different_reasons(amina):
    select(amina, [make_draft(), make_draft(kind="sentiment")], "reject", 422)


def test_release_gives_back_what_is_open_with_me(amina):
    make_draft()
    amina.claim()
    mine = Draft.objects.get(holder=amina.user)
    page = select(amina, [mine], "release")
    assert page.root.one("h1").words == "1 draft released"
    mine.refresh_from_db()
    assert (mine.status, mine.holder) == ("waiting", None)
    assert not Skip.objects.exists()


def test_assigned_to_me_waits_for_nobody_else(amina, browse):
    on_screen, drafts = make_draft(), [make_draft() for _ in range(3)]
    amina.open("/queue")
    amina.press("/claims", draft=on_screen.pk)
    page = select(amina, drafts, "take")
    assert page.root.one("h1").words == "3 drafts assigned to you"
    assert {tuple(draft.lane.skills) for draft in Draft.objects.filter(status="waiting")} == {
        (f"agent:{amina.user.pk}",)
    }
    assert Draft.objects.get(holder=amina.user, slot=0) == on_screen
    assert claim.claim_next(by=make_agent("ben")) is None
    page = select(amina, drafts, "release")
    assert page.root.one("h1").words == "3 drafts released"
    assert {tuple(draft.lane.skills) for draft in Draft.objects.filter(status="waiting")} == {()}


def test_assigned_to_a_colleague(amina):
    ben, drafts = make_agent("ben"), [make_draft() for _ in range(2)]
    page = select(amina, drafts, "assign")
    assert [option.words for option in page.root.one("select").all("option")] == ["", "ben"]
    page = amina.press("/queue/selection", do="assign", to=ben.pk, drafts=[draft.pk for draft in drafts])
    assert page.root.one("h1").words == "2 drafts assigned"
    assert claim.claim_next(by=ben).pk == drafts[0].pk
    select(amina, [make_draft()], "assign")
    page = amina.press("/queue/selection", do="assign", to=amina.user.pk)
    assert page.root.one("h1").words == "0 drafts assigned"
    assert len(refused(page)) == 1


def test_escalated_together_with_a_reason(amina):
    lead, drafts = make_agent("lena", role="lead"), [make_draft() for _ in range(2)]
    select(amina, drafts, "escalate")
    reason = amina.page.root.all("input", name="reasons")[0].attributes["value"]
    ids = [draft.pk for draft in drafts]
    page = amina.press("/queue/selection", do="escalate", reasons=reason, drafts=ids)
    assert page.root.one("h1").words == "2 drafts escalated"
    assert {tuple(draft.lane.skills) for draft in Draft.objects.all()} == {("lead",)}
    assert claim.claim_next(by=lead).pk == drafts[0].pk


def test_a_label_that_is_judged_blind_is_not_shown(amina):
    make_queue(blind_percent=100)
    select(amina, [make_draft(kind="sentiment")], "approve", 422)
    assert "positive" not in amina.page.words


def test_only_so_many_at_once(amina, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    drafts = [make_draft(kind="sentiment") for _ in range(3)]
    select(amina, drafts, "approve", 422)
    damaged = {"do": "reject", "sure": "1", "item": [f"{drafts[0].pk}:{'0' * 64}:1:{'-' * 36}"]}
    for more in (
        {"do": "approve"},
        {"do": "dance", "drafts": [drafts[0].pk]},
        {"do": "release", "drafts": ["x"]},
        damaged,
    ):
        amina.open("/queue")
        amina.press("/queue/selection", 422, **more)


def test_nobody_decides_in_bulk_what_they_may_not_see(amina):
    make_agent("other", queues=())
    hidden = make_draft(kind="sentiment", language="ar")
    amina.user.languages = ["en"]
    amina.user.save()
    item = f"{hidden.pk}:{bytes(hidden.digest).hex()}::1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    make_draft()
    amina.open("/queue")
    page = amina.press("/queue/selection", do="approve", item=[item], sure="1")
    assert refused(page) == [f"#{hidden.pk} There is no such draft in your queues."]


def test_an_auditor_selects_nothing(browse):
    auditor = browse(make_agent(role="auditor"))
    assert auditor.client.post("/queue/selection", {"do": "release", "drafts": [1]}).status_code == 403
