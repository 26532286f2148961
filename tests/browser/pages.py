"""Every page and state that a person can see, in one list; each is made by itself, from the factories.

The tests of this folder walk through the list: whoever adds a page, or a state of one, adds a view here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page

from reviewqueue.actions import claim as claims
from reviewqueue.actions import conversation, decide, lease, saved_views, settle, withdraw
from reviewqueue.actions.similar import keep_words
from reviewqueue.lifecycle import DELIVERY, Refused, move
from reviewqueue.models import Attempt, Body, Bot, Customer, Decision, Delivery, Draft, User
from tests import factories
from tests.browser import scene

if TYPE_CHECKING:
    from tests.browser.conftest import Tab

NAMES = {"agent": "Amina Khalil", "lead": "Dana Weber", "auditor": "Ravi Nair"}

_numbers = count(1)


@contextmanager
def role(name: str) -> Iterator[None]:
    """As that database role."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE reviewqueue_{name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE reviewqueue_app")


@contextmanager
def on_database(name: str) -> Iterator[None]:
    """This process' models on the database of the running product."""
    before = settings.DATABASES["default"]["NAME"]
    use(name)
    try:
        yield
    finally:
        use(before)


def use(name: str) -> None:
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def person(role_: str = "agent", **more: Any) -> User:
    """Somebody new of that role."""
    first, _, last = NAMES[role_].partition(" ")
    return factories.make_agent(
        f"{first.lower()}{next(_numbers)}", role=role_, first_name=first, last_name=last, **more
    )


