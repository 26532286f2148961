"""Bots hand in drafts. They are ours once the transaction has committed, and only then do we answer.

One draft or five hundred take the same few statements: a batch is stored in waves, each one transaction, and no two
drafts of a wave touch the same external_id, customer or conversation. So each fares as it would alone, in order.
"""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from reviewqueue.actions.wave import Content, HandedIn, Submitted, store
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Bot, Draft
from reviewqueue.rows import read

# How often a wave is begun again because somebody else stored one of its rows first: draft, customer, conversation,
# lane and source can each be met once.
TRIES = 6

STORED = """
SELECT draft.*, customer.key AS customer_key FROM draft JOIN customer ON customer.id = draft.customer_id
WHERE bot_id = %s AND external_id = ANY(%s)
"""

# The database does not answer: what is left need not be tried.
AWAY = (OperationalError, InterfaceError)

Outcome = Submitted | Refused | DatabaseError


def submit(content: Content, canonical: Content, *, bot: Bot) -> Submitted:
    """Store a draft, or find it again: the same external_id with the same content is a replay, before any policy.

    Refused: external-id-reused, erased, opted-out, unknown-queue, conversation-mismatch, not-found (supersedes),
    already-decided, already-delivered. After any of them nothing is stored.
    """
    (outcome,) = submit_all([HandedIn(content, canonical)], bot=bot)
    if isinstance(outcome, Submitted):
        return outcome
    raise outcome


def submit_all(drafts: Sequence[HandedIn], *, bot: Bot) -> list[Outcome]:
    """How each of many drafts fares, in order. Where the database goes away, all that are left get its error."""
    outcomes: dict[int, Outcome] = {}
    left = dict(enumerate(drafts))
    while left:
        wave = _wave(left)
        fared = _fare(wave, bot)
        if away := next((outcome for outcome in fared.values() if isinstance(outcome, AWAY)), None):
            fared |= dict.fromkeys(left.keys() - fared.keys(), away)
        outcomes |= fared
        left = {number: draft for number, draft in left.items() if number not in fared}
    return [outcomes[number] for number in range(len(drafts))]


def _wave(left: Mapping[int, HandedIn]) -> dict[int, HandedIn]:
    """The next drafts that may be stored together. One that supersedes another goes alone."""
    wave: dict[int, HandedIn] = {}
    touched: set[tuple[str, str]] = set()
    for number, draft in left.items():
        if draft.content["supersedes"]:
            return wave or {number: draft}
        if not touched & draft.touches:
            wave[number] = draft
        touched |= draft.touches
    return wave


def _fare(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    try:
        return _tried(wave, bot)
    except (Refused, DatabaseError) as failure:
        if len(wave) == 1 or isinstance(failure, AWAY):
            return dict.fromkeys(wave, failure)
        return _alone(wave, bot)


def _alone(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    """One draft of the wave spoiled it, and nothing of it is stored yet: which one was it?"""
    fared: dict[int, Outcome] = {}
    for number, draft in wave.items():
        fared |= _fare({number: draft}, bot)
        if isinstance(fared[number], AWAY):
            break
    return fared


def _tried(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    for _ in range(TRIES):
        with suppress(IntegrityError):
            return _attempt(wave, bot)
    return _attempt(wave, bot)


def _attempt(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    fared = _replays(wave, bot)
    new = {number: draft for number, draft in wave.items() if number not in fared}
    return {**fared, **store(new, bot)} if new else fared


def _replays(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    """Those that are stored already: the same again, or a refusal."""
    numbers = {draft.content["external_id"]: number for number, draft in wave.items()}
    found = read(Draft, STORED, [bot.pk, list(numbers)])
    return {(number := numbers[draft.external_id]): _replay(draft, wave[number]) for draft in found}


def _replay(stored: Any, again: HandedIn) -> Outcome:
    key = stored.customer_key
    if key is None or stored.submit_mac is None:
        return Refused("erased", "This draft was erased; its external_id stays used.", draft_id=stored.pk)
    if not hmac.compare_digest(bytes(stored.submit_mac), again.mac(bytes(key))):
        return Refused(
            "external-id-reused",
            "This external_id was used with other content. Send changed content under a new external_id.",
            pointer="/external_id",
            draft_id=stored.pk,
        )
    return Submitted(stored, replayed=True)
