"""Intervals against values that other programs computed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.figures import BUCKETS, FEWEST, wilson
from tests.servers import ROOT

REFERENCE = ROOT.parent / "shared/data/reference-values/reference_values.json"

# statsmodels 0.15.0, proportion_confint(successes, n, method="wilson").
STATSMODELS = {
    (81, 263): (0.255289, 0.36621),
    (15, 148): (0.062386, 0.160487),
    (0, 20): (0.0, 0.161125),
    (1, 29): (0.006113, 0.171755),
    (20, 20): (0.838875, 1.0),
    (0, 1): (0.0, 0.793451),
    (1, 1): (0.206549, 1.0),
}


@pytest.mark.parametrize(("counts", "interval"), STATSMODELS.items())
def test_an_interval_is_that_of_statsmodels(counts, interval):
    assert wilson(*counts) == pytest.approx(interval, abs=1e-6)


def test_all_intervals_of_the_reference_values():
    if not REFERENCE.exists():
        pytest.skip(f"reference values are not here: {REFERENCE}")
    values = json.loads(REFERENCE.read_text())["wilson_95"]
    assert len(values) >= 7
    for counts, interval in values.items():
        successes, n = map(int, counts.split("/"))
        assert wilson(successes, n) == pytest.approx(interval, abs=1e-6)


@settings(deadline=None)
@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_a_share(counts):
    successes, n = counts
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high
    mirrored = wilson(n - successes, n)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)


def test_more_decisions_make_it_narrower_and_none_make_it_everything():
    widths = [high - low for low, high in (wilson(n // 2, n) for n in (10, 30, 100, 1000))]
    assert widths == sorted(widths, reverse=True)
    assert wilson(0, 0) == (0.0, 1.0)
    assert FEWEST == 30


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_what_is_no_share_is_refused(successes, n):
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, n)


def test_buckets_rise():
    assert list(BUCKETS) == sorted(set(BUCKETS))
