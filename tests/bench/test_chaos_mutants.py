from pathlib import Path

import pytest

from bench.chaos.mutants import MUTANTS, Mutant
from bench.chaos.scenarios import SCENARIOS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.promise)
def test_every_mutant_still_finds_what_it_takes_away_and_the_scenario_that_must_notice(
    mutant: Mutant,
) -> None:
    sound = (REPOSITORY / mutant.file).read_text()

    assert mutant.before in sound
    assert mutant.scenario in {scenario.name for scenario in SCENARIOS}
