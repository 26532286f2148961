"""A machine's claim to be a person, in six languages, and what only sounds like one."""

import pytest

from tests.checks.found import found

CLAIMS = [
    "I am a human being, like you.",
    "I'm a real person",
    "As promised: I\u2019m an actual live person.",
    "I am not a bot.",
    "I'm not an AI",
    "You are talking to a real person here.",
    "you're chatting with a human",
    "Ich bin ein Mensch.",
    "Ich bin eine echte Person und",
    "ich bin keine KI",
    "Sie sprechen hier mit einem echten Menschen.",
    "Soy una persona real.",
    "soy un ser humano",
    "No soy un bot",
    "Je suis un être humain.",
    "je suis une vraie personne",
    "Je ne suis pas une IA.",
    "私は人間です。",
    "私は本物の人間です",
    "私はAIではありません。",
    "أنا إنسان حقيقي",
    "انا شخص حقيقي",
    "أنا لست آلة",
]

NO_CLAIMS = [
    "I can connect you to a human agent.",
    "Would you like to speak with a real person?",
    "I am an AI assistant, not a human.",
    "I am not a human.",
    "Tick the box “I'm not a robot”.",
    "I am a human resources assistant of Acme.",
    "If you are talking to a colleague",
    "Hawaii am a human",
    "Ich bin kein Mensch, sondern ein Programm.",
    "Möchten Sie mit einem Menschen sprechen?",
    "Ich bin ein Bot.",
    "Soy un asistente virtual. ¿Quiere hablar con una persona?",
    "No soy una persona.",
    "Je suis un assistant virtuel, pas un humain.",
    "Je ne suis pas humain.",
    "私はAIです。人間の担当者におつなぎします。",
    "私は人間ではありません。",
    "أنا مساعد آلي",
    "هل تريد التحدث مع إنسان؟",
]


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_is_found(text):
    assert len(found("claims-person", text)) == 1


@pytest.mark.parametrize("text", NO_CLAIMS)
def test_what_is_no_claim_is_not(text):
    assert found("claims-person", text) == []


def test_a_person_may_say_so():
    assert found("claims-person", "I am a human being.", by_person=True) == []
