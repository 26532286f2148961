"""Against rubber-stamping: what an approval takes in each tier, and what nobody is kept from."""

from datetime import timedelta

import pytest

from reviewqueue import care
from reviewqueue.actions import claim, decide
from reviewqueue.care import READ
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Decision, Draft, Feedback, Queue
from tests.factories import make_agent, make_draft, make_queue, seen

FIFTY = " ".join(["word"] * 50)  # ten seconds of reading


def claimed(agent, *, viewed=0, **more):
    """A draft that has been on the agent's screen for so many seconds."""
    draft = claim.claim(make_draft(**more).pk, by=agent)
    Draft.objects.filter(pk=draft.pk).update(shown_at=draft.shown_at - timedelta(seconds=viewed))
    return draft


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("queue", "bot", "tier"),
    [("low", "low", "low"), ("low", "normal", "normal"), ("high", "low", "high"), ("normal", "high", "high")],
)
def test_the_tier_is_the_higher_of_what_the_queue_and_the_bot_say(queue, bot, tier):
    make_queue(risk=queue)
    assert care.tier(make_draft(risk=bot)) == tier
    assert care.tier(make_draft(risk=bot, kind="sentiment")) == "low"


@pytest.mark.parametrize(
    ("text", "language", "seconds"),
    [
        ("", "en", 0),
        (FIFTY, "en", 10),
        ("a " * 7, "de", 1.4),
        ("返品できますか。", "ja", 0.8),
        ("字" * 100, "zh-TW", 10),
    ],
)
def test_the_reading_floor(text, language, seconds):
    assert care.reading_seconds(text, language) == pytest.approx(seconds)


@pytest.mark.django_db
@pytest.mark.parametrize("risk", ["low", "normal"])
def test_below_tier_high_the_server_only_records(risk, empty_redis):
    agent = make_agent()
    draft = claimed(agent, viewed=1, text=FIFTY, risk=risk)
    decide.approve(draft.pk, **seen(draft, agent), viewed_ms=12)
    assert Feedback.objects.get().viewed_ms == 12


@pytest.mark.django_db
def test_high_takes_a_confirmed_point(empty_redis):
    make_queue(risk="high", policy_points=["The amount is right", "No promise"])
    agent = make_agent()
    draft = claimed(agent, viewed=60)
    for confirmed in ("", READ, "the amount is right"):
        with pytest.raises(Refused) as refusal:
            decide.approve(draft.pk, **seen(draft, agent), confirmed=confirmed)
        assert refusal.value.code == "not-confirmed"
    decide.approve(draft.pk, **seen(draft, agent), confirmed="No promise")
    assert Feedback.objects.get().confirmed == "No promise"


@pytest.mark.django_db
def test_high_without_points_of_its_own_still_asks(empty_redis):
    agent = make_agent()
    draft = claimed(agent, viewed=60, risk="high")
    decide.approve(draft.pk, **seen(draft, agent), confirmed=READ)
    assert Feedback.objects.get().confirmed == READ


@pytest.mark.django_db
def test_high_takes_the_time_of_reading(empty_redis):
    agent = make_agent()
    draft = claimed(agent, viewed=4, text=FIFTY, risk="high")
    for act in (decide.approve, lambda pk, **form: decide.edit(pk, text=FIFTY, **form)):
        with pytest.raises(Refused) as refusal:
            act(draft.pk, **seen(draft, agent), confirmed=READ)
        assert refusal.value.code == "too-fast"
        assert refusal.value.facts["retry_after"] == 6
    with pytest.raises(Refused) as refusal:  # the browser's clock counts where it shows less
        decide.approve(draft.pk, **seen(draft, agent), confirmed=READ, viewed_ms=1_000)
    assert refusal.value.facts["retry_after"] == 9
    Draft.objects.filter(pk=draft.pk).update(shown_at=draft.shown_at - timedelta(seconds=10))
    assert decide.approve(draft.pk, **seen(draft, agent), confirmed=READ)


@pytest.mark.django_db
def test_to_disagree_is_never_slowed_down(empty_redis):
    make_queue(risk="high", policy_points=["The amount is right"])
    agent = make_agent()
    draft = claimed(agent, text=FIFTY)
    decide.edit(draft.pk, text="Short.", **seen(draft, agent))
    draft = claimed(agent, text=FIFTY)
    decide.reject(draft.pk, reasons=["wrong-facts"], **seen(draft, agent))
    assert list(Decision.objects.order_by("id").values_list("verdict", flat=True)) == ["edited", "rejected"]
    assert set(Feedback.objects.values_list("confirmed", flat=True)) == {""}


def test_the_refusal_says_when_to_come_back(browse):
    Queue.objects.update(risk="high")
    amina = browse(make_agent("amina"))
    draft = make_draft(text=FIFTY)
    amina.claim()
    answer = amina.client.post(
        f"/drafts/{draft.pk}/decision",
        {**amina.page.form(f"/drafts/{draft.pk}/decision"), "verdict": "approve", "confirmed": READ},
    )
    assert answer.status_code == 429
    assert answer["Retry-After"] == "10"
    assert "Approve is available in 10 s." in answer.content.decode()
