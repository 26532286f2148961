"""The cast of the tests. Each function makes one thing, with everything it needs, through the real actions."""

from itertools import count
from typing import Any
from uuid import uuid4

from reviewqueue.actions import bots, claim, decide, people
from reviewqueue.actions.submit import submit
from reviewqueue.models import Bot, Decision, Draft, Endpoint, Queue, User

PASSWORD = "correct horse battery staple"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_numbers = count(1)


def make_queue(name: str = "default", **changes: Any) -> Queue:
    return Queue.objects.update_or_create(name=name, defaults=changes)[0]


def make_agent(username: str = "", *, role: str = "agent", queues: tuple[str, ...] = ("default",), **more: Any) -> User:
    user = people.add(username or f"agent{next(_numbers)}", PASSWORD, role=role, queues=queues)
    for name, value in more.items():
        setattr(user, name, value)
    user.save()
    return user


def make_bot(name: str = "", **more: Any) -> Bot:
    return bots.register(name or f"bot{next(_numbers)}", **more)


def make_endpoint(url: str = "http://127.0.0.1:9/hook", queue: str = "default", channel: str = "") -> Endpoint:
    return Endpoint.objects.create(queue=Queue.objects.get(name=queue), channel=channel, url=url, secret=SECRET)


def make_content(**changes: Any) -> dict[str, Any]:
    """A whole submitted body of kind reply, as the bots' door hands it to the action."""
    number = next(_numbers)
    content: dict[str, Any] = {
        "external_id": f"draft-{number}",
        "kind": "reply",
        "queue": "default",
        "language": "en",
        "confidence": 0.5,
        "risk": "normal",
        "due_at": None,
        "customer": {"id": f"customer-{number}", "name": "Sam"},
        "conversation": {
            "id": f"conversation-{number}",
            "channel": "email",
            "subject": "Late parcel",
            "reply_to": None,
            "messages": [{"id": "m1", "author": "customer", "text": "Where is order 4821?", "sent_at": None}],
        },
        "reply": {"text": "Your order 4821 left our warehouse today."},
        "sentiment": None,
        "source": {"vendor": "acme", "model": "small", "version": "1", "prompt_version": "p1"},
        "evidence": [],
        "segments": {},
        "topics": [],
        "supersedes": None,
        "allowed": ["approve", "edit", "reject", "return"],
        "metadata": None,
    }
    return content | changes


def make_draft(
    *, bot: Bot | None = None, text: str = "", kind: str = "reply", label: str = "positive", **changes: Any
) -> Draft:
    """A waiting draft. For a sentiment, `text` is what the label is about."""
    if kind == "sentiment":
        labels = changes.pop("labels", ["positive", "neutral", "negative"])
        sentiment = {"text": text or "great, another delay", "label": label, "labels": labels, "score": 0.8}
        changes |= {"kind": kind, "reply": None, "sentiment": sentiment, "conversation": changes.get("conversation")}
    elif text:
        changes["reply"] = {"text": text}
    content = make_content(**changes)
    canonical = {key: value for key, value in content.items() if key not in ("metadata", "confidence", "due_at")}
    return submit(content, canonical, bot=bot or make_bot()).draft


def seen(draft: Draft, by: User) -> dict[str, Any]:
    """What a form of this draft would post, for actions.decide."""
    return {
        "by": by,
        "epoch": draft.epoch,
        "seen": bytes(draft.digest),
        "rev": draft.conversation.rev if draft.conversation else None,
        "decision_key": uuid4(),
    }


# Where a delivery stands after one try: the last step to there, and what the try came to.
TRIED = {
    "delivered": ("deliver", "delivered"),
    "failed": ("give_up", "impossible"),
    "unknown": ("lose_track", "lost"),
    "retry": ("postpone", "retry"),
}


def make_decision(*, by: User | None = None, verdict: str = "approve", **draft: Any) -> Decision:
    """A decision on a fresh draft, still held."""
    by = by or make_agent()
    claimed = claim.claim(make_draft(**draft).pk, by=by)
    if verdict == "approve":
        return decide.approve(claimed.pk, **seen(claimed, by))
    if verdict == "edit":
        text = "negative" if claimed.kind == "sentiment" else "A person wrote this."
        return decide.edit(claimed.pk, text=text, **seen(claimed, by))
    reason = "cannot-tell" if claimed.kind == "sentiment" else "wrong-facts"
    return decide.reject(claimed.pk, reasons=[reason], **seen(claimed, by))
