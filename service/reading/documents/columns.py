"""The two columns of a printed form: labels on the left, values to their right."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from service.reading.documents.layout import Piece, Row, slice_piece
from service.reading.documents.line_fit import fit_line

#: A label starts at most this far left and right of the label column, in text heights: some are indented.
_LABEL_SHIFT = (-2.0, 3.5)

#: A value starts at most this far left and right of the value column, in text heights.
_VALUE_SHIFT = (-1.5, 3.0)

#: First pieces that the slope of a column is fitted to, at least; with fewer the column is vertical.
_MIN_FITTED = 5

#: A piece further than this from its column, in text heights, is not part of it.
_MAX_OUTLIER = 1.5

#: A label and a value that were read as one are parted at a colon or blank so near to the value column, in
#: letters.
_MAX_LETTERS_OFF = 4


@dataclass(frozen=True, slots=True)
class Columns:
    """Left edges of labels and values: x = ``labels`` or ``values`` + ``slope`` * y, in pixels."""

    #: Both columns lean alike.
    slope: float
    labels: float | None
    values: float | None

    def starts_label(self, row: Row) -> bool:
        """Whether a row starts where labels do; any does if none was read."""
        shift = self._shift(row, self.labels)
        return shift is None or _LABEL_SHIFT[0] < shift < _LABEL_SHIFT[1]

    def indent(self, row: Row) -> float:
        """Text heights by which a row starts right of the values; 0 if it does not."""
        return max(0.0, self._shift(row, self.values) or 0.0)

    def starts_value(self, row: Row) -> bool:
        """Whether a row starts where values do."""
        shift = self._shift(row, self.values)
        return shift is not None and _VALUE_SHIFT[0] < shift < _VALUE_SHIFT[1]

    def value_behind_label(self, rest: Row) -> Row:
        """Return the value in what follows a label: without colons, rests of the label, and other columns."""
        pieces = without_leading_marks(rest)
        if len(pieces) > 1 and len(pieces[0].line.text.strip(" :.;,")) <= 2 and self.starts_value(pieces[1:]):
            pieces = pieces[1:]
        return () if pieces and self.indent(pieces) > _VALUE_SHIFT[1] else pieces

    def value_of(self, row: Row) -> Row:
        """Return the value of a row without a readable label; empty if none starts where values do."""
        tails = [tail for start in (0, 1) if (tail := without_leading_marks(row[start:]))]
        starting = [tail for tail in tails if self.starts_value(tail)]
        # The rest of a label that was cut off may start near the values, too.
        nearest = min(starting, key=lambda tail: abs(self._shift(tail, self.values) or 0.0), default=())
        return nearest or self._value_behind_joined_label(row)

    def _value_behind_joined_label(self, row: Row) -> Row:
        """Return a row from the middle of its first piece on, where that reaches across the value column."""
        if self.values is None:
            return ()
        head, text = row[0], row[0].line.text
        share = (self.values + self.slope * head.y - head.left) / max(1.0, head.right - head.left)
        if not 0 < share < 1:
            return ()
        for mark in ":", " ":
            ends = [place + 1 for place, letter in enumerate(text) if letter == mark]
            near = [end for end in ends if abs(end - share * len(text)) <= _MAX_LETTERS_OFF]
            if near:
                end = min(near, key=lambda end: abs(end - share * len(text)))
                rest = (slice_piece(head, end, len(text)),) if end < len(text) else ()
                return without_leading_marks((*rest, *row[1:]))
        return ()

    def _shift(self, row: Row, start: float | None) -> float | None:
        return None if start is None else (row[0].left - start - self.slope * row[0].y) / row[0].height


def fit_columns(labels: Sequence[Piece], values: Sequence[Piece]) -> Columns:
    """Fit the columns to first pieces of labels and of values; outliers are left out."""
    fitted = next((heads for heads in (labels, values) if len(heads) >= _MIN_FITTED), None)
    slope = 0.0
    if fitted:
        tolerance = _MAX_OUTLIER * median(head.height for head in fitted)
        slope, _ = fit_line([head.y for head in fitted], [head.left for head in fitted], tolerance)
    starts = [
        median(head.left - slope * head.y for head in heads) if heads else None for heads in (labels, values)
    ]
    return Columns(slope, *starts)


def without_leading_marks(row: Row) -> Row:
    """Return a row from its first piece with a letter or digit on."""
    for index, piece in enumerate(row):
        if any(character.isalnum() for character in piece.line.text):
            return row[index:]
    return ()
