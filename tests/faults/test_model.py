"""Random histories of the queue against the model of tests/proof/model.py."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.test_points import listed
from tests.proof.model import Model
from tests.receiver import receiving


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(4))
def test_random_histories_break_no_promise(committed, times, share):
    examples, steps = times(5, 75), times(40, 60)
    with receiving() as receiver:
        Model.receiver = receiver
        Model.points = [name for names in listed().values() for name in names]
        run_state_machine_as_test(
            seed(share)(Model),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate],  # to shorten a history takes minutes, and forty steps can be read
                suppress_health_check=list(HealthCheck),
            ),
        )
