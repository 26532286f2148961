"""What the pictures show: drafts in several languages and states, and a month of figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from reviewqueue.figures import BUCKETS
from tests.servers import SERVERS
from tests.system import System

SOURCE = {"vendor": "acme-ai", "model": "ship-bot", "version": "1.9", "prompt_version": "p12"}

# Name, version, percentage approved, decisions a day, kind.
BOTS = [
    ("refund-bot", "2.3", 71, 170, "reply"),
    ("ship-bot", "1.9", 58, 40, "reply"),
    ("tone-bot", "0.8", 83, 4, "sentiment"),
    ("tiny-bot", "0.1", 50, 1, "reply"),
]


def at(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def conversation(name: str, subject: str, *said: tuple[str, str]) -> dict[str, Any]:
    messages = [
        {"id": f"m{number}", "author": author, "text": text, "sent_at": at(10 * number - 60)}
        for number, (author, text) in enumerate(said)
    ]
    return {"id": name, "channel": "email", "subject": subject, "messages": messages}


ARABIC = conversation(
    "ar",
    "Late parcel",
    ("customer", "مرحبا، متى يصل طلبي؟"),
    ("agent", "سيصل خلال يومين."),
    ("customer", "لم يصل الطلب رقم A-4821 حتى الآن. أين هو؟"),
)
JAPANESE = conversation("ja", "返品について", ("customer", "昨日届いた靴のサイズが合いません。返品できますか。"))
GERMAN = conversation("de", "Doppelte Abbuchung", ("customer", "Ihr habt zweimal abgebucht. Was ist da los?"))
EVIDENCE = [
    {"title": "Order A-4821", "url": "https://shop.example/orders/4821", "quote": "shipped 23 Nov"},
    {"title": "Policy 3.2", "url": "https://shop.example/policy"},
]
SARCASM = {"text": "third time this month, honestly brilliant service 🙃", "label": "positive", "score": 0.74}


def set_up(system: System, submit: Callable[..., int]) -> dict[str, int]:
    """The drafts by what they are there for."""
    system.manage("queue", "default", "--hold=600")
    with psycopg.connect(SERVERS.postgres.url("postgres", system.database)) as database:
        _fill_board(database)
    return {
        "held": submit("Thank you, it is on its way."),
        "arabic": submit(
            "نعتذر عن التأخير. تم شحن الطلب A-4821 اليوم وسيصلك خلال 14 يومًا من تاريخ الطلب.\n\nمع التحية",
            conversation=ARABIC,
            customer={"id": "c1", "name": "ليلى"},
            language="ar",
            confidence=0.41,
            due_at=at(4),
            source=SOURCE,
            segments={"region": "EU", "product": "shipping"},
            topics=["delivery"],
            evidence=EVIDENCE,
        ),
        "blocked": submit("Dear customer,\n\nyour refund for order {{Order Number}} is on its way.", due_at=at(-12)),
        "label": submit(kind="sentiment", sentiment=SARCASM),
        "japanese": submit(
            "はい、14日以内でしたら返品できます。返品用のラベルをメールでお送りします。",
            conversation=JAPANESE,
            customer={"id": "c2"},
            language="ja",
            confidence=0.74,
        ),
        "german": submit(
            "Wir prüfen das und melden uns morgen.",
            conversation=GERMAN,
            customer={"id": "c3"},
            language="de",
            confidence=0.66,
        ),
    }


def _fill_board(database: psycopg.Connection) -> None:
    """28 days of counts, once."""
    if database.execute("SELECT 1 FROM source_day").fetchone():
        return
    for name, version, percent, volume, kind in BOTS:
        source = _source(database, name, version)
        for day in range(28 if volume > 1 else 21):
            n = volume + day * 7 % (volume // 4 + 1)
            approved = n * min(100, percent + day * 5 % 7 - 3) // 100
            edited = (n - approved) * 2 // 3
            _count(database, source, kind, day, approved, edited, n - approved - edited)


def _source(database: psycopg.Connection, name: str, version: str) -> int:
    sql = """
    WITH bot AS (INSERT INTO bot (name, space, sandbox) VALUES (%s, 'main', false) RETURNING id)
    INSERT INTO source (bot_id, vendor, model, version, prompt_version)
    SELECT id, 'acme-ai', %s, %s, '' FROM bot RETURNING id
    """
    (source,) = database.execute(sql, [name, name, version]).fetchone() or (0,)
    return source


def _count(database: psycopg.Connection, source: int, kind: str, days_ago: int, *verdicts: int) -> None:
    sql = """
    INSERT INTO source_day (day, source_id, queue_id, language, kind, approved, edited, rejected, returned, seconds)
    SELECT %s, %s, id, 'en', %s, %s, %s, %s, 0, %s FROM queue WHERE name = 'default'
    """
    day: date = datetime.now(UTC).date() - timedelta(days=days_ago)
    seconds = [0] * (len(BUCKETS) + 1)
    seconds[4] = sum(verdicts)
    database.execute(sql, [day, source, kind, *verdicts, seconds])
