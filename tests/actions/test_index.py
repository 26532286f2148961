"""The order in Redis, built from what waits in PostgreSQL."""

import pytest

from reviewqueue import ready
from reviewqueue.actions import claim, index, lease, withdraw
from reviewqueue.models import Draft, Lane
from tests.factories import make_agent, make_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]


def in_redis(redis) -> dict[int, list[int]]:
    """{lane: drafts in order}"""
    lanes = Lane.objects.values_list("pk", flat=True)
    found = {lane: [int(draft) for draft in redis.zrange(f"{{rq}}:lane:{lane}", 0, -1)] for lane in lanes}
    return {lane: drafts for lane, drafts in found.items() if drafts}


def waiting() -> dict[int, list[int]]:
    lanes: dict[int, list[int]] = {}
    for draft in Draft.objects.filter(status="waiting").order_by("order_key", "id"):
        lanes.setdefault(draft.lane_id, []).append(draft.pk)
    return lanes


@pytest.mark.parametrize("batch", [1, 2, 3, 20_000])
def test_a_rebuild_puts_in_all_that_waits_and_nothing_else(empty_redis, monkeypatch, batch):
    """In batches that end between drafts of one due time, too."""
    monkeypatch.setattr(index, "BATCH", batch)
    for number in range(12):
        due_at = f"2026-01-0{1 + number % 2}T00:00:00Z"
        make_draft(language=("en", "de")[number % 3 == 0], due_at=due_at)
    drafts = list(Draft.objects.order_by("id"))
    withdraw.withdraw(drafts[0].pk, bot=drafts[0].bot)
    claim.claim(drafts[1].pk, by=make_agent())
    for given_back in drafts[2:5]:
        agent = make_agent()
        lease.release(given_back.pk, by=agent, epoch=claim.claim(given_back.pk, by=agent).epoch)
    assert index.rebuild() == 10
    assert in_redis(empty_redis) == waiting()
    assert ready.is_built()


def test_the_short_look_rebuilds_where_the_marker_is_lost_and_else_looks_at_the_newest(empty_redis, monkeypatch):
    monkeypatch.setattr(index, "RECENT", 2)
    drafts = [make_draft() for _ in range(4)]
    assert index.refresh() == 4
    for key in empty_redis.keys("{rq}:lane:*"):
        empty_redis.delete(key)
    assert index.refresh() == 2
    assert [draft for lane in in_redis(empty_redis).values() for draft in lane] == [drafts[2].pk, drafts[3].pk]
    empty_redis.delete(ready.BUILT)
    assert index.refresh() == 4
    assert in_redis(empty_redis) == waiting()
