"""Numbers of a known length, rebuilt from misread characters: every reading that is possible is weighed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from service.reading.documents.characters import confidence_after, digit_options, pack_digits

#: A number with more misread digits than this is not repaired but left out.
MAX_REPAIRS = 4

#: What is left of a number's confidence when another reading of its characters is as likely.
AMBIGUOUS_FACTOR = 0.5

#: How well a reading goes with everything else: more is better, compared from left to right.
Weight: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumberReading:
    """What a text says when it can only be digits."""

    digits: str
    #: Characters that were no digits.
    repairs: int
    #: Another reading has the same weight, so that these digits are little more than a guess.
    is_ambiguous: bool

    def confidence(self, engine: float) -> float:
        """What the reading leaves of the engine's confidence in the text, 0 to 1."""
        return confidence_after(engine, self.repairs) * (AMBIGUOUS_FACTOR if self.is_ambiguous else 1.0)


def read_number(text: str, lengths: Collection[int], weigh: Callable[[str], Weight]) -> NumberReading | None:
    """The reading of ``text`` with most weight; None when it cannot be a number of these lengths."""
    packed = pack_digits(text)
    repairs = sum(character not in "0123456789" for character in packed)
    if len(packed) not in lengths or repairs > MAX_REPAIRS:
        return None
    # At most three digits for each of four characters.
    readings = ["".join(digits) for digits in product(*map(digit_options, packed))]
    if not readings:
        return None
    weights = [weigh(reading) for reading in readings]
    best = max(weights)
    return NumberReading(readings[weights.index(best)], repairs, weights.count(best) > 1)
