"""Printed labels of a form, recognised although misread or stuck to their value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rapidfuzz.distance import Levenshtein

from service.reading.documents.characters import fold

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
        start = _Start.of(text)
        found = [label for key in self.spellings if (label := self._find(key, start))]
        return tuple(sorted(found, key=lambda label: -label.likeness))

    def find(self, key: str, text: str) -> Label | None:
        """The label ``key`` at the start of ``text``, or None."""
        return self._find(key, _Start.of(text))

    def inside(self, key: str, text: str) -> tuple[int, Label] | None:
        """The offset of label ``key`` at the start of a later word of ``text``, and the label there."""
        starts = [
            offset
            for offset in range(1, len(text))
            if text[offset].isalnum() and not text[offset - 1].isalnum()
        ]
        found = [(start, label) for start in starts if (label := self.find(key, text[start:]))]
        return max(found, key=lambda pair: pair[1].likeness, default=None)

    def _find(self, key: str, start: "_Start") -> Label | None:
        candidates = [
            label
            for printed in self.spellings[key]
            if start.may_begin_with(spelling := _spelling(printed)) and (label := start.label(key, spelling))
        ]
        return max(candidates, key=lambda label: (label.likeness, label.end), default=None)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A label as it is compared."""

    folded: str
    letters: frozenset[str]
    least_likeness: float
    #: How many of its letters may be others.
    most_wrong: int
    #: Of the text's beginnings, in folded letters.
    shortest: int
    longest: int


@cache
def _spelling(printed: str) -> _Spelling:
    folded, _ = fold(printed)
    least = next(likeness for length, likeness in _LIKENESS if len(folded) >= length)
    longest = len(folded) + _SLACK
    return _Spelling(
        folded=folded,
        letters=frozenset(folded),
        least_likeness=least,
        most_wrong=int((1 - least) * longest),
        shortest=max(1, len(folded) - _SLACK),
        longest=longest,
    )


@dataclass(frozen=True, slots=True)
class _Start:
    """A text that may start with a label."""

    text: str
    folded: str
    #: Of each folded letter: the offset in the text just behind it.
    ends: Sequence[int]
    letters: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Start":
        folded, ends = fold(text)
        return cls(text, folded, ends, frozenset(folded))

    def may_begin_with(self, spelling: _Spelling) -> bool:
        """Rule out, cheaply, nearly all labels: hardly a text begins with one.

        A letter that the text has nowhere is wrong in each of its beginnings; and these are at most twice the
        slack shorter than the longest one.
        """
        most = spelling.most_wrong
        if len(spelling.letters - self.letters) > most:
            return False
        most += 2 * _SLACK
        beginning = self.folded[: spelling.longest]
        return Levenshtein.distance(spelling.folded, beginning, score_cutoff=most) <= most

    def label(self, key: str, spelling: _Spelling) -> Label | None:
        """Compare a spelling with beginnings of the text about as long, and keep the best."""
        best: tuple[float, Label] | None = None
        for length in range(spelling.shortest, min(len(self.folded), spelling.longest) + 1):
            likeness = Levenshtein.normalized_similarity(spelling.folded, self.folded[:length])
            end = self.ends[length - 1]
            rank = likeness + _WORD_END_BONUS * (end == len(self.text) or not self.text[end].isalnum())
            if likeness >= spelling.least_likeness and (best is None or rank > best[0]):
                best = rank, Label(key, end, likeness)
        return best[1] if best else None
