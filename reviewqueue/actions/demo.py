"""What a newcomer finds after `make up`: three people, a bot with a key, a receiver, and drafts to try."""

import hashlib
from collections.abc import Iterator
from typing import Any

import rfc8785
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models.functions import Now

from reviewqueue.actions import bots, people, queues
from reviewqueue.actions.submit import submit
from reviewqueue.models import BotKey, Endpoint, User

PEOPLE = {"agent": ("amina", "Amina Kaya"), "lead": ("dana", "Dana Ortiz"), "admin": ("root", "Robin Otto")}

# (subject, language, what the customer wrote, what the bot answers, confidence)
REPLIES = (
    (
        "Late parcel",
        "en",
        "Hi, where is order 4821? It should have been here on Friday.",
        "I am sorry for the wait. Order 4821 left our warehouse this morning and arrives within 2 working days.",
        0.82,
    ),
    (
        "Double charge",
        "es",
        "Me cobraron dos veces la misma factura, ¿me lo pueden devolver?",
        "Hemos comprobado el doble cargo y hoy mismo emitimos la devolución. La verá en 3 a 5 días hábiles.",
        0.59,
    ),
    (
        "Invoice",
        "en",
        "Can you send me the invoice for my last order again?",
        "Of course! The invoice for order {{Order Number}} is on its way to your inbox.",
        0.91,
    ),
    (
        "Wo bleibt mein Paket",
        "de",
        "Mein Paket ist seit zwei Wochen unterwegs. Was ist da los?",
        "Das tut uns leid. Wir haben beim Versanddienst nachgefragt und melden uns bis morgen Mittag bei Ihnen.",
        0.66,
    ),
    (
        "طلب متأخر",
        "ar",
        "لم يصل الطلب رقم A-4821 حتى الآن.",
        "نعتذر عن التأخير. تم شحن الطلب A-4821 اليوم وسيصل خلال يومين.",
        0.41,
    ),
    (
        "返品について",
        "ja",
        "昨日届いた靴のサイズが合いません。返品できますか。",
        "はい、14日以内でしたら返品できます。返品用のラベルをメールでお送りします。",
        0.74,
    ),
)

# (what the customer wrote, the bot's label, its score)
LABELS = (
    ("Third time this month my parcel is late. Honestly brilliant service 🙃", "positive", 0.74),
    ("The new app is fine I guess, does what it should.", "neutral", 0.55),
    ("Ayyy this jacket is sick, y'all did your thing", "negative", 0.61),
)


def prepare(*, password: str, receiver: str) -> dict[str, Any]:
    """The demo's sign-ins, with a fresh password and a fresh bot key, and its drafts if they are not there yet.

    Returns {bot_key, webhook_secret, agent, lead, admin}; the people are {username, password}.
    """
    with transaction.atomic():
        for role, (username, name) in PEOPLE.items():
            if not User.objects.filter(username=username).exists():
                people.add(username, password, role=role, queues=["default"], full_name=name)
        # Hashed once for all three: a start should not take longer than it must.
        usernames = {role: username for role, (username, _) in PEOPLE.items()}
        User.objects.filter(username__in=usernames.values()).update(password=make_password(password))
        bot = bots.register("demo-bot")
        BotKey.objects.filter(bot=bot, revoked_at=None).update(revoked_at=Now())
        key = bots.new_key(bot)
        secret = _secret(receiver)
    for content in _contents():
        # Named after its content: a second start finds it, a changed text is a new draft.
        name = hashlib.sha256(rfc8785.dumps(content)).hexdigest()[:12]
        submit(content | {"external_id": f"demo-{name}"}, content, bot=bot)
    sign_ins = {role: {"username": username, "password": password} for role, username in usernames.items()}
    return {"bot_key": key, "webhook_secret": secret, **sign_ins}


def _secret(receiver: str) -> str:
    """The secret of the demo receiver's endpoint, which moves along when PORT does."""
    endpoint = Endpoint.objects.filter(queue__name="default").first()
    if endpoint is None:
        return queues.add_endpoint("default", receiver).secret
    Endpoint.objects.filter(pk=endpoint.pk).update(url=receiver, disabled_at=None)
    return endpoint.secret


def _contents() -> Iterator[dict[str, Any]]:
    blank = {
        "queue": "default",
        "risk": "normal",
        "due_at": None,
        "evidence": [],
        "segments": {},
        "topics": [],
        "supersedes": None,
        "allowed": ["approve", "edit", "reject", "return"],
        "metadata": None,
        "source": {"vendor": "demo", "model": "demo-model", "version": "1", "prompt_version": ""},
    }
    for number, (subject, language, message, reply, confidence) in enumerate(REPLIES, 1):
        yield blank | {
            "kind": "reply",
            "language": language,
            "confidence": confidence,
            "customer": {"id": f"demo-customer-{number}", "name": None},
            "conversation": {
                "id": f"demo-conversation-{number}",
                "channel": "email",
                "subject": subject,
                "reply_to": None,
                "messages": [{"id": "m1", "author": "customer", "text": message, "sent_at": None}],
            },
            "reply": {"text": reply},
            "sentiment": None,
        }
    for number, (text, label, score) in enumerate(LABELS, len(REPLIES) + 1):
        yield blank | {
            "kind": "sentiment",
            "language": "en",
            "confidence": score,
            "customer": {"id": f"demo-customer-{number}", "name": None},
            "conversation": None,
            "reply": None,
            "sentiment": {
                "text": text,
                "label": label,
                "labels": ["positive", "neutral", "negative"],
                "score": score,
            },
        }
