"""The nouns, and the constraints that hold without us."""

from reviewqueue.models.body import Body
from reviewqueue.models.bot import Bot, BotKey, Source
from reviewqueue.models.conversation import Conversation, Message
from reviewqueue.models.customer import Consent, Customer
from reviewqueue.models.decision import Decision, Feed, Feedback, Hold, Remark, Settlement, Vote
from reviewqueue.models.delivery import Attempt, Delivery, Notice
from reviewqueue.models.desk import Handover, Note, Presence, SavedView, Search, Typed
from reviewqueue.models.draft import Draft, Drill, Skip, Submission
from reviewqueue.models.event import Event, Leaf
from reviewqueue.models.queue import Endpoint, Lane, Queue, Reason
from reviewqueue.models.rollup import AgentDay, SegmentDay, SourceDay, Watermark
from reviewqueue.models.user import User

__all__ = [
    "AgentDay",
    "Attempt",
    "Body",
    "Bot",
    "BotKey",
    "Consent",
    "Conversation",
    "Customer",
    "Decision",
    "Delivery",
    "Draft",
    "Drill",
    "Endpoint",
    "Event",
    "Feed",
    "Feedback",
    "Handover",
    "Hold",
    "Lane",
    "Leaf",
    "Message",
    "Note",
    "Notice",
    "Presence",
    "Queue",
    "Reason",
    "Remark",
    "SavedView",
    "Search",
    "SegmentDay",
    "Settlement",
    "Skip",
    "Source",
    "SourceDay",
    "Submission",
    "Typed",
    "User",
    "Vote",
    "Watermark",
]
