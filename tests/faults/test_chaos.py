"""A short chaos run with faults of every kind; `make prove` has the long ones."""

from collections import Counter

import pytest

from tests.proof import chaos


def test_the_schedule_is_the_seeds():
    assert chaos.schedule(100, 7) == chaos.schedule(100, 7)
    assert chaos.schedule(100, 7) != chaos.schedule(100, 8)


def test_the_schedule_has_every_fault():
    counts = Counter(fault.kind for fault in chaos.schedule(400, 1))
    assert counts["kill"] == 400
    assert counts["flush"] == 40
    assert (counts["redis_empty"], counts["postgres_restart"], counts["terminate"]) == (20, 20, 30)
    assert set(counts) == set(chaos.SHARES)
    links = {(fault.who, fault.how) for fault in chaos.schedule(2_000, 1) if fault.kind == "link"}
    assert len(links) == 9 * 5, "every link meets every fault"


@pytest.mark.timeout(240)
def test_nothing_is_lost_doubled_altered_or_sent_undecided():
    said: list[str] = []
    with chaos.servers() as servers:
        result = chaos.run(servers, drafts=60, kills=6, seed=3, agents=4, patience=2, say=said.append)
    assert result.violations == [], "\n".join([*said, *map(str, result.violations)])
    assert result.counts["kill"] == 6
