"""How carefully a draft is to be judged: its tier, the least time that reading takes, and whose labels are hidden."""

import hashlib
import hmac

from django.conf import settings

from reviewqueue.edits import words
from reviewqueue.models import Draft
from reviewqueue.models.queue import RISKS

# Adults read 175 to 300 words a minute (Brysbaert 2019); nobody is told to be slower than the fastest of them. Where
# words are not set apart, a word has about two characters.
A_SECOND = {"word": 5, "character": 10}

# What is confirmed in tier high where the lead named no policy points.
READ = "Read, with the messages and the sources"


def tier(draft: Draft) -> str:
    """low, normal or high: what the queue asks for, or what the bot said, whichever is higher. Only a bot's replies
    have tiers: labels are sent to nobody, and who writes has read."""
    if draft.kind != "reply" or draft.origin != "bot":
        return "low"
    return max(draft.lane.queue.risk, draft.submission.risk, key=RISKS.index)


def points(draft: Draft) -> list[str]:
    """What an approval in tier high confirms one of."""
    return draft.lane.queue.policy_points or [READ]


def reading_seconds(text: str, language: str) -> float:
    """The reading floor: nobody reads `text` (its language a BCP 47 tag) in less."""
    tokens, unit = words(text, language)
    return len(tokens) / A_SECOND[unit]


def is_blind(draft: Draft) -> bool:
    """The bot's label is hidden until a person has chosen one.

    A matter of the draft and not of chance, so that no reload shows what was hidden. After an undo it was seen, as by
    the lead who settles votes; and where the bot lets nobody choose there is nothing to ask.
    """
    if draft.kind != "sentiment" or "edit" not in draft.submission.allowed:
        return False
    mac = hmac.new(settings.SECRET_KEY.encode(), f"blind:{draft.pk}".encode(), hashlib.sha256)
    asked = int.from_bytes(mac.digest()[:8]) % 100 < draft.lane.queue.blind_percent
    return asked and draft.round == 1 and not draft.up_for_adjudication