def session(user: User) -> str:
    """The session cookie of somebody who has signed in."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@dataclass
class Visit:
    """What a view is made of: a person with a tab of their own, a bot, and drafts, gone again when it ends."""

    tab: "Tab"
    user: User
    bot: Bot = field(default_factory=lambda: factories.make_bot(f"ship-bot-{next(_numbers)}"))
    drafts: list[Draft] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.tab.page

    def open(self, path: str) -> Page:
        return self.tab.open(path)

    def waiting(self, **draft: Any) -> Draft:
        made = factories.make_draft(**{"bot": self.bot, "source": scene.SOURCE, **draft})
        self.drafts.append(made)
        return made

    def claimed(self, by: User | None = None, **draft: Any) -> Draft:
        return claims.claim(self.waiting(**draft).pk, by=by or self.user)

    def decided(self, verdict: str = "approve", *, by: User | None = None, **draft: Any) -> Decision:
        by = by or self.user
        return judge(self.claimed(by, **draft), verdict, by)

    def delivered(self, status: str) -> Decision:
        """A decision whose delivery is there, after one attempt."""
        decision = self.decided("edit")
        # In one transaction: no worker of the running product comes in between.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE hold SET until = now() WHERE decision_id = %s", [decision.pk])
            self._attempted(decision, status)
        return decision

    def _attempted(self, decision: Decision, status: str) -> None:
        with role("worker"):
            settle.settle_due()
            last, outcome = factories.TRIED[status]
            for step in ("dispatch", "start", last):
                (delivery,) = move(Delivery.objects.filter(decision=decision), DELIVERY[step])
            code = {"delivered": 200, "failed": 400, "retry": 503}.get(status)
            error = "" if status == "delivered" else "The receiver said no."
            Attempt.objects.create(delivery=delivery, number=1, outcome=outcome, code=code, took_ms=84, error=error)

    def newer_message(self, draft: Draft) -> None:
        message = {"id": "m2", "author": "customer", "text": "Never mind, it is here.", "sent_at": None}
        conversation.add_messages(draft.conversation.ref, [message], bot=self.bot)

    def end(self) -> None:
        """Nothing of it waits, or is held, for whoever comes next."""
        for draft in self.drafts:
            try:
                withdraw.withdraw(draft.pk, bot=self.bot)
            except Refused:
                continue


def judge(draft: Draft, verdict: str, by: User) -> Decision:
    seen = factories.seen(draft, by)
    if verdict == "approve":
        return decide.approve(draft.pk, **seen)
    if verdict == "edit":
        text = "negative" if draft.kind == "sentiment" else "Your order 4821 left our warehouse yesterday, at noon."
        return decide.edit(draft.pk, text=text, **seen)
    reason = "cannot-tell" if draft.kind == "sentiment" else "wrong-facts"
    return decide.reject(draft.pk, reasons=[reason], note="The date is wrong.", **seen)


Show = Callable[[Visit], Any]


@dataclass(frozen=True)
class View:
    """One page in one state. `status` is what the server answers with, `role` is empty for somebody signed out."""

    name: str
    role: str
    status: int
    show: Show


VIEWS: dict[str, View] = {}


def view(name: str, role_: str = "agent", *, status: int = 200) -> Callable[[Show], Show]:
    def add(show: Show) -> Show:
        VIEWS[name] = View(name, role_, status, show)
        return show

    return add


# --- Signing in -----------------------------------------------------------------------------------------------


@view("sign-in", "")
def sign_in(visit: Visit) -> None:
    visit.open("/sign-in")


@view("sign-in-wrong", "")
def sign_in_wrong(visit: Visit) -> None:
    page = visit.open("/sign-in")
    page.locator("#username").fill("amina")
    page.locator("#password").fill("not her password")
    submit(page, ".card form:not(.language)")


# --- The desk: a reply ----------------------------------------------------------------------------------------


def submit(page: Page, form: str, button: str = "button") -> None:
    """Press the first button of a form, and wait for the page it leads to."""
    with page.expect_navigation():
        page.locator(f"{form} {button}").first.click()


def arabic(visit: Visit, **changes: Any) -> Draft:
    draft = {
        "conversation": scene.ARABIC | {"reply_to": None, "id": f"ar-{next(_numbers)}"},
        "customer": {"id": f"c-{next(_numbers)}", "name": "ليلى"},
        "language": "ar",
        "confidence": 0.41,
        "due_at": scene.moment(4),
        "segments": {"region": "EU", "product": "shipping"},
        "topics": ["delivery"],
        "evidence": scene.EVIDENCE,
    }
    return visit.claimed(text=scene.ARABIC_DRAFT, **draft | changes)


@view("reply")
def reply(visit: Visit) -> None:
    visit.decided()
    arabic(visit)
    visit.open("/desk")


@view("reply-sent-at-once")
def reply_sent_at_once(visit: Visit) -> None:
    visit.claimed(queue=careful(visit, channel_holds={"email": 0}))
    visit.open("/desk")


@view("reply-three-held")
def reply_three_held(visit: Visit) -> None:
    for verdict in ("approve", "edit", "reject", "approve"):
        visit.decided(verdict)
    with connection.cursor() as cursor:  # none of them ends while the page is looked at
        cursor.execute("UPDATE hold SET until = now() + interval '10 min' WHERE settled_at IS NULL")
    visit.claimed()
    visit.open("/desk")


@view("reply-long")
def reply_long(visit: Visit) -> None:
    visit.claimed(
        text=" ".join(["We looked into it and found your parcel."] * 60),
        conversation=scene.LONG | {"id": f"long-{next(_numbers)}"},
        evidence=scene.EVIDENCE * 4,
        metadata={"ticket": 7},
    )
    visit.open("/desk")


@view("reply-blocked")
def reply_blocked(visit: Visit) -> None:
    """Errors, one of them a character that nobody sees."""
    visit.claimed(text=f"{scene.UNFILLED}\u202e", due_at=scene.moment(-12))
    visit.open("/desk")


@view("reply-newer-message")
def reply_newer_message(visit: Visit) -> None:
    visit.newer_message(visit.claimed())
    visit.open("/desk")


@view("reply-sandbox")
def reply_sandbox(visit: Visit) -> None:
    visit.bot = factories.make_bot(f"trial-{next(_numbers)}", sandbox=True)
    visit.claimed()
    visit.open("/desk")


@view("beside-erased")
def beside_erased(visit: Visit) -> None:
    draft = visit.claimed()
    erase(draft)
    page = visit.open("/desk")
    visit.tab.settled()
    page.evaluate("dispatchEvent(new Event('focus'))")  # not only in fifteen seconds
    page.locator("#conflicts h2").wait_for()


def erase(draft: Draft) -> None:
    with role("eraser"):
        Body.objects.filter(customer_id=draft.customer_id).update(text=None, salt=None)


@view("edit")
def edit(visit: Visit) -> None:
    arabic(visit)
    visit.open("/desk?edit=1")


@view("edit-preview")
def edit_preview(visit: Visit) -> None:
    arabic(visit)
    page = visit.open("/desk?edit=1")
    page.locator("#text").fill(scene.ARABIC_EDIT)
    submit(page, ".keys-row", "[formaction$=preview]")


@view("edit-after-undo")
def edit_after_undo(visit: Visit) -> None:
    settle.undo(visit.decided("edit").pk, by=visit.user)
    visit.open("/desk")


@view("reject")
def reject(visit: Visit) -> None:
    arabic(visit)
    visit.open("/desk?reject=1")


@view("reject-without-note", status=422)
def reject_without_note(visit: Visit) -> None:
    visit.claimed()
    page = visit.open("/desk?reject=1")
    page.locator(".needs-note input").first.check()
    natively(visit)


# --- The desk: a sentiment ------------------------------------------------------------------------------------


def sarcasm(visit: Visit, **changes: Any) -> Draft:
    text = "third time this month, honestly brilliant service 🙃"
    return visit.claimed(**{"kind": "sentiment", "text": text, "label": "positive", **changes})


@view("sentiment")
def sentiment(visit: Visit) -> None:
    visit.decided("edit", kind="sentiment")
    sarcasm(visit)
    visit.open("/desk")


@view("sentiment-many-labels")
def sentiment_many_labels(visit: Visit) -> None:
    sarcasm(visit, labels=["positive", *(f"mood number {number}" for number in range(2, 15))])
    visit.open("/desk")


@view("sentiment-reject")
def sentiment_reject(visit: Visit) -> None:
    sarcasm(visit)
    visit.open("/desk?reject=1")


# --- Nothing on the desk --------------------------------------------------------------------------------------


@view("empty")
def empty(visit: Visit) -> None:
    visit.open("/desk")


@view("empty-for-reasons")
def empty_for_reasons(visit: Visit) -> None:
    """With others, skipped, and in languages of others."""
    visit.claimed(by=person())
    draft = visit.claimed()
    lease.skip(draft.pk, by=visit.user, epoch=draft.epoch)
    factories.make_queue("returns")
    visit.waiting(queue="returns")
    visit.open("/desk")


@view("empty-in-no-queue")
def empty_in_no_queue(visit: Visit) -> None:
    visit.user.queues.clear()
    visit.open("/desk")


# --- The list -------------------------------------------------------------------------------------------------


def mixture(visit: Visit) -> None:
    visit.claimed(by=person(), text="Thank you, it is on its way.")
    visit.waiting(text=scene.UNFILLED, due_at=scene.moment(-12))
    for said, text, language, confidence in scene.OTHERS:
        conversation_ = said | {"id": f"{language}-{next(_numbers)}"}
        visit.waiting(text=text, conversation=conversation_, language=language, confidence=confidence)
    visit.waiting(kind="sentiment", text="third time this month, honestly brilliant service 🙃")
    arabic(visit)


@view("queue")
def queue(visit: Visit) -> None:
    mixture(visit)
    visit.open("/queue")


@view("queue-filtered")
def queue_filtered(visit: Visit) -> None:
    mixture(visit)
    visit.open("/queue?q=lang:ja+type:reply")


@view("queue-no-match")
def queue_no_match(visit: Visit) -> None:
    mixture(visit)
    visit.open("/queue?q=lang:ja+type:sentiment")


@view("queue-unknown-filter")
def queue_unknown_filter(visit: Visit) -> None:
    mixture(visit)
    visit.open("/queue?q=langg:ja+type:poem")


@view("queue-empty")
def queue_empty(visit: Visit) -> None:
    visit.user.queues.set([factories.make_queue("quiet")])
    visit.open("/queue")


@view("queue-news")
def queue_news(visit: Visit) -> None:
    """New drafts behind their button, and a row that somebody else decided."""
    mixture(visit)
    page = visit.open("/queue")
    visit.decided(by=person())
    Draft.objects.filter(pk=visit.drafts[1].pk).update(status="withdrawn")
    visit.waiting()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("tr.gone").wait_for()


@view("selection-labels")
def selection_labels(visit: Visit) -> None:
    for text in ("great, another delay", "thank you so much"):
        visit.waiting(kind="sentiment", text=text)
    selected(visit, "approve")


@view("selection-reject")
def selection_reject(visit: Visit) -> None:
    visit.waiting()
    selected(visit, "reject")


@view("selection-done")
def selection_done(visit: Visit) -> None:
    visit.waiting()
    visit.claimed(by=person())
    selected(visit, "take")


def selected(visit: Visit, do: str) -> None:
    """All rows, and a button for them."""
    page = visit.open("/queue")
    for box in page.locator("#rows [type=checkbox]").all():
        box.check()
    with page.expect_navigation():
        page.locator(f"button[value={do}]").click()


@view("views", "lead")
def views(visit: Visit) -> None:
    saved_views.keep(name="Arabic", query="lang:ar", shared=True, by=visit.user)
    saved_views.keep(name="Labels", query="type:sentiment", shared=False, by=visit.user)
    visit.open("/views?q=conf:<0.6")


@view("skipped")
def skipped(visit: Visit) -> None:
    draft = visit.claimed()
    lease.skip(draft.pk, by=visit.user, epoch=draft.epoch)
    visit.open("/skipped")


@view("delivery-problems")
def delivery_problems(visit: Visit) -> None:
    visit.delivered("failed")
    visit.delivered("unknown")
    visit.open("/deliveries")


@view("similar")
def similar(visit: Visit) -> None:
    decision = visit.decided("edit")
    settle.send_now(decision.pk, by=visit.user)
    with role("worker"):
        settle.feed_final()
        keep_words()
    visit.open(f"/drafts/{visit.waiting().pk}/similar")


# --- One draft ------------------------------------------------------------------------------------------------


@view("draft")
def draft(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.decided('edit').draft_id}")


@view("draft-waiting")
def draft_waiting(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.waiting(text=scene.UNFILLED).pk}")


@view("draft-undone")
def draft_undone(visit: Visit) -> None:
    decision = visit.decided("reject")
    settle.undo(decision.pk, by=visit.user)
    visit.open(f"/drafts/{decision.draft_id}")


@view("draft-label")
def draft_label(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.decided('edit', kind='sentiment').draft_id}")


@view("draft-delivered")
def draft_delivered(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.delivered('delivered').draft_id}")


@view("draft-failed")
def draft_failed(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.delivered('failed').draft_id}")


@view("draft-unknown-fate")
def draft_unknown_fate(visit: Visit) -> None:
    visit.open(f"/drafts/{visit.delivered('unknown').draft_id}")


@view("draft-erased")
def draft_erased(visit: Visit) -> None:
    decision = visit.decided("edit")
    erase(decision.draft)
    visit.open(f"/drafts/{decision.draft_id}")


# --- Decisions ------------------------------------------------------------------------------------------------


@view("decisions")
def decisions(visit: Visit) -> None:
    visit.delivered("delivered")
    visit.delivered("failed")
    settle.undo(visit.decided().pk, by=visit.user)
    visit.decided("edit", kind="sentiment")
    visit.decided("reject")
    visit.decided("edit")
    visit.open("/decisions")


@view("decisions-empty")
def decisions_empty(visit: Visit) -> None:
    visit.open("/decisions")


# --- The board ------------------------------------------------------------------------------------------------


@view("board", "lead")
def board(visit: Visit) -> None:
    scene.fill_board()
    visit.delivered("failed")
    visit.open("/board")


@view("board-bot", "lead")
def board_bot(visit: Visit) -> None:
    scene.fill_board()
    page = visit.open("/board")
    with page.expect_navigation():
        page.get_by_role("link", name="refund-bot").click()


@view("board-auditor", "auditor")
def board_auditor(visit: Visit) -> None:
    scene.fill_board()
    visit.open("/board?days=7")


@view("board-bad-download", "lead", status=422)
def board_bad_download(visit: Visit) -> None:
    visit.open("/board/feedback.csv?first=tomorrow")


# --- The desk: what is done less often, and with more care ----------------------------------------------------


def careful(visit: Visit, **how: Any) -> str:
    """The name of a queue of the visitor's that is read like that."""
    queue_ = factories.make_queue(f"care-{next(_numbers)}", **how)
    visit.user.queues.add(queue_)
    return queue_.name


