"""What bots may send: one class for each JSON object, and one for each query string.

Plain pydantic models, not ninja's Schema: that one validates every level twice, which doubles with each nesting.
"""

from typing import Annotated, Any, Literal, Self

from django.conf import settings
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from reviewqueue.api.fields import (
    Address,
    Channel,
    Id,
    Key,
    Label,
    Language,
    MessageId,
    Moment,
    Name,
    Text,
    Url,
    Value,
    Version,
    Written,
    distinct,
    one_line,
    small,
)
from reviewqueue.api.resources import Status

LABELS = ["positive", "neutral", "negative"]

Allowed = Literal["approve", "edit", "reject", "return"]
ALL_ALLOWED: list[Allowed] = ["approve", "edit", "reject", "return"]

# Drafts, or lessons, on one page.
PAGE = 100
LARGEST_PAGE = 200
LONGEST_WAIT = 30


def _wrong(field: str, says: str) -> PydanticCustomError:
    """For a rule about several fields: the one to change."""
    return PydanticCustomError("wrong", says, {"field": field})


class Content(BaseModel):
    """Strict: no other types, no unknown fields, so that a typo never passes silently."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CustomerIn(Content):
    """The person the draft is written to, by the id of the system the bot works for."""

    id: Id
    name: Name | None = None


class ReplyToMail(Content):
    """Where an e-mail goes, and the thread it belongs to."""

    address: Address
    message_id: MessageId | None = None
    references: Annotated[list[MessageId], Field(max_length=100)] = []


class ReplyToTicket(Content):
    """The ticket of a helpdesk that the reply is added to."""

    ticket: Id


def _reply_to_kind(stated: Any) -> str:
    """The tag of the model; no field has a name like it, so that _path can leave it out."""
    return "<ticket>" if isinstance(stated, dict) and "ticket" in stated else "<mail>"


ReplyTo = Annotated[
    Annotated[ReplyToMail, Tag("<mail>")] | Annotated[ReplyToTicket, Tag("<ticket>")],
    Discriminator(_reply_to_kind),
]


class MessageIn(Content):
    """One message of a conversation. `agent` is a person of yours, `bot` a program."""

    id: Id
    author: Literal["customer", "agent", "bot"]
    text: Text
    sent_at: Moment | None = None


def _messages(messages: list[MessageIn]) -> list[MessageIn]:
    if len(messages) > settings.API_MESSAGES:
        raise ValueError(f"may have {settings.API_MESSAGES} messages (API_MESSAGES), this has {len(messages)}")
    if len({message.id for message in messages}) < len(messages):
        raise ValueError("must not hold two messages of one id")
    return messages


Messages = Annotated[list[MessageIn], AfterValidator(_messages)]


class ConversationIn(Content):
    """What was said before the draft, oldest first."""

    id: Id
    channel: Channel = ""
    subject: Annotated[str, Field(max_length=500), AfterValidator(one_line)] | None = None
    reply_to: ReplyTo | None = None
    messages: Messages = []


class MessagesIn(Content):
    """Newer messages of a conversation that is already here."""

    messages: Annotated[Messages, Field(min_length=1)]


class ReplyIn(Content):
    """The text that waits for a person."""

    text: Written


class SentimentIn(Content):
    """A label that waits for a person, and the text it is about."""

    text: Written
    label: Label
    labels: Annotated[list[Label], Field(min_length=2, max_length=50), AfterValidator(distinct)] = LABELS
    score: Annotated[float, Field(ge=-1, le=1)] | None = None

    @model_validator(mode="after")
    def _label_known(self) -> Self:
        if self.label not in self.labels:
            raise _wrong("label", "must be one of labels")
        return self


class SourceIn(Content):
    """The model version that wrote the draft, in the bot's own words."""

    vendor: Version = ""
    model: Version = ""
    version: Version = ""
    prompt_version: Version = ""


class EvidenceIn(Content):
    """What the draft rests on."""

    title: Annotated[str, Field(max_length=300), AfterValidator(one_line)] = ""
    url: Url | None = None
    quote: Text = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.title or self.url or self.quote):
            raise ValueError("must have a title, a url or a quote")
        return self


def _allowed(verdicts: list[Allowed]) -> list[Allowed]:
    """In one order, so that the same set is the same content."""
    if not {"approve", "reject"} <= set(verdicts):
        raise ValueError("can take away edit and return only")
    return [verdict for verdict in ALL_ALLOWED if verdict in verdicts]


class DraftIn(Content):
    """One AI-written reply or label that a person is to decide."""

    external_id: Id
    kind: Literal["reply", "sentiment"]
    queue: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(one_line)] = "default"
    language: Language = "und"
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    risk: Literal["low", "normal", "high"] = "normal"
    due_at: Moment | None = None
    customer: CustomerIn
    conversation: ConversationIn | None = None
    reply: ReplyIn | None = None
    sentiment: SentimentIn | None = None
    source: SourceIn = SourceIn()
    evidence: Annotated[list[EvidenceIn], Field(max_length=20)] = []
    segments: Annotated[dict[Key, Value], Field(max_length=20)] = {}
    topics: Annotated[list[Key], Field(max_length=20), AfterValidator(distinct)] = []
    supersedes: Id | None = None
    allowed: Annotated[list[Allowed], AfterValidator(distinct), AfterValidator(_allowed)] = ALL_ALLOWED
    metadata: Annotated[dict[str, Any], AfterValidator(small)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """The block named by `kind` and no other; what a reply answers; no draft in its own place."""
        for kind in ("reply", "sentiment"):
            if (getattr(self, kind) is not None) != (kind == self.kind):
                raise _wrong(kind, "is required" if kind == self.kind else f"is not for kind {self.kind}")
        messages = self.conversation.messages if self.conversation else []
        if self.kind == "reply" and not any(message.author == "customer" for message in messages):
            raise _wrong("conversation", "must hold at least one message of the customer")
        if self.supersedes == self.external_id:
            raise _wrong("supersedes", "must be another draft than this one")
        return self


def _as_it_is(draft: Any, _: Any) -> Any:
    """Each draft of a batch is checked by itself; its type here is for the OpenAPI document."""
    return draft


class BatchIn(Content):
    """Many drafts in one request. One that is refused does not stop the others."""

    drafts: Annotated[list[Annotated[DraftIn, WrapValidator(_as_it_is)]], Field(min_length=1)]


class NoQuery(BaseModel):
    """No parameters; also for the others: an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class ReadQuery(NoQuery):
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT)] = Field(
        0, description="answer when the decision is final, after so many seconds at most"
    )


class PageQuery(NoQuery):
    after: Annotated[str, Field(max_length=100)] | None = Field(None, description="`next` of an earlier answer")
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = PAGE


class ListQuery(PageQuery):
    external_id: Id | None = Field(None, description="only the draft with this external_id")
    status: Status | None = Field(None, description="only drafts whose status reads so")
