"""Cards by purpose: those that the estimates are fitted on, and those that judge the decision."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import TypeAlias

from bench.accuracy.levels import Level

#: Level and seed of a card.
Card: TypeAlias = tuple[Level, int]


def _cards(first: int, counts: Mapping[Level, int]) -> Sequence[Card]:
    """Return cards of all levels in turn, so that any beginning of them is a mixture."""
    by_level = [[(level, first + index) for index in range(count)] for level, count in counts.items()]
    return [card for card in chain(*zip_longest(*by_level)) if card is not None]


#: The estimates are fitted on these. The limit for approval is chosen on them as well, each judged by
#: models that were fitted without it.
FITTED = _cards(
    600_000,
    {
        **{"cropped": 360, "messenger": 360, "app": 360, "worn": 360, "photo": 260, "hard": 360},
        **{"small": 300, "foreigner": 120, "flat": 120, "scan": 120, "copy": 160, "screen": 160},
    },
)

#: The first seed of the cards that judge the decision. Nothing was fitted, chosen or tuned on them.
JUDGED_FROM = 11_000_000

#: The first seed of the cards whose labels are taken away.
LABELS_LOST_FROM = 12_000_000
