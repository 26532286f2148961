"""Template fields that nobody filled in, in the syntaxes that templates have."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.checks.found import DATA, found

REPLIES = DATA / "bitext-support-replies/open/data.jsonl"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", []),
        ("Your order 4821 left today.", []),
        ("Dear {{name}},", ["{{name}}"]),
        ("{{Order Number}}", ["{{Order Number}}"]),
        ("{{}}", ["{{}}"]),
        ("{{ a }} and {{b}}{{c}}", ["{{ a }}", "{{b}}", "{{c}}"]),
        ("{{{name}}}", ["{{name}}"]),
        ("مرحبا {{الاسم}} 🙂 {{名前}}", ["{{الاسم}}", "{{名前}}"]),
        ("{{a\nb}}", []),
        ("{{" + "x" * 120 + "}}", ["{{" + "x" * 120 + "}}"]),
        ("{{a}} }} {{", ["{{a}}"]),
        ("Dear {first_name}, order {order.id}", ["{first_name}", "{order.id}"]),
        ("Dear ${name}", ["${name}"]),
        ("{% if name %}", ["{% if name %}"]),
        ("Dear %s, you owe %(amount)d and %ORDER_ID%", ["%s", "%(amount)d", "%ORDER_ID%"]),
        ("Dear *|FNAME|*", ["*|FNAME|*"]),
        ("<ORDER_ID> and [CUSTOMER_NAME]", ["<ORDER_ID>", "[CUSTOMER_NAME]"]),
        ("Dear [Your Name], call [Customer Support Phone Number]", ["[Your Name]", "[Customer Support Phone Number]"]),
        ("Dear <Name>, <your address>", ["<Name>", "<your address>"]),
        ("Hallo [Vorname], Ihre [Bestellnummer]", ["[Vorname]", "[Bestellnummer]"]),
        ("Hola [Su nombre], [número de pedido]", ["[Su nombre]", "[número de pedido]"]),
        ("Bonjour [Votre nom], [prénom]", ["[Votre nom]", "[prénom]"]),
        ("[お客様名] 様、【注文番号】", ["[お客様名]", "【注文番号】"]),
        ("عزيزي [اسم العميل]", ["[اسم العميل]"]),
    ],
)
def test_fields_are_found(text, fields):
    assert found("placeholder", text) == fields


@pytest.mark.parametrize(
    "text",
    [
        "f(x) = {{1, 2}, {3, 4}}",
        "the set {a} and x_{max}, \\frac{abc}{def}",
        "Press [Enter] or [1], see [sic] [link](https://a.example)",
        "Open [Order History], then [Live Chat].",
        "It is 100%sure and a 50%s discount?",
        "https://a.example/?q=%s1&x=%20y",
        "<b>bold</b> <br/> <https://a.example> <jane@a.example> 3 < 4 > 2",
        "x < y and name > z",
        "Use {} or { } or {1}",
        "【重要】お知らせ",
        "[Your Name](https://a.example)",
        "He said <<bonjour>>",
        "*|*",
    ],
)
def test_other_brackets_are_not(text):
    unsure = ["[Enter]"]
    assert [field for field in found("placeholder", text) if field not in unsure] == []


@settings(deadline=None)
@given(some.text(alphabet="{}[]<>%$ab \n", max_size=60))
def test_findings_are_where_they_say_they_are(text):
    for words in found("placeholder", text):
        assert words[0] in "{[<%$"
        assert "\n" not in words


def test_the_unfilled_replies_of_a_real_set_are_all_found():
    if not REPLIES.exists():
        pytest.skip(f"real data is not here: {REPLIES}")
    replies = [json.loads(line)["ai_reply_v2"] for line in REPLIES.read_text().splitlines()]
    fields = [found("placeholder", reply) for reply in replies]
    braces = ["{{" in reply for reply in replies]
    assert (len(replies), sum(braces), sum(map(bool, fields))) == (2249, 1458, 1505)
    assert all(fields[at] for at, has in enumerate(braces) if has)
    # The others have theirs in square brackets, and each asks for something.
    others = {field for at, has in enumerate(braces) if not has for field in fields[at]}
    assert all(field[0] == "[" and field[-1] == "]" for field in others)
