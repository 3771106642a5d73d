"""The demo's cards, drawn once."""

import pytest

from devstack.cards import DemoCard, demo_cards
from devstack.run import SEED


@pytest.fixture(scope="session")
def cards() -> list[DemoCard]:
    """The cards of `make demo`."""
    return demo_cards(SEED)
