"""The order in Redis by itself: who is next, who was offered, and everything that does not belong there."""

import random
import time

import pytest
import redis

from config.embedded.redis import Redis
from reviewqueue import ready

pytestmark = pytest.mark.usefixtures("empty_redis")


def members(client: redis.Redis, lane: int) -> list[int]:
    return [int(member) for member in client.zrange(f"{{rq}}:lane:{lane}", 0, -1)]


def drain(lanes: list[int], skipped: tuple[int, ...] = ()) -> list[int]:
    """What is offered, until nothing is."""
    found = []
    while (draft := ready.offer(lanes, skipped)) is not None:
        found.append(draft)
    return found


def test_the_order_is_by_key_and_then_by_id_over_all_lanes():
    dice = random.Random(4)
    drafts = [(number, dice.choice((1, 2, 3)), dice.choice((5, 6, 10**13 + 5))) for number in range(1, 120)]
    dice.shuffle(drafts)
    ready.put(drafts)
    assert drain([1, 2, 3]) == [draft for draft, _, _ in sorted(drafts, key=lambda row: (row[2], row[0]))]


def test_an_order_key_survives_the_double_it_is_kept_in(empty_redis):
    largest = 9 * 10**13 + 10**13 - 1
    ready.put([(1, 1, largest), (2, 1, largest - 1)])
    assert drain([1]) == [2, 1]
    assert ready.offer([1], []) is None
    empty_redis.zadd(ready.OFFERED, {f"{1:018d}": 0})
    assert ready.offer([1], []) == 1  # the key went to the offered list and back as text
    empty_redis.zadd(ready.OFFERED, {f"{1:018d}": 0})
    assert ready.offer([9], []) is None
    assert empty_redis.zscore("{rq}:lane:1", f"{1:018d}") == largest


def test_only_the_lanes_asked_for_are_looked_into():
    ready.put([(1, 1, 1), (2, 2, 2)])
    assert ready.offer([], []) is None
    assert ready.offer([2, 3], []) == 2
    assert ready.offer([2, 3], []) is None


def test_what_the_agent_skipped_is_offered_to_others_only():
    ready.put([(1, 1, 1), (2, 1, 2), (3, 2, 3)])
    assert drain([1, 2], (1, 3)) == [2]
    assert drain([1, 2]) == [1, 3]


def test_a_lane_full_of_skipped_drafts_hides_no_other_lane():
    ready.put([*((number, 1, number) for number in range(1, 40)), (99, 2, 99)])
    assert ready.offer([1, 2], range(1, 40)) == 99


def test_an_offered_draft_is_nobodys_until_it_is_given_back_or_its_time_is_over(empty_redis):
    ready.put([(1, 1, 5)])
    assert [ready.offer([1], []), ready.offer([1], [])] == [1, None]
    seconds = empty_redis.zscore(ready.OFFERED, f"{1:018d}") - time.time()
    assert ready.RESERVED - 2 <= seconds <= ready.RESERVED
    ready.give_back(1)
    assert [ready.offer([1], []), ready.offer([1], [])] == [1, None]
    # The process that it was offered to died: its time passes.
    empty_redis.zadd(ready.OFFERED, {f"{1:018d}": time.time() - 1})
    assert ready.offer([1], []) == 1
    ready.taken(1)
    assert empty_redis.keys("*") == []
    ready.give_back(1)  # nothing is reserved any more
    assert empty_redis.keys("*") == []


def test_many_are_put_and_counted_without_keeping_redis_busy_for_too_long(empty_redis):
    ready.put([(number, 1 + number % 3, number) for number in range(1, 20_001)])
    assert ready.depth() == 20_000
    ready.remove(3, 1)
    assert members(empty_redis, 1)[:2] == [6, 9]
    assert ready.depth() == 19_999


def test_the_marker_says_whether_the_index_survived(empty_redis):
    assert not ready.is_built()
    ready.mark_built()
    assert ready.is_built()
    empty_redis.flushall()
    assert not ready.is_built()


