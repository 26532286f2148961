"""How often the faults are tried: a few times with `make test`, as often as promised with `make prove`."""

from collections.abc import Callable

import pytest


@pytest.fixture
def times(request) -> Callable[[int, int], int]:
    """times(50, 1000): 50, or 1,000 with --full."""
    return lambda few, full: full if request.config.getoption("--full") else few
