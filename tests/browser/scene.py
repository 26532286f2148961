"""What the pages show: conversations in several languages, and a month of figures."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection

from reviewqueue.figures import BUCKETS

SOURCE = {"vendor": "acme-ai", "model": "ship-bot", "version": "1.9", "prompt_version": "p12"}

# Name, version, percentage approved, decisions a day, kind.
BOTS = [
    ("refund-bot", "2.3", 71, 170, "reply"),
    ("ship-bot", "1.9", 58, 40, "reply"),
    ("tone-bot", "0.8", 83, 4, "sentiment"),
    ("tiny-bot", "0.1", 50, 1, "reply"),
]


def moment(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def conversation(subject: str, *said: tuple[str, str]) -> dict[str, Any]:
    """As the bots' door hands it over, but for its id."""
    messages = [
        {"id": f"m{number}", "author": author, "text": text, "sent_at": moment(10 * number - 10 * len(said) - 14)}
        for number, (author, text) in enumerate(said)
    ]
    return {"channel": "email", "subject": subject, "reply_to": None, "messages": messages}


ARABIC = conversation(
    "Late parcel",
    ("customer", "مرحبا، متى يصل طلبي؟"),
    ("agent", "سيصل خلال يومين."),
    ("customer", "لم يصل الطلب رقم A-4821 حتى الآن. أين هو؟"),
)
ARABIC_DRAFT = "نعتذر عن التأخير. تم شحن الطلب A-4821 اليوم وسيصلك خلال 14 يومًا من تاريخ الطلب.\n\nمع التحية"
ARABIC_EDIT = "إليك الخبر: سيصل الطلب A-4821 خلال 5 أيام عمل من تاريخ الطلب.\n\nمع التحية"
EVIDENCE = [
    {"title": "Order A-4821", "url": "https://shop.example/orders/4821", "quote": "shipped 23 Nov"},
    {"title": "Policy 3.2", "url": "https://shop.example/policy", "quote": ""},
]
UNFILLED = "Dear customer,\n\nyour refund for order {{Order Number}} is on its way."
LONG = conversation(
    "Everything went wrong with this order and nobody answers the telephone",
    *((("customer", "agent", "bot")[number % 3], f"Message {number}: " + "where is it? " * 12) for number in range(60)),
)
# (conversation, draft, language, confidence)
OTHERS = [
    (
        conversation("返品について", ("customer", "昨日届いた靴のサイズが合いません。返品できますか。")),
        "はい、14日以内でしたら返品できます。返品用のラベルをメールでお送りします。",
        "ja",
        0.74,
    ),
    (
        conversation("Doppelte Abbuchung", ("customer", "Ihr habt zweimal abgebucht. Was ist da los?")),
        "Wir prüfen das und melden uns morgen.",
        "de",
        0.66,
    ),
]


def fill_board() -> None:
    """28 days of counts, once."""
    with connection.cursor() as cursor:
        # What the beat folds belongs to the worker alone: these are days that it never saw.
        cursor.execute("SET ROLE postgres")
        try:
            _fill(cursor)
        finally:
            cursor.execute("SET ROLE reviewqueue_app")


def _fill(cursor: Any) -> None:
    cursor.execute("SELECT 1 FROM bot WHERE name = %s", [BOTS[0][0]])
    if cursor.fetchone():
        return
    for name, version, percent, volume, kind in BOTS:
        source = _source(cursor, name, version)
        for day in range(28 if volume > 1 else 21):
            n = volume + day * 7 % (volume // 4 + 1)
            approved = n * min(100, percent + day * 5 % 7 - 3) // 100
            edited = (n - approved) * 2 // 3
            _count(cursor, source, kind, day, approved, edited, n - approved - edited)


def _source(cursor: Any, name: str, version: str) -> int:
    sql = """
    WITH bot AS (INSERT INTO bot (name, space, sandbox) VALUES (%s, 'main', false) RETURNING id)
    INSERT INTO source (bot_id, vendor, model, version, prompt_version)
    SELECT id, 'acme-ai', %s, %s, '' FROM bot RETURNING id
    """
    cursor.execute(sql, [name, name, version])
    return int(cursor.fetchone()[0])


def _count(cursor: Any, source: int, kind: str, days_ago: int, *verdicts: int) -> None:
    sql = """
    INSERT INTO source_day (day, source_id, queue_id, language, kind, approved, edited, rejected, returned, seconds)
    SELECT %s, %s, id, 'en', %s, %s, %s, %s, 0, %s FROM queue WHERE name = 'default'
    """
    day: date = datetime.now(UTC).date() - timedelta(days=days_ago)
    seconds = [0] * (len(BUCKETS) + 1)
    seconds[4] = sum(verdicts)
    cursor.execute(sql, [day, source, kind, *verdicts, seconds])
