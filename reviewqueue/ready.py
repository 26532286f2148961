"""The ready order of waiting drafts in Redis. PostgreSQL decides, Redis orders: all of it can be lost at any moment
and is rebuilt from PostgreSQL, and every answer is only a candidate that the claim confirms.

Keys, all with one hash tag so that a cluster keeps them together:
  {rq}:lane:<lane>  sorted set of draft ids by order_key; ids have 18 digits, so that equal keys go by id
  {rq}:offered      draft ids on their way to an agent, by the time (s) at which they come back if nobody claimed them
  {rq}:lane-of      hash draft id -> "lane order_key" of the offered ones
  {rq}:built        present when the index was built since Redis last started empty
"""

import logging
import time
from collections.abc import Iterable

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

BUILT = "{rq}:built"
OFFERED = "{rq}:offered"
LANE_OF = "{rq}:lane-of"

# A claim waits this long for Redis (seconds), then reads the order from PostgreSQL.
TIMEOUT = 0.15
# Whoever builds the index waits this long (seconds) for each answer: nobody waits for him.
BUILD_TIMEOUT = 5.0
# After a failure Redis is left alone for this long (seconds).
REST = 5.0
# How deep an offer looks into each lane for a draft the agent has not skipped.
DEPTH = 16
# How long (seconds) an offered draft stays reserved for the agent it was offered to.
RESERVED = 30

# Digits of a draft's id in the sorted sets.
DIGITS = 18
# Drafts put into a lane with one command: few enough for Redis to answer in time.
CHUNK = 1000

# KEYS: offered, lane-of, lanes… ARGV: depth, reserved, the skipped ids.
# 1. puts back up to 16 offered drafts whose reservation has passed; 2. takes the smallest head over all lanes, looking
# deeper into a lane only where its head was skipped.
# What is no draft id, or no place, is thrown away.
OFFER = """
local now = tonumber(redis.call('TIME')[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 16)) do
  local place = redis.call('HGET', KEYS[2], id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
  local lane, key = string.match(place or '', '^(%d+) (%-?%d+)$')
  if lane then redis.call('ZADD', '{rq}:lane:' .. lane, key, id) end
end
local function draft(id) return #id == 18 and not string.find(id, '%D') end
local skipped = {}
for i = 3, #ARGV do skipped[ARGV[i]] = true end
local best, best_key, best_lane
for i = 3, #KEYS do
  local head = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  if head[1] and (skipped[head[1]] or not draft(head[1])) then
    head = redis.call('ZRANGE', KEYS[i], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
  end
  for j = 1, #head, 2 do
    local id, key = head[j], tonumber(head[j + 1])
    if not draft(id) then
      redis.call('ZREM', KEYS[i], id)
    elseif not skipped[id] then
      if not best or key < best_key or (key == best_key and id < best) then
        best, best_key, best_lane = id, key, KEYS[i]
      end
      break
    end
  end
end
if not best then return false end
redis.call('ZREM', best_lane, best)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), best)
redis.call('HSET', KEYS[2], best, string.sub(best_lane, 11) .. ' ' .. string.format('%.0f', best_key))
return best
"""


class Away(Exception):
    """Redis does not answer; read the order from PostgreSQL."""


class _Redis:
    """A client of the process: how long (seconds) it waits for an answer, and the rest it is given after a failure."""

    def __init__(self, timeout: float = TIMEOUT, rest: float = REST) -> None:
        self.rest = rest
        self.client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            encoding_errors="replace",
        )
        self.offer = self.client.register_script(OFFER)
        self.resting_until = 0.0

    def __enter__(self) -> "redis.Redis":
        if time.monotonic() < self.resting_until:
            raise Away
        return self.client

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError | OSError):
            self.resting_until = time.monotonic() + self.rest
            log.warning("Redis is away (%s); the order is read from PostgreSQL", error)
            raise Away from error


_redis = _Redis()
_patient = _Redis(BUILD_TIMEOUT, rest=0)


def _lane(lane_id: int) -> str:
    return f"{{rq}}:lane:{lane_id}"


def _member(draft_id: int) -> str:
    return f"{draft_id:0{DIGITS}d}"


def put(drafts: Iterable[tuple[int, int, int]]) -> None:
    """Add (draft id, lane id, order_key) to the order; raises Away. Adding twice is harmless."""
    _put(_redis, drafts)


def fill(drafts: Iterable[tuple[int, int, int]]) -> None:
    """The same without haste, for who builds the index; raises Away."""
    _put(_patient, drafts)


def _put(patience: _Redis, drafts: Iterable[tuple[int, int, int]]) -> None:
    lanes: dict[int, list[tuple[str, int]]] = {}
    for draft_id, lane_id, order_key in drafts:
        lanes.setdefault(lane_id, []).append((_member(draft_id), order_key))
    with patience as client:
        for lane_id, members in lanes.items():
            for start in range(0, len(members), CHUNK):
                client.zadd(_lane(lane_id), dict(members[start : start + CHUNK]))


def offer(lanes: list[int], skipped: Iterable[int]) -> int | None:
    """The id of the draft that is next in these lanes, taken out of the order and reserved for 30 s; or None.

    Raises Away. The caller confirms it in PostgreSQL and then calls `taken`; a candidate that is refused there
    because it no longer waits needs no more than that either.
    """
    if not lanes:
        return None
    with _redis:
        keys = [OFFERED, LANE_OF, *map(_lane, lanes)]
        found = _redis.offer(keys=keys, args=[DEPTH, RESERVED, *map(_member, skipped)])
    return int(found) if found else None


def taken(draft_id: int) -> None:
    """Forget the reservation of an offered draft; raises Away."""
    with _redis as client:
        pipe = client.pipeline(transaction=False)
        pipe.zrem(OFFERED, _member(draft_id))
        pipe.hdel(LANE_OF, _member(draft_id))
        pipe.execute()


def give_back(draft_id: int) -> None:
    """End the reservation of an offered draft: the next offer puts it back into the order. Raises Away."""
    with _redis as client:
        client.zadd(OFFERED, {_member(draft_id): 0}, xx=True)


def remove(draft_id: int, lane_id: int) -> None:
    """Take a draft out of the order; raises Away."""
    with _redis as client:
        client.zrem(_lane(lane_id), _member(draft_id))


def is_built() -> bool:
    """Whether the index survived: False after FLUSHALL or an empty restart. Raises Away."""
    with _patient as client:
        return bool(client.exists(BUILT))


def mark_built() -> None:
    """Say that the index is complete; raises Away."""
    with _patient as client:
        client.set(BUILT, "1")


def depth() -> int:
    """How many drafts the index holds, over all lanes; raises Away."""
    with _patient as client:
        keys = list(client.scan_iter("{rq}:lane:*", count=1000))
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.zcard(key)
        return sum(pipe.execute())
