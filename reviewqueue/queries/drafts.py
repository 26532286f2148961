"""A bot's drafts, as the bot may see them: no decision before it is final, no person by name."""

import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from reviewqueue import checks
from reviewqueue.models import Bot, Decision, Delivery, Draft, Hold

# Why a draft waits for a person; there is one reason as long as nothing is sent without one.
EVERY_DRAFT = "every_draft"

OPEN = ("received", "waiting", "claimed")

PSEUDONYM_CHARS = 12


def pseudonym(agent_id: int) -> str:
    """The same for the same agent, and of no use to anybody without the SECRET_KEY: 12 hex digits."""
    mac = hmac.new(settings.SECRET_KEY.encode(), f"agent:{agent_id}".encode(), hashlib.sha256)
    return mac.hexdigest()[:PSEUDONYM_CHARS]


def of_bot(bot: Bot) -> "QuerySet[Draft]":
    """The drafts this bot handed in: never those of other bots, nor those people wrote or the house minted."""
    return Draft.objects.filter(bot=bot, origin="bot", mode__in=("live", "sandbox"))


def find(bot: Bot, draft_id: int) -> Draft | None:
    """One draft with all that `resource` needs; one statement, two more where it is decided."""
    return next(iter(_whole(of_bot(bot).filter(pk=draft_id))), None)


def page(bot: Bot, *, external_id: str | None, status: str | None, after: int, limit: int) -> tuple[list[Draft], bool]:
    """(the drafts with an id above `after`, oldest first; whether there are more); as many statements as `find`."""
    found = of_bot(bot).filter(pk__gt=after)
    if external_id is not None:
        found = found.filter(external_id=external_id)
    if status is not None:
        found = found.filter(_reads(status, bot))
    drafts = _whole(found.order_by("pk")[: limit + 1])
    return drafts[:limit], len(drafts) > limit


def _whole(found: "QuerySet[Draft]") -> list[Draft]:
    drafts = list(found.select_related("submission"))
    decisions = _final().select_related("feedback__note", "by_vote__final")
    deliveries = Delivery.objects.filter(settled="final").order_by("pk")
    prefetch_related_objects(
        [draft for draft in drafts if draft.status == "decided"],
        Prefetch("decisions", decisions, to_attr="final_decisions"),
        Prefetch("deliveries", deliveries, to_attr="final_deliveries"),
    )
    return drafts


def _final() -> "QuerySet[Decision]":
    return Decision.objects.filter(settlement__outcome="final")


def _is_final() -> Exists:
    return Exists(_final().filter(draft=OuterRef("pk"), round=OuterRef("round")))


def _reads(status: str, bot: Bot) -> Q:
    """The drafts whose status reads so to a bot. A provisional decision reads `claimed`."""
    if status == "decided":
        return Q(_is_final(), status="decided")
    if status == "claimed":
        # A union, not OR: each half is small and has its index, while their OR reads all the bot ever handed in.
        return Q(pk__in=Draft.objects.filter(bot=bot, status="claimed").values("pk").union(_provisional(bot)))
    return Q(status=status)


def _provisional(bot: Bot) -> "QuerySet[Hold, Any]":
    """Ids of the bot's decided drafts that can still be undone, by way of the few decisions that are held."""
    held = Hold.objects.filter(settled_at=None, decision__round=F("decision__draft__round"))
    return held.filter(decision__draft__bot=bot, decision__draft__status="decided").values("decision__draft")


def visible_status(draft: Draft) -> str:
    """The status a bot reads, for a draft that was not loaded by `find` or `page`."""
    if draft.status != "decided" or _final().filter(draft=draft, round=draft.round).exists():
        return draft.status
    return "claimed"


def is_open(draft_id: int) -> bool:
    """Nothing final is known of the draft yet; one statement."""
    provisional = Q(~_is_final(), status="decided")
    return Draft.objects.filter(Q(status__in=OPEN) | provisional, pk=draft_id).exists()


def resource(draft: Draft) -> dict[str, Any]:
    """What GET /drafts/{id} and notices show. The draft comes from `find` or `page`."""
    decisions: list[Decision] = getattr(draft, "final_decisions", [])
    decision = next((row for row in decisions if row.round == draft.round), None)
    status = "claimed" if draft.status == "decided" and decision is None else draft.status
    # Read after the decisions: one that became final in between is told with the next answer, as a whole.
    deliveries: list[Delivery] = draft.final_deliveries if decision else []  # type: ignore[attr-defined]
    return {
        "id": str(draft.pk),
        "external_id": draft.external_id,
        "kind": draft.kind,
        "status": status,
        "reason_in_queue": EVERY_DRAFT if status in OPEN else None,
        "submitted_at": draft.submitted_at,
        "findings": [finding | {"says": checks.SAYS.get(finding["check"])} for finding in draft.submission.findings],
        "decision": _decision(draft, decision) if decision else None,
        "deliveries": [_delivery(delivery) for delivery in deliveries],
        "metadata": draft.submission.metadata or {},
    }


def _decision(draft: Draft, decision: Decision) -> dict[str, Any]:
    """`text` (or `label`) is what was decided on: NULL where nothing is sent, or once it is erased."""
    final = decision.by_vote.final
    feedback = decision.feedback
    return {
        "verdict": decision.verdict,
        "text" if draft.kind == "reply" else "label": final.text if final else None,
        "reasons": feedback.reasons,
        "note": feedback.note.text if feedback.note else None,
        "causes": feedback.causes,
        "decided_at": decision.at,
        "edit_rate": feedback.edit_rate,
        "agent": pseudonym(decision.by_agent_id),
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.webhook_id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "blocked_by": delivery.blocked_by,
    }