@view("reply-warned")
def reply_warned(visit: Visit) -> None:
    queue_ = careful(visit, promise_words=["guaranteed"], known_hosts=["shop.example"])
    visit.claimed(queue=queue_, text="Pay at https://pay.example/now or call +49 30 901820: it comes, guaranteed.")
    visit.open("/desk")


@view("reply-with-guidelines")
def reply_with_guidelines(visit: Visit) -> None:
    points = ["The amount stands in the order", "The customer is named as in the order"]
    guidelines = "Refunds over 100 EUR need a lead.\n\nNever promise a day."
    visit.claimed(queue=careful(visit, risk="high", policy_points=points, guidelines=guidelines))
    visit.open("/desk")


@view("confirm")
def confirm(visit: Visit) -> None:
    points = ["The amount stands in the order", "The customer is named as in the order"]
    visit.claimed(queue=careful(visit, risk="high", policy_points=points))
    visit.open("/desk?confirm=1")


@view("escalate")
def escalate(visit: Visit) -> None:
    visit.claimed()
    visit.open("/desk?escalate=1")


@view("hand-over")
def hand_over(visit: Visit) -> None:
    person()
    visit.claimed()
    visit.open("/desk?hand=1")


@view("return")
def return_(visit: Visit) -> None:
    visit.claimed()
    visit.open("/desk?return=1")


