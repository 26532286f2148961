"""How often the faults are tried: a few times with `make test`, as often as promised with `make prove`."""

from collections.abc import Callable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="try races and fault points as often as `make prove` does")


@pytest.fixture
def times(request) -> Callable[[int, int], int]:
    """times(50, 1000): 50, or 1,000 with --full."""
    return lambda few, full: full if request.config.getoption("--full", default=False) else few