JUNK = [b"", b"abc", b"-1", b"1", b"1.5", b"0x10", b"9" * 17, b"9" * 19, b"\xff\xfe", b"1" * 17 + b" ", b"drop table"]


@pytest.mark.parametrize("score", [0, -1e300, float("-inf")])
def test_junk_in_a_lane_is_thrown_away_and_never_offered(empty_redis, score):
    ready.put([(7, 1, 7)])
    empty_redis.zadd("{rq}:lane:1", dict.fromkeys(JUNK, score))
    assert drain([1]) == [7]
    assert empty_redis.exists("{rq}:lane:1") == 0


@pytest.mark.parametrize(
    "place", ["", "x", "1", "1 ", " 1", "1 x", "1 nan", "1 inf", "1 1 1", "../x 1", "lane 1", "1\n1", "1 1e5"]
)
def test_a_reservation_with_a_junk_place_is_thrown_away(empty_redis, place):
    ready.put([(7, 1, 7)])
    empty_redis.zadd(ready.OFFERED, {f"{8:018d}": 0})
    empty_redis.hset(ready.LANE_OF, f"{8:018d}", place)
    assert drain([1]) == [7]
    assert not set(empty_redis.keys("*")) - {ready.OFFERED, ready.LANE_OF}
    assert empty_redis.zrange(ready.OFFERED, 0, -1) == [f"{7:018d}"]


@pytest.mark.parametrize("key", ["{rq}:lane:1", ready.OFFERED, ready.LANE_OF])
def test_a_key_of_another_type_is_an_absence_and_no_crash(empty_redis, key):
    empty_redis.set(key, "text")
    with pytest.raises(ready.Away):
        _put_and_offer()
    # It is left alone for a while, and asked again then.
    with pytest.raises(ready.Away):
        ready.offer([2], [])
    empty_redis.delete(key)
    ready._redis.resting_until = 0.0
    assert _put_and_offer() == 1


def test_an_offer_looks_deeper_only_past_what_was_skipped(empty_redis):
    ready.put([(number, 1, number) for number in range(1, 30)])
    assert ready.offer([1], []) == 1
    assert ready.offer([1], [2, 3]) == 4
    assert ready.offer([1], range(2, 17)) == 17
    assert ready.offer([1], range(2, 30)) is None, "no further than DEPTH"


def _put_and_offer() -> int | None:
    ready.put([(1, 1, 1)])
    return ready.offer([1], [])


def test_names_of_lanes_that_are_junk_do_not_stop_the_count(empty_redis):
    ready.put([(1, 1, 1)])
    empty_redis.zadd(b"{rq}:lane:\xff", {"x": 1})
    assert ready.depth() in (1, 2)


@pytest.fixture
def own(monkeypatch, tmp_path):
    with Redis(tmp_path) as server:
        monkeypatch.setattr(ready.settings, "REDIS_URL", server.url)
        monkeypatch.setattr(ready, "_redis", ready._Redis())
        monkeypatch.setattr(ready, "_patient", ready._Redis(ready.BUILD_TIMEOUT, rest=0))
        yield server


def test_a_redis_that_hangs_costs_one_short_wait_and_then_nothing(own):
    ready.put([(1, 1, 1)])
    own.pause()
    for allowed in (1.0, 0.05):
        began = time.monotonic()
        with pytest.raises(ready.Away):
            ready.offer([1], [])
        assert time.monotonic() - began < allowed
    own.resume()
    ready._redis.resting_until = 0.0
    assert ready.offer([1], []) == 1


def test_a_redis_that_is_gone_is_away_until_it_is_back(own):
    ready.put([(1, 1, 1)])
    own.kill()
    for call in (ready.depth, lambda: ready.put([(1, 1, 1)]), lambda: ready.taken(1), lambda: ready.offer([1], [])):
        ready._redis.resting_until = 0.0
        with pytest.raises(ready.Away):
            call()
    own.start()
    assert ready.is_built() is False, "who builds the index asks again at once"
    with pytest.raises(ready.Away):  # claims leave it alone a little longer
        ready.offer([1], [])
    ready._redis.resting_until = 0.0
    assert ready.offer([2], []) is None