@view("more")
def more(visit: Visit) -> None:
    """Everything that opens on the desk is open."""
    arabic(visit)
    page = visit.open("/desk")
    for closed in page.locator("main details > summary").all():
        if closed.locator("xpath=..").get_attribute("open") is None:
            closed.click()


@view("own-words")
def own_words(visit: Visit) -> None:
    visit.claimed()
    page = visit.open("/desk")
    page.locator("details.more summary").click()
    submit(page, "form[action$=answers]")


@view("sentiment-blind")
def sentiment_blind(visit: Visit) -> None:
    sarcasm(visit, queue=careful(visit, blind_percent=100))
    visit.open("/desk")


def refused(visit: Visit, happens: Callable[[Draft], Any], answer: int = 409) -> None:
    """What happened to the draft on the screen meanwhile, told beside it when it is approved."""
    # Low: an approval counts at once.
    draft = visit.claimed(risk="low")
    page = visit.open("/desk")
    happens(draft)
    visit.tab.settled()
    page.keyboard.press("a")
    page.locator("#conflicts h2").wait_for()
    visit.tab.complaints[:] = [words for words in visit.tab.complaints if f"status of {answer}" not in words]


def taken(draft: Draft, by: User) -> None:
    # In one transaction: the page itself asks for the next draft.
    with transaction.atomic():
        lease.release(draft.pk, by=by, epoch=draft.epoch)
        claims.claim(draft.pk, by=person())


