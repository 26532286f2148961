"""Webhooks by the Standard Webhooks specification 1.0.0: one id for ever, a fresh time and signature each attempt."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from reviewqueue.outbound.address import Forbidden, resolve

# The longest one attempt may take (s), connect to last byte of the answer that we read.
SECONDS = 15
# As much of an answer's body as we read (bytes); we keep none of it.
ANSWER_BYTES = 65_536


@dataclass(frozen=True)
class Message:
    """`id` is the webhook-id, `secret` a whsec_… secret, `private_hosts` the operator's own receivers."""

    id: str
    url: str
    secret: str
    payload: dict[str, Any]
    private_hosts: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """How an attempt ended. `gone` (410): stop for good; `lost`: nobody knows; `retry_after` in seconds."""

    outcome: Literal["delivered", "retry", "gone", "lost"]
    code: int | None = None
    error: str = ""
    retry_after: float | None = None
    took_ms: int | None = None


def send(message: Message) -> Answer:
    """Post one message. Never raises for what a network or a receiver can do; no redirects, no proxies."""
    began = time.monotonic()
    try:
        address = resolve(message.url, message.private_hosts)
        code, retry_after = _post(message, address, began + SECONDS)
    except Forbidden as error:
        return Answer("retry", error=str(error), took_ms=_ms(began))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError) as error:
        return Answer("retry", error=_plain(error), took_ms=_ms(began))
    if 200 <= code < 300:
        return Answer("delivered", code, took_ms=_ms(began))
    if code == 410:
        return Answer("gone", code, "The receiver is gone (410).", took_ms=_ms(began))
    return Answer("retry", code, f"The receiver answered {code}.", retry_after, _ms(began))


def _post(message: Message, address: str, until: float) -> tuple[int, float | None]:
    """(status code, Retry-After in seconds). Connects to `address`, with the URL's own name for TLS and Host."""
    body = json.dumps(message.payload, ensure_ascii=False)
    now = datetime.now(tz=UTC)
    parts = urlsplit(message.url)
    headers = {
        "host": parts.netloc.rsplit("@", 1)[-1],
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(message.secret).sign(message.id, now, body),
    }
    pinned = httpx.URL(message.url).copy_with(host=address)
    with (
        httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST", pinned, content=body.encode(), headers=headers, extensions={"sni_hostname": parts.hostname or ""}
        ) as answer,
    ):
        read = 0
        for chunk in answer.iter_raw():
            read += len(chunk)
            if read > ANSWER_BYTES or time.monotonic() > until:
                break
        return answer.status_code, _retry_after(answer.headers.get("retry-after"))


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3); None where there is none or it is junk."""
    if header is None:
        return None
    try:
        if header.strip().isdecimal():
            return float(header)
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(tz=UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _plain(error: Exception) -> str:
    """Our words for what went wrong, without anything a receiver said."""
    if isinstance(error, httpx.TimeoutException):
        return f"No answer within {SECONDS} seconds."
    if isinstance(error, httpx.ConnectError | OSError):
        return "No connection to the receiver."
    return f"The exchange broke off ({type(error).__name__})."


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
