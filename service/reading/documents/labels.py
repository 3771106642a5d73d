"""Recognises the printed labels of a form, even if misread or joined to their value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rapidfuzz.distance import Levenshtein

from service.reading.documents.characters import fold

#: Minimum similarity of label and text, 0 to 1, by the length of the label in letters: one wrong letter in
#: four, two in seven. Shorter labels must match exactly.
_MIN_LIKENESS = ((7, 0.7), (4, 0.75), (0, 1.0))

#: Maximum difference in length between the label and the text that it is compared with, in letters.
_MAX_LENGTH_DIFFERENCE = 2

#: Bonus for a label that ends at the end of a word, to decide between equal ones.
_WORD_END_BONUS = 0.02


@dataclass(frozen=True, slots=True)
class Label:
    """A label at the start of a text."""

    key: str
    #: Offset in the text just behind the label.
    end: int
    #: Similarity of the text and the printed label, 0 to 1.
    likeness: float


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels of a form: the spellings in use, by key."""

    spellings: Mapping[str, Sequence[str]]

    def at_start(self, text: str) -> tuple[Label, ...]:
        """Return every label that ``text`` may start with, the likeliest first."""
        start = _TextStart.of(text)
        found = [label for key in self.spellings if (label := self._find(key, start))]
        return tuple(sorted(found, key=lambda label: -label.likeness))

    def find(self, key: str, text: str) -> Label | None:
        """Return the label ``key`` at the start of ``text``, or None."""
        return self._find(key, _TextStart.of(text))

    def inside(self, key: str, text: str) -> tuple[int, Label] | None:
        """Return the label ``key`` at the start of a later word of ``text``, with that offset, or None."""
        starts = [
            offset
            for offset in range(1, len(text))
            if text[offset].isalnum() and not text[offset - 1].isalnum()
        ]
        found = [(start, label) for start in starts if (label := self.find(key, text[start:]))]
        return max(found, key=lambda pair: pair[1].likeness, default=None)

    def _find(self, key: str, start: "_TextStart") -> Label | None:
        candidates = [
            label
            for printed in self.spellings[key]
            if start.may_start_with(spelling := _spelling(printed)) and (label := start.label(key, spelling))
        ]
        return max(candidates, key=lambda label: (label.likeness, label.end), default=None)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """One spelling of a label, prepared for comparison."""

    folded: str
    letters: frozenset[str]
    min_likeness: float
    #: Letters that may differ.
    max_wrong: int
    #: Length of the text's beginnings that it is compared with, in folded letters.
    min_length: int
    max_length: int


@cache
def _spelling(printed: str) -> _Spelling:
    folded, _ = fold(printed)
    min_likeness = next(likeness for length, likeness in _MIN_LIKENESS if len(folded) >= length)
    max_length = len(folded) + _MAX_LENGTH_DIFFERENCE
    return _Spelling(
        folded=folded,
        letters=frozenset(folded),
        min_likeness=min_likeness,
        max_wrong=int((1 - min_likeness) * max_length),
        min_length=max(1, len(folded) - _MAX_LENGTH_DIFFERENCE),
        max_length=max_length,
    )


@dataclass(frozen=True, slots=True)
class _TextStart:
    """A text that may start with a label, prepared for comparison."""

    text: str
    folded: str
    #: For each folded letter the offset in the text just behind it.
    ends: Sequence[int]
    letters: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_TextStart":
        folded, ends = fold(text)
        return cls(text, folded, ends, frozenset(folded))

    def may_start_with(self, spelling: _Spelling) -> bool:
        """Rule out most labels cheaply, because few texts start with one.

        A letter that is not in the text is wrong in each of its beginnings. The shortest beginning is at most
        twice the maximum difference in length shorter than the longest one.
        """
        limit = spelling.max_wrong
        if len(spelling.letters - self.letters) > limit:
            return False
        limit += 2 * _MAX_LENGTH_DIFFERENCE
        beginning = self.folded[: spelling.max_length]
        return Levenshtein.distance(spelling.folded, beginning, score_cutoff=limit) <= limit

    def label(self, key: str, spelling: _Spelling) -> Label | None:
        """Return the best match of a spelling among the beginnings of about its length, or None."""
        best: tuple[float, Label] | None = None
        for length in range(spelling.min_length, min(len(self.folded), spelling.max_length) + 1):
            likeness = Levenshtein.normalized_similarity(spelling.folded, self.folded[:length])
            end = self.ends[length - 1]
            rank = likeness + _WORD_END_BONUS * (end == len(self.text) or not self.text[end].isalnum())
            if likeness >= spelling.min_likeness and (best is None or rank > best[0]):
                best = rank, Label(key, end, likeness)
        return best[1] if best else None