@view("beside-lease-lost")
def beside_lease_lost(visit: Visit) -> None:
    refused(visit, lambda draft: taken(draft, visit.user))


@view("beside-other-tab")
def beside_other_tab(visit: Visit) -> None:
    refused(visit, lambda draft: judge(draft, "reject", visit.user))


@view("beside-newer-message")
def beside_newer_message(visit: Visit) -> None:
    refused(visit, visit.newer_message)


@view("beside-newer-draft")
def beside_newer_draft(visit: Visit) -> None:
    def newer(draft: Draft) -> None:
        visit.waiting(supersedes=draft.external_id, customer={"id": draft.customer.ref, "name": None})

    refused(visit, newer)


@view("beside-opted-out")
def beside_opted_out(visit: Visit) -> None:
    def opts_out(draft: Draft) -> None:
        Customer.objects.filter(pk=draft.customer_id).update(opted_out_at=timezone.now())

    refused(visit, opts_out)


@view("beside-withdrawn")
def beside_withdrawn(visit: Visit) -> None:
    refused(visit, lambda draft: withdraw.withdraw(draft.pk, bot=visit.bot), 410)


@view("offline")
def offline(visit: Visit) -> None:
    visit.claimed()
    page = visit.open("/desk")
    page.route("**/pulse", lambda route: None)
    page.evaluate("dispatchEvent(new Event('offline'))")
    page.locator("#offline:not([hidden])").wait_for()


@view("sign-in-again")
def sign_in_again(visit: Visit) -> None:
    """The session has ended: the page stays, and signing in lies over it."""
    visit.claimed()
    page = visit.open("/desk")
    page.evaluate("document.dispatchEvent(new Event('desk:signed-out'))")
    page.locator("dialog[open]").wait_for()


# --- Settings and help ----------------------------------------------------------------------------------------


@view("settings")
def settings_(visit: Visit) -> None:
    visit.open("/settings")


