"""What a newcomer finds after `make up`: three people, a bot with a key, a receiver, and drafts to try."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import rfc8785
from django.db import transaction

from reviewqueue.actions import bots, people, queues
from reviewqueue.actions.submit import submit
from reviewqueue.models import BotKey, User

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


def prepare(*, seed: str, receiver: str) -> dict[str, Any]:
    """The demo's sign-ins, bot key and receiver, all made from `seed` (so they stay), and its drafts if they are new.

    Returns {bot_key, webhook_secret, agent, lead, admin}; the people are {username, password}.
    """
    password, key = _made_from(seed, "password")[:12], f"rq_demo_{_made_from(seed, 'bot key')}"
    with transaction.atomic():
        for role, (username, name) in PEOPLE.items():
            if not User.objects.filter(username=username).exists():
                people.add(username, password, role=role, queues=["default"], full_name=name)
        bot = bots.register("demo-bot")
        BotKey.objects.get_or_create(
            prefix="demo", defaults={"bot": bot, "sha256": hashlib.sha256(key.encode()).digest()}
        )
        secret = queues.set_endpoint("default", receiver).secret
    for content in _contents():
        # Named after its content: a second start finds it, a changed text is a new draft.
        name = hashlib.sha256(rfc8785.dumps(content)).hexdigest()[:12]
        submit(content | {"external_id": f"demo-{name}"}, content, bot=bot)
    sign_ins = {role: {"username": username, "password": password} for role, (username, _) in PEOPLE.items()}
    return {"bot_key": key, "webhook_secret": secret, **sign_ins}


def _made_from(seed: str, purpose: str) -> str:
    """192 bits that only who knows the seed can make, as 32 characters."""
    made = hmac.digest(seed.encode(), f"demo {purpose}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made[:24]).decode().replace("-", "x").replace("_", "y")


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
