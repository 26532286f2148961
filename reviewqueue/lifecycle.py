"""The two tables of states, and the only code that writes a status.

A status says where a row is; facts about it are columns. Buttons, permissions, refusals, log lines, the diagram in
docs/lifecycle.md and the step-by-status tests all read these tables. Imports nothing of ours.
"""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.models import sql

Row = TypeVar("Row", bound=models.Model)


class Refused(Exception):
    """An action will not do what was asked. `code` names the reason (refusals.py gives it its HTTP status), `detail`
    is one sentence that says what to do, `facts` are for the page: pointer, draft_id, the text a person typed."""

    def __init__(self, code: str, detail: str = "", **facts: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.facts = facts


@dataclass(frozen=True)
class Step:
    """One arrow: its verb, the statuses it may start from, where it ends, and who may take it."""

    verb: str
    before: tuple[str, ...]
    after: str
    who: str
    says: str

    def starts_from(self, status: str) -> bool:
        return status in self.before


def _table(*steps: Step) -> dict[str, Step]:
    return {step.verb: step for step in steps}


DRAFT_STATUSES = ("received", "waiting", "claimed", "decided", "refused", "withdrawn", "expired")

# `decide` and `vote` also start from waiting: a lease that lapsed still counts for its last holder until someone else
# claims.
DRAFT = _table(
    Step("admit", ("received",), "waiting", "system", "passed policy and checks"),
    Step("refuse", ("received",), "refused", "system", "refused by policy or checks"),
    Step("claim", ("waiting",), "claimed", "agent", "claimed"),
    Step("release", ("claimed",), "waiting", "holder", "released"),
    Step("skip", ("claimed",), "waiting", "holder", "skipped"),
    Step("hand_over", ("claimed",), "waiting", "holder", "handed over"),
    Step("escalate", ("claimed",), "waiting", "holder", "escalated"),
    Step("vote", ("claimed", "waiting"), "waiting", "holder", "voted on"),
    Step("lapse", ("claimed",), "waiting", "system", "lease lapsed"),
    Step("take_over", ("claimed",), "claimed", "lead", "taken over"),
    Step("decide", ("claimed", "waiting"), "decided", "holder", "decided"),
    Step("undo", ("decided",), "claimed", "deciding agent, lead", "decision undone"),
    Step("withdraw", ("received", "waiting", "claimed", "decided"), "withdrawn", "bot, system", "withdrawn"),
    Step("supersede", ("received", "waiting", "claimed", "decided"), "withdrawn", "bot", "replaced by a newer draft"),
    Step("expire", ("received", "waiting"), "expired", "system", "expired"),
)

DELIVERY_STATUSES = ("held", "queued", "sending", "delivered", "retry", "failed", "unknown", "cancelled")

DELIVERY = _table(
    Step("dispatch", ("held", "retry"), "queued", "system", "handed to a worker"),
    Step("start", ("queued",), "sending", "worker", "sending started"),
    Step("deliver", ("sending",), "delivered", "worker", "delivered"),
    Step("postpone", ("queued", "sending"), "retry", "worker, system", "will be tried again"),
    Step("give_up", ("sending",), "failed", "worker", "failed"),
    Step("lose_track", ("sending",), "unknown", "worker, system", "fate unknown"),
    Step("cancel", ("held", "queued", "retry"), "cancelled", "agent, system", "cancelled"),
    Step("send_again", ("failed", "unknown", "retry"), "queued", "agent, lead", "sent again by a person"),
    Step("confirm", ("unknown",), "delivered", "lead", "confirmed by a person"),
)

TABLES = {"draft": (DRAFT_STATUSES, DRAFT), "delivery": (DELIVERY_STATUSES, DELIVERY)}


def open_steps(table: dict[str, Step], status: str) -> list[Step]:
    """The steps that may be taken from `status`, in table order."""
    return [step for step in table.values() if step.starts_from(status)]


def move(rows: "models.QuerySet[Row]", step: Step, **changes: Any) -> list[Row]:
    """Take `step` on all of `rows` that stand where it may start; set `changes` in the same UPDATE.

    Returns the moved rows as they are now (UPDATE … RETURNING); an empty list means that nothing stood there, which
    the caller turns into a refusal. The fence (epoch, holder) belongs into the filter of `rows`.
    """
    filtered = rows.filter(status__in=step.before)
    model = filtered.model
    alias = router.db_for_write(model)
    query = cast(sql.UpdateQuery, filtered.query.chain(sql.UpdateQuery))
    query.clear_ordering(force=True)
    query.add_update_values({"status": step.after, **changes})
    try:
        statement, params = query.get_compiler(alias).as_sql()
    except EmptyResultSet:
        return []
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {columns}", params)
        return [model.from_db(alias, [f.attname for f in fields], row) for row in cursor.fetchall()]
