"""Cards by purpose: those that the estimates are fitted on, and those that judge the decision."""

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import TypeAlias

#: Level and seed of a card.
Card: TypeAlias = tuple[str, int]


def _cards(first: int, counts: dict[str, int]) -> Sequence[Card]:
    """Return cards of all levels in turn, so that any beginning of them is a mixture."""
    by_level = [[(level, first + index) for index in range(count)] for level, count in counts.items()]
    return [card for card in chain(*zip_longest(*by_level)) if card is not None]


#: The estimates are fitted on these. The limit for approval is chosen on them as well, each judged by
#: models that were fitted without it.
FITTED = (
    *_cards(600_000, {"lifelike": 1200, "hard": 260, "photo": 180, "flat": 60, "scan": 80}),
    *_cards(650_000, {"lifelike": 900, "hard": 200, "photo": 160, "flat": 60, "scan": 60}),
)

#: The first seed of the cards that judge the decision. Nothing was fitted, chosen or tuned on them.
JUDGED_FROM = 8_000_000
