"""How a queue works is set by leads, in one form, and the log says what was changed."""

import pytest

from reviewqueue.actions import queues
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Event, Queue
from tests.factories import make_agent, make_draft, make_queue


@pytest.fixture
def dana(browse):
    return browse(make_agent("dana", role="lead"))


def address():
    return f"/settings/queues/{Queue.objects.get().pk}"


def save(dana, status=200, **fields):
    page = dana.open(address())
    form = next(form for form in page.root.all("form") if form.all("textarea", name="guidelines"))
    sent = {one.attributes["name"]: one.attributes.get("value", "") for one in form.all("input")}
    sent |= {one.attributes["name"]: one.text for one in form.all("textarea")}
    sent |= {
        one.attributes["name"]: next(
            option.attributes["value"] for option in one.all("option") if "selected" in option.attributes
        )
        for one in form.all("select")
    }
    return dana._read(dana.client.post(address(), sent | fields, follow=True), status)


def test_a_lead_changes_a_queue_and_the_log_names_the_fields_only(dana):
    page = save(
        dana,
        guidelines="Say sorry once.\r\n\r\nNo slang.",
        policy_points="The amount is right\r\n\r\n No promise ",
        known_hosts="Shop.Example\nshop.example",
        blind_percent="20",
        channel_holds="chat 5\r\nsms=0\nvoice-call : 60",
        risk="high",
    )
    assert "The queue is saved." in page.html
    queue = Queue.objects.get()
    assert queue.guidelines == "Say sorry once.\n\nNo slang."
    assert (queue.policy_points, queue.known_hosts) == (["The amount is right", "No promise"], ["shop.example"])
    assert (queue.blind_percent, queue.risk) == (20, "high")
    assert queue.channel_holds == {"chat": 5, "sms": 0, "voice-call": 60}
    event = Event.objects.get(kind="queue.changed")
    assert event.actor == f"agent:{dana.user.pk}"
    assert event.ids == {
        "queue": queue.pk,
        "fields": ["blind_percent", "channel_holds", "guidelines", "known_hosts", "policy_points", "risk"],
    }


def test_the_same_again_changes_nothing(dana):
    make_queue(guidelines="One.\n\nTwo.", promise_words=["refund", "tomorrow"], channel_holds={"sms": 0, "chat": 1})
    before = Queue.objects.values().get()
    assert "Nothing was changed." in save(dana).html
    assert Queue.objects.values().get() == before
    assert not Event.objects.filter(kind="queue.changed").exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("hold_seconds", "1801", "less than or equal to 1800"),
        ("channel_holds", "chat", "Write a channel and its seconds, such as “chat 3”, not: chat"),
        ("channel_holds", "Chat 3", "not: Chat 3"),
        ("channel_holds", "chat -3", "not: chat -3"),
        ("channel_holds", "chat 2.5", "not: chat 2.5"),
        ("channel_holds", "chat 3\nchat: 4", "two lines for one channel: chat"),
        ("channel_holds", "chat 1801", "The longest hold is 1800 seconds."),
        ("channel_holds", "chat 18000", "The longest hold is 1800 seconds."),
        ("channel_holds", f"{'c' * 33} 3", "not: ccc"),
        ("lease_seconds", "4", "greater than or equal to 5"),
        ("priority", "10", "less than or equal to 9"),
        ("seats", "3", "less than or equal to 2"),
        ("blind_percent", "101", "less than or equal to 100"),
        ("return_rounds", "11", "less than or equal to 10"),
        ("target_seconds", "-1", "greater than or equal to 0"),
        ("target_seconds", str(2**31), "less than or equal to"),
        ("risk", "deadly", "Select a valid choice"),
        ("policy_points", "a\nb\nc\nd", "At most 3 lines."),
        ("known_hosts", "https://shop.example", "This is no name of a host: https://shop.example"),
        ("promise_words", "x" * 201, "A line is too long"),
        ("guidelines", "x" * 20_001, "at most 20000"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_kept(dana, field, value, says):
    before = Queue.objects.values().get()
    page = save(dana, 422, **{field: value})
    summary = page.root.one("div", class_="problem")
    assert "Nothing was saved" in summary.words
    assert says in summary.words
    link = summary.one("a").attributes["href"]
    broken = page.root.one(id=link.removeprefix("#"))
    assert broken.attributes["aria-invalid"] == "true"
    assert value in (broken.text, broken.attributes.get("value")) or broken.tag == "select"
    assert page.root.one("title").words.startswith("Error:")
    assert Queue.objects.values().get() == before


def test_only_leads(browse):
    agent = make_agent()
    with pytest.raises(Refused) as refusal:
        queues.change(Queue.objects.get().pk, by=agent, priority=1)
    assert refusal.value.code == "not-allowed"
    browse(agent).open(address(), 403)


def test_all_channels_have_the_holds_of_their_queue_once_the_list_is_empty(dana):
    save(dana, channel_holds="")
    assert Queue.objects.get().channel_holds == {}


def test_guidelines_stand_beside_the_draft_as_plain_text(browse):
    make_queue(guidelines="Be <b>kind</b>.\n\nBe brief.")
    amina = browse(make_agent("amina"))
    make_draft()
    page = amina.claim()
    shown = page.root.one("div", class_="guidelines")
    assert [part.text for part in shown.all("p")] == ["Be <b>kind</b>.", "Be brief."]
