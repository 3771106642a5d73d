"""How much is tried: little in every run of the tests, much in `make fuzz`."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from service.pages.pool import pool

set_hypothesis_home_dir("build/hypothesis")
settings.register_profile(
    "tests", max_examples=60, derandomize=True, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "fuzz", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("tests")


@pytest.fixture
def no_decoder() -> Iterator[None]:
    """No decoder runs yet: the one that the test starts is the test's own."""
    pool().close()
    yield
    pool().close()
