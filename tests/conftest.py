"""Fixtures: real servers, one set a test process, emptied before every test that uses them.

And how much is invented where any input must do: little in every run of the tests, much in `make fuzz`.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from devstack.backend import FilotBackend
from devstack.servers import FilotStack, filot_stack
from tests.unit.reading.pages.hostile_report import pytest_addoption, pytest_terminal_summary

__all__ = ["pytest_addoption", "pytest_terminal_summary"]

set_hypothesis_home_dir("build/hypothesis")
settings.register_profile(
    "tests", max_examples=60, derandomize=True, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "fuzz", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def servers() -> Iterator[FilotStack]:
    """The servers themselves, started once; tests ask for `stack`."""
    with filot_stack() as stack:
        yield stack


@pytest.fixture
def stack(servers: FilotStack) -> FilotStack:
    """Running servers with FiLot's empty tables, an empty bucket, an empty Redis and no reviews."""
    with FilotBackend(servers.environment()) as backend:
        backend.clear()
    servers.reviews.forget()
    return servers


@pytest.fixture
def environment(stack: FilotStack) -> dict[str, str]:
    """The worker's variables for these servers, the test's own to change; without a health port."""
    return {**stack.environment(), "OCR_GPU_HEALTH_PORT": "0"}


@pytest.fixture
def backend(stack: FilotStack) -> Iterator[FilotBackend]:
    """FiLot's backend on these servers."""
    with FilotBackend(stack.environment()) as backend:
        yield backend
