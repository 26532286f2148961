"""What the checks find in a text, for the draft that it belongs to."""

from reviewqueue import checks
from reviewqueue.checks import About, Finding
from reviewqueue.models import Draft, Message

# The last messages that are read for what is the customer's own, and characters of them.
MESSAGES = 50
CHARACTERS = 100_000


def of_text(text: str, draft: Draft) -> list[Finding]:
    """The findings in `text`, sent in this draft's place. The draft comes with its submission, conversation and queue.

    What the customer wrote is read only where it matters, which is seldom: one statement then, two for a draft that
    came without its customer.
    """
    found = checks.run(text, draft.kind, about(draft))
    if any(finding.check in checks.PERSONAL for finding in found):
        found = checks.run(text, draft.kind, about(draft, theirs=_theirs(draft)))
    return found


def about(draft: Draft, theirs: str = "") -> About:
    queue = draft.lane.queue
    return About(
        language=draft.submission.language,
        theirs=theirs,
        promise_words=tuple(queue.promise_words),
        known=tuple(queue.known_hosts),
        by_person=draft.origin == "agent",
    )


def _theirs(draft: Draft) -> str:
    """What the customer and the people of the house wrote, not what any bot did; the customer's name and address."""
    said = Message.objects.filter(conversation=draft.conversation_id).exclude(author="bot")
    texts = said.order_by("-id").values_list("body__text", flat=True)[:MESSAGES]
    reply_to = (draft.conversation.reply_to if draft.conversation else None) or {}
    return one_text(draft.customer.name, reply_to.get("address"), *texts)


def one_text(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)[:CHARACTERS]
