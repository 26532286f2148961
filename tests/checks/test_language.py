"""The wrong language is said only where it is sure."""

import json

import pytest

from tests.checks.found import DATA, found

EN = "Thank you for your message. Your order was shipped this morning and arrives within five working days."
TEXTS = {
    "en": EN,
    "de": "Vielen Dank für Ihre Nachricht. Ihre Bestellung wurde heute verschickt und kommt in fünf Werktagen an.",
    "es": "Gracias por su mensaje. Su pedido se ha enviado esta mañana y llegará en cinco días laborables.",
    "fr": "Merci pour votre message. Votre commande a été expédiée ce matin et arrivera dans cinq jours ouvrés.",
    "ja": "お問い合わせいただきありがとうございます。ご注文の商品は本日発送いたしました。"
    "五営業日以内にお届けする予定でございます。"
    "ご不明な点がございましたらお知らせください。",
    "ar": "شكرا لرسالتك. تم شحن طلبك هذا الصباح وسوف يصل خلال خمسة أيام عمل كما وعدناك في الرسالة السابقة.",
}


@pytest.mark.parametrize("stated", TEXTS)
@pytest.mark.parametrize("written", TEXTS)
def test_each_language_is_told_from_the_others(stated, written):
    assert found("language", TEXTS[written], language=stated) == ([] if stated == written else [""])


@pytest.mark.parametrize("tag", ["und", "zz", "luo", "ary", "en-GB", "EN", "pcm", "sco"])
def test_nothing_is_said_of_what_is_not_known_or_close(tag):
    assert found("language", EN, language=tag) == ([""] if tag == "ary" else [])


@pytest.mark.parametrize(
    "text",
    [
        "OK, thanks!",
        "https://acme.example/thank-you-for-your-order-it-was-shipped-this-morning/and 4821 {{Order Number of you}}",
        "\x01\x02" * 100,
        EN[:60] + TEXTS["de"],
    ],
)
def test_nothing_is_said_of_what_is_short_or_mixed(text):
    assert found("language", text, language="de") == []


def rows(folder: str) -> list[dict]:
    path = DATA / folder / "open/data.jsonl"
    if not path.exists():
        pytest.skip(f"real data is not here: {path}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_no_real_reply_is_said_to_be_in_another_language():
    replies = [row["ai_reply_v2"] for row in rows("bitext-support-replies")]
    assert sum(bool(found("language", reply, language="en")) for reply in replies) == 0
    assert sum(bool(found("language", reply, language="de")) for reply in replies) == len(replies)


def test_dialects_of_arabic_are_arabic():
    texts = [row["text"] for row in rows("isarcasmeval-ar-dialects")]
    assert sum(bool(found("language", text, language="ar")) for text in texts) == 0


def test_languages_of_africa_are_seldom_mistaken():
    """Posts that mix languages are called by the other one: the worst case there is."""
    wrong = [
        row["language"]
        for row in rows("afrisenti-languages")
        if found("language", row["text"], language=row["language"])
    ]
    assert len(wrong) <= 47  # 1 % of 4,699
