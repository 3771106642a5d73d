"""The short form of the fault bench: promises are kept while workers are killed and replies lost."""

from collections.abc import Iterator

import pytest

from bench.chaos.__main__ import play
from bench.chaos.scenarios import SCENARIOS, Scenario
from devstack.servers import FilotStack, filot_stack

#: Every run makes the same choices.
SEED = 1


@pytest.fixture(scope="module")
def durable_stack() -> Iterator[FilotStack]:
    """Servers that keep their data through a kill."""
    with filot_stack(durable=True) as stack:
        yield stack


@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS if scenario.in_short]
)
def test_promises_are_kept_when(scenario: Scenario, durable_stack: FilotStack) -> None:
    row = play(durable_stack, scenario, SEED, short=True)

    assert row.broken == ()
