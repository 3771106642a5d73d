"""Compares the fields that were read with those on the card."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: ``missed``: printed and not read; ``extra``: read and not printed.
Verdict: TypeAlias = Literal["right", "wrong", "missed", "extra"]

_SPACED_MARK = re.compile(r"\s*([^\w\s])\s*")


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field of one card."""

    key: str
    truth: str | None
    read: str | None
    #: 0 to 1; None where nobody told.
    confidence: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Right means letter for letter, but for spaces beside punctuation: print hardly shows those."""
        if self.truth is None:
            return "extra"
        if self.read is None:
            return "missed"
        return "right" if _plain(self.truth) == _plain(self.read) else "wrong"


def compare_fields(
    truth: Mapping[str, str], read: Mapping[str, str], confidences: Mapping[str, float] | None = None
) -> tuple[FieldComparison, ...]:
    """Compare every field printed or read, in the card's order; fields that the card lacks come last."""
    keys = [*truth, *(key for key in read if key not in truth)]
    known = confidences or {}
    return tuple(FieldComparison(key, truth.get(key), read.get(key), known.get(key)) for key in keys)


def tally(fields: Iterable[FieldComparison]) -> tuple[int, int]:
    """Return how many fields were read right, and how many are printed."""
    known = list(fields)
    return sum(field.verdict == "right" for field in known), sum(field.truth is not None for field in known)


def _plain(value: str) -> str:
    return _SPACED_MARK.sub(r"\1", value)
