"""Printed labels of a form, recognised although misread or stuck to their value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rapidfuzz.distance import Levenshtein

from service.documents.characters import fold

#: How alike label and text must be, 0 to 1, by the label's length in letters: one wrong letter in four,
#: two in seven. Shorter labels must be whole.
_LIKENESS = ((7, 0.7), (4, 0.75), (0, 1.0))

#: How many letters longer or shorter than the label the text that is compared with it may be.
_SLACK = 2

#: A label that ends where a word ends is the likelier reading among equals.
_WORD_END_BONUS = 0.02


@dataclass(frozen=True, slots=True)
class Label:
    """A label found at the start of a text."""

    key: str
    #: Offset in the text just behind the label.
    end: int
    #: 0 to 1: how alike the text is to the label as printed.
    likeness: float


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels of one form: for each key the spellings in use."""

    spellings: Mapping[str, Sequence[str]]

    def at_start(self, text: str) -> tuple[Label, ...]:
        """Every label that ``text`` may begin with, the likeliest first."""
        folded, ends = fold(text)
        found = [label for key in self.spellings if (label := self._find(key, folded, ends, text))]
        return tuple(sorted(found, key=lambda label: -label.likeness))

    def find(self, key: str, text: str) -> Label | None:
        """The label ``key`` at the start of ``text``, or None."""
        return self._find(key, *fold(text), text)

    def inside(self, key: str, text: str) -> tuple[int, Label] | None:
        """The offset of label ``key`` at the start of a later word of ``text``, and the label there."""
        starts = [
            offset
            for offset in range(1, len(text))
            if text[offset].isalnum() and not text[offset - 1].isalnum()
        ]
        found = [(start, label) for start in starts if (label := self.find(key, text[start:]))]
        return max(found, key=lambda pair: pair[1].likeness, default=None)

    def _find(self, key: str, folded: str, ends: Sequence[int], text: str) -> Label | None:
        candidates = [
            label
            for spelling in self.spellings[key]
            if (label := _at_start(key, _spelling(spelling), folded, ends, text))
        ]
        return max(candidates, key=lambda label: (label.likeness, label.end), default=None)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A label as it is compared."""

    folded: str
    least_likeness: float
    #: Of the text's beginnings, in folded letters.
    shortest: int
    longest: int
    #: How far the longest beginning may be from the label at most: what is farther is so in each of the
    #: others, which are at most twice the slack shorter.
    farthest: int


@cache
def _spelling(printed: str) -> _Spelling:
    folded, _ = fold(printed)
    least = next(likeness for length, likeness in _LIKENESS if len(folded) >= length)
    longest = len(folded) + _SLACK
    farthest = int((1 - least) * longest) + 2 * _SLACK
    return _Spelling(folded, least, max(1, len(folded) - _SLACK), longest, farthest)


def _at_start(key: str, spelling: _Spelling, folded: str, ends: Sequence[int], text: str) -> Label | None:
    """Compare a spelling with beginnings of the text about as long, and keep the best."""
    most = spelling.farthest
    # Hardly a text begins with the label.
    if Levenshtein.distance(spelling.folded, folded[: spelling.longest], score_cutoff=most) > most:
        return None
    best: tuple[float, Label] | None = None
    for length in range(spelling.shortest, min(len(folded), spelling.longest) + 1):
        likeness = Levenshtein.normalized_similarity(spelling.folded, folded[:length])
        end = ends[length - 1]
        rank = likeness + _WORD_END_BONUS * (end == len(text) or not text[end].isalnum())
        if likeness >= spelling.least_likeness and (best is None or rank > best[0]):
            best = rank, Label(key, end, likeness)
    return best[1] if best else None
