"""Webhooks by the Standard Webhooks specification 1.0.0: one id for ever, a fresh time and signature each attempt."""

import asyncio
import json
import ssl
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Thread
from typing import Any, Literal

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from reviewqueue.outbound.address import Forbidden, resolve

# The longest one attempt may take (s), from the name's resolution to the last header of the answer.
SECONDS = 15
# As much of an answer's body as we read (bytes), and for how long (s). We keep none of it.
ANSWER_BYTES = 65_536
ANSWER_SECONDS = 1


@dataclass(frozen=True)
class Message:
    """`id` is the webhook-id, `secret` a whsec_… secret, `private_hosts` the operator's own receivers, `seconds` the
    longest the attempt may take, however slowly the receiver drips."""

    id: str
    url: str
    secret: str
    payload: dict[str, Any]
    private_hosts: frozenset[str]
    seconds: float = SECONDS


@dataclass(frozen=True)
class Answer:
    """How an attempt ended. `gone` (410): stop for good; `lost`: nobody knows; `impossible`: nothing was sent, and only
    a person can change that; `retry_after` in seconds."""

    outcome: Literal["delivered", "retry", "gone", "lost", "impossible"]
    code: int | None = None
    error: str = ""
    retry_after: float | None = None
    took_ms: int | None = None


def send(message: Message) -> Answer:
    """Post one message. Never raises for what a network or a receiver can do; no redirects, no proxies."""
    began = time.monotonic()
    try:
        address = _resolved(message)
        code, retry_after = asyncio.run(_post(message, address, message.seconds - (time.monotonic() - began)))
    except Forbidden as error:
        return Answer("retry", error=str(error), took_ms=_ms(began))
    except TimeoutError:
        return Answer("retry", error=f"No answer within {message.seconds:g} seconds.", took_ms=_ms(began))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError, EmptyWebhookSecretError) as error:
        return Answer("retry", error=_plain(error), took_ms=_ms(began))
    if 200 <= code < 300:
        return Answer("delivered", code, took_ms=_ms(began))
    if code == 410:
        return Answer("gone", code, "The receiver is gone (410).", took_ms=_ms(began))
    return Answer("retry", code, f"The receiver answered {code}.", retry_after, _ms(began))


def _resolved(message: Message) -> str:
    """Name servers that are silent hold the system's resolver for longer than an attempt may take, and nothing stops
    it there: it is left behind in a thread of its own."""
    found: Future[str] = Future()

    def look() -> None:
        try:
            found.set_result(resolve(message.url, message.private_hosts))
        except Exception as error:  # raised where it is waited for
            found.set_exception(error)

    Thread(target=look, daemon=True).start()
    return found.result(message.seconds)


async def _post(message: Message, address: str, seconds: float) -> tuple[int, float | None]:
    """(status code, Retry-After in seconds). Connects to `address`, with the URL's own name for TLS and Host.

    Asynchronous for its timeout alone, which ends the whole exchange: those of sockets begin anew with each byte.
    """
    body = json.dumps(message.payload, ensure_ascii=False)
    now = datetime.now(tz=UTC)
    url = httpx.URL(message.url)
    headers = {
        "host": url.netloc.decode("ascii"),
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(message.secret).sign(message.id, now, body),
    }
    name = {"sni_hostname": url.raw_host.decode("ascii")}
    async with httpx.AsyncClient(
        verify=_tls(),
        timeout=None,  # noqa: S113  asyncio's is the one that counts
        follow_redirects=False,
        trust_env=False,
    ) as client:
        post = client.build_request(
            "POST", url.copy_with(host=address), content=body.encode(), headers=headers, extensions=name
        )
        async with asyncio.timeout(seconds):
            answer = await client.send(post, stream=True)
        await _hear_out(answer)
    return answer.status_code, _retry_after(answer.headers.get("retry-after"))


async def _hear_out(answer: httpx.Response) -> None:
    """Read a body that is short and quick, so that no receiver is cut off; what comes of it changes nothing."""
    read = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(ANSWER_SECONDS):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > ANSWER_BYTES:
                    break
    await answer.aclose()


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes longer than most posts."""
    return httpx.create_ssl_context(trust_env=False)


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
    if isinstance(error, httpx.ConnectError | OSError):
        return "No connection to the receiver."
    return f"The exchange broke off ({type(error).__name__})."


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
