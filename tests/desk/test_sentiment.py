"""Labels: any number of them, judged blind or not, with their reason marked, or passed on."""

import json

import pytest

from reviewqueue import care
from reviewqueue.actions import settle
from reviewqueue.models import Decision, Draft, Event, Feedback, Skip, Vote
from tests.factories import make_agent, make_bot, make_draft, make_queue

TEXT = "great 🙃, another delay"
LABELS = [f"mood {number}" for number in range(1, 13)]


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def label(**more):
    return make_draft(kind="sentiment", **more)


# --- Blind --------------------------------------------------------------------------------------------------


def test_a_blind_label_is_nowhere_in_the_page(amina):
    make_queue(blind_percent=100)
    draft = label(label="oddly-proud", labels=["negative", "oddly-proud"], confidence=0.87)
    for page in (amina.claim(), amina.open("/desk?reject=1"), amina.open(f"/drafts/{draft.pk}"), amina.open("/queue")):
        buttons = page.root.all("button", value="oddly-proud")
        assert page.html.count("oddly-proud") == 2 * len(buttons)
        assert [one.attributes["class"] for one in buttons] in ([], ["button"])
        assert "0.8" not in page.html
    assert "Accept AI label" not in amina.open("/desk").html


@pytest.mark.parametrize(("chosen", "verdict"), [("positive", "approved"), ("negative", "edited")])
def test_the_server_derives_the_verdict_of_a_blind_answer(amina, chosen, verdict):
    make_queue(blind_percent=100)
    draft = label(label="positive")
    amina.claim()
    page = amina.press(f"/drafts/{draft.pk}/decision", text=chosen)
    assert (Decision.objects.get().verdict, Vote.objects.get().blind) == (verdict, True)
    said = "The AI chose the same label." if verdict == "approved" else "The AI label: positive."
    assert said in page.root.one("section", id="held").words


def test_a_blind_label_cannot_be_accepted_by_a_forged_form(amina):
    make_queue(blind_percent=100)
    draft = label()
    amina.claim()
    page = amina.decide(draft.pk, "approve", 409)
    assert "Choose a label." in page.words
    assert not Decision.objects.exists()


def test_a_blind_label_is_told_by_no_changes(amina):
    make_queue(blind_percent=100)
    draft = label(label="oddly-proud", labels=["negative", "oddly-proud"])
    amina.claim()
    for accept in ("text/html", "text/fragment+html"):
        answer = amina.client.post(f"/drafts/{draft.pk}/preview", {"text": "x"}, headers={"accept": accept})
        assert answer.status_code == 409
        assert b"oddly-proud" not in answer.content


def test_a_blind_label_is_told_by_no_conflict(amina):
    make_queue(blind_percent=100)
    bot, customer = make_bot(), {"id": "c1", "name": "Sam"}
    draft = label(bot=bot, external_id="old", customer=customer)
    amina.claim()
    form = amina.page.form(f"/drafts/{draft.pk}/decision")
    label(bot=bot, external_id="new", customer=customer, supersedes="old", label="negative")
    page = amina._read(amina.client.post(f"/drafts/{draft.pk}/decision", form | {"text": "neutral"}), 409)
    assert "The bot sent a newer draft" in page.words
    assert "negative" not in page.html


def test_a_form_cannot_claim_to_have_been_blind(amina):
    draft = label()
    amina.claim()
    amina.press(f"/drafts/{draft.pk}/decision", text="negative", blind="1")
    assert not Vote.objects.get().blind


def test_after_an_undo_it_was_seen(amina):
    make_queue(blind_percent=100)
    draft = label()
    amina.claim()
    amina.press(f"/drafts/{draft.pk}/decision", text="negative")
    settle.undo(Decision.objects.get().pk, by=amina.user)
    assert "Accept AI label" in amina.open("/desk").words


def test_the_share_is_that_of_the_queue_and_the_same_at_each_look(db, empty_redis):
    made = label()
    drafts = [Draft(pk=pk, kind="sentiment", lane=made.lane, submission=made.submission) for pk in range(2000)]
    for percent in (0, 10, 100):
        for draft in drafts:
            draft.lane.queue.blind_percent = percent
        blind = [draft.pk for draft in drafts if care.is_blind(draft)]
        assert blind == [draft.pk for draft in drafts if care.is_blind(draft)]
        assert abs(len(blind) - 20 * percent) < 60


