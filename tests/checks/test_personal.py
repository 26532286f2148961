"""Data of somebody else: addresses, telephones, accounts, cards, identity numbers."""

import pytest

from tests.checks.found import found


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Write to jane.doe@mail.acme.io.", ["jane.doe@mail.acme.io"]),
        ("<joe+x@acme.co.uk>", ["joe+x@acme.co.uk"]),
        ("Support@acme.io, info@acme.io, no-reply@acme.io, kundenservice@acme.de, pedidos@acme.es", []),
        ("anyone@example.com or x@shop.example", []),
        ("user@host, @handle, a@b.c1, x@@y.com", []),
        ("jürgen@müller.de", ["jürgen@müller.de"]),
    ],
)
def test_addresses(text, addresses):
    assert found("address", text) == addresses


def test_an_address_that_the_customer_or_the_queue_knows_is_nobody_elses():
    text = "We write to jane.doe@mail.acme.io."
    assert found("address", text, theirs="I am Jane.Doe@MAIL.acme.io") == []
    assert found("address", text, known=("acme.io",)) == []
    assert found("address", text, known=("jane.doe@mail.acme.io",)) == []
    assert found("address", text, known=("cme.io",)) != []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Call +44 20 8366 1177 now", ["+44 20 8366 1177"]),
        ("+49 (0)171 1234567", ["+49 (0)171 1234567"]),
        ("Call +1 800 253 0000 free of charge", []),
        ("020 8366 1177 or order 4420836611770", []),
        ("+44 1 and +999 1234567, 3+4915112345678", []),
    ],
)
def test_telephones(text, numbers):
    assert found("phone", text) == numbers


@pytest.mark.parametrize(
    "about", [{"theirs": "reach me at 020-8366 1177"}, {"known": ("+44 20 83661177",)}, {"theirs": "+442083661177"}]
)
def test_a_telephone_that_the_customer_or_the_queue_knows(about):
    assert found("phone", "Call +44 20 8366 1177 now", **about) == []


@pytest.mark.parametrize(
    ("check", "number"),
    [
        ("bank-account", "DE89 3704 0044 0532 0130 00"),
        ("bank-account", "GB33BUKB20201555555555"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5555555555554444"),
        ("card", "3782-822463-10005"),
        ("card", "3056 930902 5904"),
        ("national-id", "536-90-4399"),
        ("national-id", "54362315K"),
        ("national-id", "X-2482300-W"),
        ("national-id", "2 95 10 99 126 111 93"),
        ("national-id", "RCCMNL83S18D969H"),
        ("national-id", "390.533.447-05"),
    ],
)
def test_numbers_with_check_digits(check, number):
    text = f"It is {number}, as you know."
    assert found(check, text) == [number]
    assert found(check, text, theirs=f"Mine is {number.replace(' ', '')}.") == []
    assert found(check, f"It is x{number}, {number}1") == []
    digit = next(at for at in range(len(number) - 1, -1, -1) if number[at].isdigit())
    other = number[:digit] + str((int(number[digit]) + 1) % 10) + number[digit + 1 :]
    if check != "national-id" or "-" not in number[:4]:
        assert found(check, f"It is {other}, as you know.") == []


@pytest.mark.parametrize(
    "text", ["Order 4111111111111112 left.", "Parcel 00004587345", "113542617735902", "12-34-5678"]
)
def test_other_numbers_are_left_alone(text):
    for check in ("bank-account", "card", "national-id", "phone"):
        assert found(check, text) == []
