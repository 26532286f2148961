"""Random histories of the queue against the model of tests/proof/model.py."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.test_points import listed
from tests.proof.model import Model
from tests.receiver import receiving


@pytest.mark.timeout(1800)
def test_random_histories_break_no_promise(committed, times):
    examples, steps = times(20, 300), times(40, 60)
    with receiving() as receiver:
        Model.receiver = receiver
        Model.points = [name for names in listed().values() for name in names]
        run_state_machine_as_test(
            Model,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                derandomize=True,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate],  # to shorten a history takes minutes, and forty steps can be read
                suppress_health_check=list(HealthCheck),
            ),
        )
