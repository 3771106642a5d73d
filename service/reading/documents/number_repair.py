"""Repairs misread numbers of known length: picks the best of all digits the characters may stand for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from service.reading.documents.characters import confidence_after, digit_options, pack_digits

#: A number with more misread digits is rejected.
MAX_REPAIRS = 4

#: Factor on the confidence of a number if another candidate is as plausible.
AMBIGUOUS_FACTOR = 0.5

#: How well a candidate agrees with the rest of the card; higher is better, compared from left to right.
Plausibility: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RepairedNumber:
    """The digits that a text stands for."""

    digits: str
    #: Characters that were not digits.
    repairs: int
    #: Whether another candidate is as plausible, so that these digits are a guess.
    is_ambiguous: bool

    def confidence(self, engine: float) -> float:
        """Return the confidence in the number, given the engine's confidence in the text, 0 to 1."""
        return confidence_after(engine, self.repairs) * (AMBIGUOUS_FACTOR if self.is_ambiguous else 1.0)


def repair_number(
    text: str, lengths: Collection[int], plausibility: Callable[[str], Plausibility]
) -> RepairedNumber | None:
    """Return the most plausible number for ``text``; None if it cannot be one of these lengths."""
    packed = pack_digits(text)
    repairs = sum(character not in "0123456789" for character in packed)
    if len(packed) not in lengths or repairs > MAX_REPAIRS:
        return None
    # At most three digits for each of four characters.
    candidates = ["".join(digits) for digits in product(*map(digit_options, packed))]
    if not candidates:
        return None
    scores = [plausibility(candidate) for candidate in candidates]
    best = max(scores)
    return RepairedNumber(candidates[scores.index(best)], repairs, scores.count(best) > 1)
