"""Bots hand in drafts. They are ours once the transaction has committed, and only then do we answer.

One draft or five hundred take the same few statements: a batch is stored in waves, each one transaction, and no two
drafts of a wave touch the same external_id, customer or conversation. So each fares as it would alone, in order.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from reviewqueue.actions.wave import Content, HandedIn, Submitted, store
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Bot, Draft
from reviewqueue.rows import is_away, is_busy, is_deadlock, read

# How often a wave is begun again because somebody else stored one of its rows first: draft, customer, conversation,
# lane and source can each be met once.
TRIES = 6

# By the LIMIT each is looked up by its key, however small the tables were when this was planned: without it a plan from
# then reads all drafts of the bot.
STORED = """
SELECT draft.*, (SELECT key FROM customer WHERE id = draft.customer_id) AS customer_key
FROM unnest(%(external_ids)s::text[]) AS given (external_id) CROSS JOIN LATERAL (
  SELECT * FROM draft WHERE bot_id = %(bot)s AND draft.external_id = given.external_id LIMIT 1
) AS draft
"""

# After so many drafts of a batch that waited in vain for a lock, the others are not tried.
PATIENCE = 3

Outcome = Submitted | Refused | DatabaseError | InterfaceError


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
        outcomes |= _fare(_wave(left), bot)
        left = {number: draft for number, draft in left.items() if number not in outcomes}
        if hopeless := _hopeless(outcomes):
            outcomes |= dict.fromkeys(left, hopeless)
            left = {}
    return [outcomes[number] for number in range(len(drafts))]


def _hopeless(outcomes: Mapping[int, Outcome]) -> Outcome | None:
    """The failure that says that what is left need not be tried."""
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, DatabaseError | InterfaceError)]
    away = [failure for failure in failures if is_away(failure)]
    busy = [failure for failure in failures if is_busy(failure)]
    return away[0] if away else busy[0] if len(busy) > PATIENCE else None


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
    except (Refused, DatabaseError, InterfaceError) as failure:
        if len(wave) == 1 or is_away(failure):
            return dict.fromkeys(wave, failure)
        return _alone(wave, bot)


def _alone(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    """One draft of the wave spoiled it, and nothing of it is stored yet: which one was it?"""
    fared: dict[int, Outcome] = {}
    for number, draft in wave.items():
        fared |= _fare({number: draft}, bot)
        if _hopeless(fared):
            break
    return fared


def _tried(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    for _ in range(TRIES):
        try:
            return _attempt(wave, bot)
        except (IntegrityError, OperationalError) as failure:
            if not (isinstance(failure, IntegrityError) or is_deadlock(failure)):
                raise
    return _attempt(wave, bot)


def _attempt(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    fared = _replays(wave, bot)
    new = {number: draft for number, draft in wave.items() if number not in fared}
    return {**fared, **store(new, bot)} if new else fared


def _replays(wave: dict[int, HandedIn], bot: Bot) -> dict[int, Outcome]:
    """Those that are stored already: the same again, or a refusal."""
    numbers = {draft.content["external_id"]: number for number, draft in wave.items()}
    found = read(Draft, STORED, {"bot": bot.pk, "external_ids": list(numbers)})
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
