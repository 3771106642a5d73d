"""Fixtures of real servers, one set a test process; Hypothesis profiles; pytest's hooks.

The servers are emptied before every test that uses them. `make fuzz` takes the profile with many examples.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from devstack.backend import FilotBackend
from devstack.servers import FilotStack, filot_stack
from tests.support import programs
from tests.unit.reading.pages import hostile_report

set_hypothesis_home_dir("build/hypothesis")
settings.register_profile(
    "tests", max_examples=60, derandomize=True, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "fuzz", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    programs.add_option(parser)
    hostile_report.add_option(parser)


def pytest_runtest_setup(item: pytest.Item) -> None:
    programs.check(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    hostile_report.write(terminalreporter, config)
    for line in programs.summary(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


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
    """Return the worker's variables for these servers, for a test to change.

    The driver needs no program, and there is no health port.
    """
    return {**stack.environment(), "OCR_GPU_DRIVER": "onnx", "OCR_GPU_HEALTH_PORT": "0"}


@pytest.fixture
def backend(stack: FilotStack) -> Iterator[FilotBackend]:
    """FiLot's backend on these servers."""
    with FilotBackend(stack.environment()) as backend:
        yield backend
