"""A bot at its door."""

import json
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from reviewqueue.actions import bots
from tests.factories import make_bot

REPLY = {
    "external_id": "msg-829-reply-1",
    "kind": "reply",
    "language": "en",
    "confidence": 0.41,
    "customer": {"id": "cust-77", "name": "Sam"},
    "conversation": {
        "id": "conv-829",
        "channel": "email",
        "subject": "Late parcel",
        "reply_to": {"address": "sam@example.org", "message_id": "<m1@example.org>", "references": []},
        "messages": [
            {"id": "m1", "author": "customer", "text": "Where is order 4821?", "sent_at": "2026-11-23T13:48:00Z"}
        ],
    },
    "reply": {"text": "Your order 4821 left our warehouse today."},
    "source": {"vendor": "acme-ai", "model": "acme-small", "version": "2026-10", "prompt_version": "p12"},
    "evidence": [{"title": "Order 4821", "url": "https://shop.example/orders/4821", "quote": "shipped 23 Nov"}],
    "segments": {"region": "EU"},
    "topics": ["delivery"],
    "metadata": {"trace": "abc"},
}

LABEL = {
    "external_id": "msg-830-mood",
    "kind": "sentiment",
    "customer": {"id": "cust-78"},
    "sentiment": {"text": "great, another delay", "label": "positive", "score": 0.83},
}


def reply(**changes: Any) -> dict[str, Any]:
    return deepcopy(REPLY) | changes


def label(**changes: Any) -> dict[str, Any]:
    return deepcopy(LABEL) | changes


class Door:
    """Requests of one bot. `Answer.json()` works for problems too."""

    def __init__(self, key: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.key}"} | headers
        content_type = given.pop("Content-Type", "application/json")
        return self.client.generic(method, f"/api/v1{path}", raw, content_type=content_type, headers=given)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)


@pytest.fixture
def bot(db):
    return make_bot("door-bot")


@pytest.fixture
def door(bot) -> Door:
    return Door(bots.new_key(bot))


@pytest.fixture
def other_door(db) -> Door:
    return Door(bots.new_key(make_bot("other-bot")))