@view("settings-clash", status=422)
def settings_clash(visit: Visit) -> None:
    page = visit.open("/settings")
    for name in ("approve", "edit"):
        page.locator(f"#{name}, [name='key-{name}'], [name='{name}']").first.fill("P")
    submit(page, "#settings", ".way button")


@view("keys")
def keys(visit: Visit) -> None:
    visit.open("/keys")


@view("help")
def help_(visit: Visit) -> None:
    """The keys of this page, over it."""
    visit.claimed()
    page = visit.open("/desk")
    page.locator("[data-help]").click()
    page.locator("dialog[open]").wait_for()


@view("palette")
def palette(visit: Visit) -> None:
    visit.claimed()
    page = visit.open("/desk")
    page.keyboard.press("Control+k")
    page.locator("dialog[open]").wait_for()


@view("queues", "lead")
def queues(visit: Visit) -> None:
    visit.open("/settings/queues")


@view("queue-settings", "lead")
def queue_settings(visit: Visit) -> None:
    page = visit.open("/settings/queues")
    with page.expect_navigation():
        page.locator("main a").first.click()


# --- Refusals and conflicts -----------------------------------------------------------------------------------


def natively(visit: Visit, **fields: str) -> None:
    """Send the decision as a form without script would, with what was typed."""
    with visit.page.expect_navigation():
        visit.page.evaluate(
            """fields => {
                const form = document.querySelector("form[data-decision]");
                for (const [name, value] of Object.entries(fields)) {
                    const field = document.createElement("textarea");
                    field.name = name;
                    field.value = value;
                    field.hidden = true;
                    form.append(field);
                }
                HTMLFormElement.prototype.submit.call(form);
            }""",
            fields,
        )


@view("not-found", status=404)
def not_found(visit: Visit) -> None:
    visit.open("/drafts/999999999")


@view("form-by-itself", status=405)
def form_by_itself(visit: Visit) -> None:
    """The address to which a form was sent, opened once more."""
    visit.open("/views/new")


@view("not-allowed", status=403)
def not_allowed(visit: Visit) -> None:
    visit.open("/board")


@view("form-too-old", status=403)
def form_too_old(visit: Visit) -> None:
    visit.claimed()
    page = visit.open("/desk")
    page.context.clear_cookies(name="csrftoken")
    natively(visit, verdict="approve")


@view("signed-out", "", status=401)
def signed_out(visit: Visit) -> None:
    """The session ended while somebody was typing."""
    visit.claimed()
    visit.tab.cookie(session(visit.user))
    page = visit.open("/desk?edit=1")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    natively(visit, text="What I typed until then.")


@view("lease-lost", status=409)
def lease_lost(visit: Visit) -> None:
    draft = visit.claimed()
    visit.open("/desk?edit=1")
    taken(draft, visit.user)
    natively(visit, text="Words that are kept.")


@view("already-decided", status=409)
def already_decided(visit: Visit) -> None:
    draft = visit.claimed()
    visit.open("/desk")
    judge(draft, "reject", visit.user)
    natively(visit, verdict="approve")


@view("newer-message", status=409)
def newer_message(visit: Visit) -> None:
    draft = visit.claimed()
    visit.open("/desk?edit=1")
    visit.newer_message(draft)
    natively(visit, text="Words that are kept.")


@view("withdrawn", status=410)
def withdrawn(visit: Visit) -> None:
    draft = visit.claimed()
    visit.open("/desk?edit=1")
    withdraw.withdraw(draft.pk, bot=visit.bot)
    natively(visit, text="Words that are kept.")


@view("check-failed", status=422)
def check_failed(visit: Visit) -> None:
    visit.claimed()
    visit.open("/desk?edit=1")
    natively(visit, text=scene.UNFILLED)


@view("too-late-to-undo", status=409)
def too_late_to_undo(visit: Visit) -> None:
    decision = visit.decided()
    page = visit.open("/desk")
    settle.send_now(decision.pk, by=visit.user)
    with page.expect_navigation():
        page.locator(".strip form").first.evaluate(
            """form => {
                const outcome = document.createElement("input");
                Object.assign(outcome, {type: "hidden", name: "outcome", value: "undone"});
                form.append(outcome);
                HTMLFormElement.prototype.submit.call(form);
            }"""
        )


@view("api-reference")
def api_reference(visit: Visit) -> None:
    visit.open("/api/v1/docs")
