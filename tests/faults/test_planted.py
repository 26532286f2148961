"""The tests notice: a fault that is put into the product on purpose makes one of them fail."""

import pytest

from tests.proof.planted import Run, run, verdict
from tests.proof.plants import PLANTS

FEW = ("no index of slots",)


@pytest.mark.timeout(3600)
def test_planted_faults_are_caught(times):
    """One of them; all with --full."""
    said = {fault: verdict(run(fault, *PLANTS[fault].where)) for fault in times(FEW, tuple(PLANTS))}
    assert said == dict.fromkeys(said, "caught")


@pytest.mark.parametrize(
    ("reached", "code", "failed", "says"),
    [
        (7, 1, ["test_a"], "caught"),
        (7, 0, [], "SURVIVED"),
        (0, 1, ["test_a"], "NEVER REACHED"),
        (7, 2, [], "NO TEST FAILED"),
        (7, 1, [], "NO TEST FAILED"),
    ],
)
def test_only_a_test_that_failed_of_code_that_ran_has_caught_a_fault(reached, code, failed, says):
    assert verdict(Run(failed, reached, code, 1.0, "")) == says
