"""Drafts that several people judge. Each votes without a look at the others; where all approve the draft as it is, that
is the decision. Where they do not, a lead who has not voted sees all votes, and the lead's own decides.
"""

from collections.abc import Sequence

from reviewqueue.actions import lanes
from reviewqueue.actions.log import log
from reviewqueue.lifecycle import Refused
from reviewqueue.models import Draft, Lane, Remark, Skip, Typed, User, Vote
from reviewqueue.models.draft import NEVER


def votes_of(draft: Draft) -> list[Vote]:
    """The votes of the round so far, seat by seat; none where one person decides. The draft is locked."""
    return list(draft.votes.filter(round=draft.round).order_by("seat")) if draft.seats > 1 else []


def refuse_out_of_turn(draft: Draft, votes: Sequence[Vote], by: User, **facts: object) -> None:
    """Nobody votes twice, and only a lead settles what the votes disagree on. The database refuses both as well."""
    if any(vote.agent_id == by.pk for vote in votes):
        raise Refused("already-voted", "Somebody else has to judge it now.", **facts)
    if votes and len(votes) >= draft.seats and not by.leads:
        raise Refused("not-allowed", "The votes on this draft disagree. A lead settles it.", **facts)


def settles(draft: Draft, votes: Sequence[Vote], verdict: str) -> bool:
    """Whether a further vote with this verdict is the decision."""
    if len(votes) + 1 < draft.seats:
        return False
    if len(votes) + 1 > draft.seats:
        return True
    return draft.seats == 1 or {verdict, *(vote.verdict for vote in votes)} == {"approved"}


def next_lane(draft: Draft, votes: Sequence[Vote]) -> Lane:
    """Where the draft goes after one more vote that does not settle it."""
    return lanes.of_leads(draft.lane) if len(votes) + 1 == draft.seats else lanes.ordinary(draft.lane)


def keep(vote: Vote, remark: Remark, by: User) -> None:
    """Store a vote that decides nothing yet. Who cast it does not meet the draft again in this round."""
    vote.save(force_insert=True)
    remark.vote = vote
    remark.save(force_insert=True)
    Skip.objects.update_or_create(draft=vote.draft, agent=by, defaults={"until": NEVER})
    Typed.objects.filter(draft=vote.draft, agent=by).delete()
    # Which way it went is not for the log: the next one is to judge alone.
    log("draft.voted on", by, draft=vote.draft_id, vote=vote.pk, seat=vote.seat)


def forget_skips(draft: Draft, votes: Sequence[Vote]) -> None:
    """It is decided: who voted may meet it again, if that is undone."""
    if votes:
        Skip.objects.filter(draft=draft, until=NEVER).delete()
