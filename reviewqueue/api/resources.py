"""What bots get back: one class for each JSON object, for the answers and for the OpenAPI document."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

Status = Literal["received", "waiting", "claimed", "decided", "refused", "withdrawn", "expired"]
Kind = Literal["reply", "sentiment"]
Verdict = Literal["approved", "edited", "rejected", "returned"]


class FieldError(BaseModel):
    pointer: str = Field(description="JSON pointer to the field; '' is the whole body")
    detail: str


class Problem(BaseModel):
    """Every error (RFC 9457), as application/problem+json."""

    type: str = Field(description="leads to the row of this problem in the reference")
    title: str
    status: int
    detail: str = Field(description="one sentence that says what to do")
    request_id: str
    errors: list[FieldError] = []


class Accepted(BaseModel):
    """A draft that is ours now."""

    id: str
    external_id: str
    status: Status
    url: str


class BatchResult(BaseModel):
    """What became of one draft of a batch: `draft` or `problem`, and the status it would have had alone."""

    index: int
    status: int
    draft: Accepted | None = None
    problem: Problem | None = None


class BatchOut(BaseModel):
    results: list[BatchResult]


class FindingOut(BaseModel):
    """What a check found in a text. `start` and `end` count code points; both are 0 where the whole text is meant."""

    check: str
    level: Literal["error", "warning"] = Field(description="an error keeps the text from being sent as it is")
    start: int
    end: int
    says: str | None = Field(description="one sentence in English; null for a check of an older release")


class DecisionOut(BaseModel):
    """A final decision. The agent appears by a pseudonym that is always the same for the same person."""

    verdict: Verdict
    reasons: list[str]
    note: str | None
    causes: list[str]
    decided_at: datetime
    edit_rate: float | None = Field(description="word error rate of the draft against what was sent; null if not sent")
    agent: str


class ReplyDecision(DecisionOut):
    text: str | None = Field(description="what is sent to the customer; null if nothing is")


class LabelDecision(DecisionOut):
    label: str | None = Field(description="the label that counts; null if none does")


class DeliveryOut(BaseModel):
    """One approved text on its way to one receiver."""

    id: str = Field(description="the webhook-id the receiver sees")
    status: Literal["held", "queued", "sending", "delivered", "retry", "failed", "unknown", "cancelled"]
    attempts: int
    blocked_by: str | None


class DraftOut(BaseModel):
    """A draft as its bot sees it. A decision shows once it is final; until then the status reads `claimed`."""

    id: str
    external_id: str
    kind: Kind
    status: Status
    reason_in_queue: Literal["every_draft"] | None = Field(
        description="why a person looks at it; null once that is over"
    )
    submitted_at: datetime
    findings: list[FindingOut] = Field(description="of the checks when the draft was handed in")
    decision: ReplyDecision | LabelDecision | None
    deliveries: list[DeliveryOut]
    metadata: dict[str, Any]


class DraftPage(BaseModel):
    drafts: list[DraftOut]
    next: str | None = Field(description="hand in as `after` for the drafts beyond these")
    more: bool


class ConversationOut(BaseModel):
    id: str
    rev: int = Field(description="rises with every request that brought a message which was new")


class DiffPart(BaseModel):
    op: Literal["equal", "delete", "insert"]
    text: str


class SourceOut(BaseModel):
    vendor: str
    model: str
    version: str
    prompt_version: str


class Lesson(BaseModel):
    """One final decision: the text before and after, the words that changed, why, and how long it took."""

    id: str
    draft_id: str
    external_id: str
    kind: Kind
    verdict: Verdict
    before: str | None = Field(description="what the bot wrote; null once erased")
    after: str | None = Field(description="what the person decided on; null if nothing is sent, or once erased")
    diff: list[DiffPart] | None
    reasons: list[str]
    note: str | None
    causes: list[str]
    findings: list[FindingOut] = Field(description="of the checks in the text that was decided on")
    overridden: list[str] = Field(description="checks whose warning the person read and set aside")
    spans: list[list[int]] = Field(description="places of the labelled text that are the reason: [start, end)")
    blind: bool = Field(description="the person chose the label before seeing the bot's")
    edit_rate: float | None
    edit_unit: Literal["word", "character"] | None
    seconds: float | None = Field(description="time on the draft, from its first paint; null if not measured")
    source: SourceOut
    agent: str
    decided_at: datetime
    cursor: str = Field(description="hand in as `after` for what follows this one")


class FeedbackPage(BaseModel):
    feedback: list[Lesson]
    next: str = Field(description="hand in as `after`, now or any time later, for what came since")
    more: bool