def test_where_nobody_may_choose_nothing_is_hidden(amina):
    make_queue(blind_percent=100)
    label(allowed=["approve", "reject"])
    assert "Accept AI label" in amina.claim().words


# --- Many labels --------------------------------------------------------------------------------------------


def test_nine_labels_have_digits_and_the_others_a_list(amina):
    draft = label(labels=LABELS, label="mood 1")
    page = amina.claim()
    assert [page.keys[str(digit)] for digit in range(1, 10)] == LABELS[:9]
    assert [option.words for option in page.root.one("select", id="listed").all("option")] == ["", *LABELS[9:]]
    amina.press(f"/drafts/{draft.pk}/decision", listed="mood 11")
    assert Decision.objects.get().by_vote.final.text == "mood 11"


def test_a_list_left_empty_decides_nothing(amina):
    draft = label(labels=LABELS, label="mood 1")
    amina.claim()
    amina.press(f"/drafts/{draft.pk}/decision", 422, listed="")
    assert not Decision.objects.exists()


# --- The reason in the text ---------------------------------------------------------------------------------


def test_marks_are_kept_in_code_points_and_shown(amina):
    draft = label(text=TEXT)
    amina.claim()
    amina.press(f"/drafts/{draft.pk}/decision", text="negative", spans="[[9, 16], [0, 7]]")
    assert Feedback.objects.get().spans == [[0, 7], [9, 16]]
    page = amina.open(f"/drafts/{draft.pk}")
    assert [mark.text for mark in page.root.all("mark")] == ["great 🙃", "another"]


@pytest.mark.parametrize(
    "spans",
    [
        json.dumps([[n, n + 1] for n in range(21)]),
        "[[0, 23]]",
        "[[5, 5]]",
        "[[7, 3]]",
        "[[-1, 3]]",
        "[[0, 5], [4, 8]]",
        "[[1]]",
        "[[true, 2]]",
        '"ab"',
        "{",
        "[[0, 1e9]]",
    ],
)
def test_places_that_are_none_of_the_text_are_refused(amina, spans):
    draft = label(text=TEXT)
    amina.claim()
    amina.press(f"/drafts/{draft.pk}/decision", 422, text="negative", spans=spans)
    assert not Decision.objects.exists()


def test_a_reply_has_no_marks(amina):
    draft = make_draft()
    amina.claim()
    amina.decide(draft.pk, "approve", 422, spans="[[0, 1]]")


# --- Passing on ---------------------------------------------------------------------------------------------


def test_what_is_passed_on_leaves_no_mark_on_the_person(amina):
    make_agent("ben")
    draft = label()
    amina.claim()
    page = amina.press(f"/drafts/{draft.pk}/pass-on")
    assert page.root.one("h1").words == "Nothing waits for you"
    assert "skipped" not in page.words
    assert Event.objects.filter(actor=f"agent:{amina.user.pk}").latest("id").kind == "draft.released"
    assert Draft.objects.get().status == "waiting"


def test_somebody_must_be_left(amina):
    draft = label()
    amina.claim()
    page = amina.press(f"/drafts/{draft.pk}/pass-on", 403)
    assert "Nobody else reads this queue and language." in page.words
    assert (Draft.objects.get().status, Skip.objects.count()) == ("claimed", 0)


# --- Pace -----------------------------------------------------------------------------------------------------


def test_twenty_decisions_faster_than_reading_are_told_and_block_nothing(amina):
    def decide(viewed):
        draft = label(text="word " * 10)
        amina.claim()
        return amina.press(f"/drafts/{draft.pk}/decision", text="negative", viewed_ms=str(viewed))

    for _ in range(19):
        assert "faster than reading" not in decide(0).words
    assert "20 decisions faster than reading. Nothing is blocked." in decide(0).words
    draft = label(text="two words")
    amina.claim()
    Draft.objects.filter(pk=draft.pk).update(shown_at="2020-01-01T00:00Z")
    assert "faster than reading" not in amina.press(f"/drafts/{draft.pk}/decision", text="negative").words
