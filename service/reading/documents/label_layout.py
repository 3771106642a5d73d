"""Layout of a printed form: a column of labels on the left, values to their right, some over several rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np

from service.reading.documents.labels import Label, LabelSet
from service.reading.documents.layout import Piece, Row, first_run, row_after, row_text

#: A label starts at most this far left and right of the label column, in text heights: some are indented.
_LABEL_SHIFT = (-2.0, 3.5)

#: A value starts at most this far left and right of the value column, in text heights.
_VALUE_SHIFT = (-1.5, 3.0)

#: Factor on the confidence of a value whose label was not read, but inferred from its place or its text.
INFERRED_LABEL_FACTOR = 0.8

#: Labels whose first pieces a line is fitted through, at least; with fewer the label column is vertical.
_MIN_FITTED_LABELS = 5

#: A label further than this from the median of the label column, in text heights, is not part of it.
_MAX_COLUMN_OUTLIER = 4

#: Returns the only key whose value a text can be; None if it may be the value of several keys.
KeyOfValue: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Cell:
    """Value of one label."""

    #: Index of the label's row.
    row: int
    #: Pieces on the label's row, including those of a second column on the far right.
    pieces: Row
    #: Rows below that start in the value column and have no label.
    below: tuple[Row, ...] = ()
    #: Factor on the confidence of the value; less than 1 if the label was not read.
    certainty: float = 1.0
    #: Text heights by which the value starts right of the column of values.
    indent: float = 0.0


@dataclass(frozen=True, slots=True)
class _LabelledRow:
    """A row, and a label that it may start with."""

    row: int
    #: Position of the label in the printed order of the form.
    order: int
    label: Label
    #: Factor on the confidence; less than 1 if the label was inferred from the value.
    certainty: float = 1.0


@dataclass(frozen=True, slots=True)
class _LabelColumn:
    """Left edge of the labels: x = ``start`` + ``slope`` * y, in pixels. The column may lean."""

    slope: float
    start: float

    def offset(self, row: Row) -> float:
        """Distance in pixels from the label column to the start of a row, to the right."""
        return row[0].left - (self.start + self.slope * row[0].y)

    def starts(self, row: Row) -> bool:
        """Whether a row starts in this column."""
        return _LABEL_SHIFT[0] < self.offset(row) / row[0].height < _LABEL_SHIFT[1]


@dataclass(frozen=True, slots=True)
class _ValueColumn:
    """Left edge of the values, parallel to the label column."""

    labels: _LabelColumn
    #: Pixels to the right of the label column; None if labels and values were read as one piece.
    distance: float | None

    def shift(self, row: Row) -> float | None:
        """Distance from this column to the start of a row, to the right, in text heights."""
        return None if self.distance is None else (self.labels.offset(row) - self.distance) / row[0].height

    def starts(self, row: Row) -> bool:
        """Whether a row starts in this column."""
        shift = self.shift(row)
        return shift is not None and _VALUE_SHIFT[0] < shift < _VALUE_SHIFT[1]


def find_cells(
    rows: Sequence[Row], labels: LabelSet, key_of_value: KeyOfValue = lambda _: None
) -> Mapping[str, Cell]:
    """Find the cell of each label of a form.

    The keys of ``labels`` are in the printed order of the form. A row whose label was not read is identified
    by ``key_of_value`` if it can be. Rows without a label between two labels continue the value above, unless
    labels are missing in between (or at the end of the form): then they are the values of those, if their
    number makes that unambiguous.
    """
    keys = list(labels.spellings)
    candidates = _labels_at_row_starts(rows, labels, keys)
    anchors = _best_in_printed_order(candidates)
    if not anchors:
        return {}
    label_column = _fit_label_column([rows[anchor.row][0] for anchor in anchors])
    value_column = _ValueColumn(label_column, _value_distance(rows, anchors, label_column))
    read = [candidate for candidate in candidates if label_column.starts(rows[candidate.row])]
    unlabelled = {*range(len(rows))} - {candidate.row for candidate in read}
    inferred = _labels_from_values(rows, unlabelled, value_column, keys, key_of_value)
    return _cells_between(rows, _best_in_printed_order([*read, *inferred]), value_column, keys)


def _labels_at_row_starts(rows: Sequence[Row], labels: LabelSet, keys: Sequence[str]) -> list[_LabelledRow]:
    return [
        _LabelledRow(index, keys.index(label.key), label)
        for index, row in enumerate(rows)
        for label in labels.at_start(row_text(row))
    ]


def _labels_from_values(
    rows: Sequence[Row],
    unlabelled: Collection[int],
    value_column: _ValueColumn,
    keys: Sequence[str],
    key_of_value: KeyOfValue,
) -> Iterator[_LabelledRow]:
    """Yield rows without a readable label whose value identifies the key."""
    for index in sorted(unlabelled):
        value = _value_of_row(rows[index], value_column)
        key = key_of_value(value[0].line.text) if value else None
        if key is not None:
            label_text = row_text(rows[index][: len(rows[index]) - len(value)])
            label = Label(key, len(label_text), INFERRED_LABEL_FACTOR)
            yield _LabelledRow(index, keys.index(key), label, INFERRED_LABEL_FACTOR)


def _best_in_printed_order(candidates: Sequence[_LabelledRow]) -> list[_LabelledRow]:
    """Return the likeliest choice of labels: one per row, and in printed order down the page.

    A longest increasing subsequence, weighted with the likeness of the labels.
    """
    chains: list[tuple[float, list[_LabelledRow]]] = []
    for candidate in sorted(candidates, key=lambda one: (one.row, one.order)):
        earlier = [
            (weight, chain)
            for weight, chain in chains
            if chain[-1].row < candidate.row and chain[-1].order < candidate.order
        ]
        weight, chain = max(earlier, key=lambda pair: pair[0], default=(0.0, []))
        chains.append((weight + candidate.label.likeness - 0.5, [*chain, candidate]))
    return max(chains, key=lambda pair: pair[0], default=(0.0, []))[1]


def _fit_label_column(heads: Sequence[Piece]) -> _LabelColumn:
    """Fit the label column through the first pieces of labelled rows, outliers excluded."""
    typical = median(head.left for head in heads)
    kept = [head for head in heads if abs(head.left - typical) < _MAX_COLUMN_OUTLIER * head.height] or heads
    if len(kept) < _MIN_FITTED_LABELS:
        return _LabelColumn(0.0, median(head.left for head in kept))
    slope, start = np.polyfit([head.y for head in kept], [head.left for head in kept], 1)
    return _LabelColumn(float(slope), float(start))


def _value_distance(
    rows: Sequence[Row], anchors: Sequence[_LabelledRow], label_column: _LabelColumn
) -> float | None:
    """Return the median distance in pixels from labels to values; None if no value is a piece of its own."""
    distances = []
    for anchor in anchors:
        row = rows[anchor.row]
        value = _without_leading_marks(row_after(row, anchor.label.end))
        # A value that was cut off its label starts where the label ends, not where the column does.
        if value and value[0] in row:
            distances.append(label_column.offset(value))
    return median(distances) if distances else None


def _cells_between(
    rows: Sequence[Row], labelled: Sequence[_LabelledRow], value_column: _ValueColumn, keys: Sequence[str]
) -> Mapping[str, Cell]:
    """Return the cell of each labelled row, and those of missing labels between them."""
    cells: dict[str, Cell] = {}
    next_labels = [*((one.row, one.order) for one in labelled[1:]), (len(rows), len(keys))]
    for one, (next_row, next_order) in zip(labelled, next_labels, strict=False):
        missing = keys[one.order + 1 : next_order]
        # Rows below the form's last label belong to no value.
        is_last = one.order == len(keys) - 1
        loose = [] if is_last else _value_rows(rows[one.row + 1 : next_row], value_column)
        pieces = _value_behind_label(row_after(rows[one.row], one.label.end), value_column)
        below = () if missing else tuple(loose)
        indent = value_column.shift(pieces) if pieces else None
        cells[keys[one.order]] = Cell(one.row, pieces, below, one.certainty, max(0.0, indent or 0.0))
        cells |= _cells_of_missing_labels(missing, loose, one.row + 1)
    return cells


def _cells_of_missing_labels(missing: Sequence[str], loose: Sequence[Row], row: int) -> Mapping[str, Cell]:
    """Return the cells of labels that were not read, if the rows in their place can be assigned to them."""
    if len(missing) == 1 and loose:
        return {missing[0]: Cell(row, loose[0], tuple(loose[1:]), INFERRED_LABEL_FACTOR)}
    if len(missing) == len(loose):
        pairs = zip(missing, loose, strict=True)
        return {
            key: Cell(row + index, value, (), INFERRED_LABEL_FACTOR)
            for index, (key, value) in enumerate(pairs)
        }
    return {}


def _value_behind_label(rest: Row, value_column: _ValueColumn) -> Row:
    """Return the value in what follows a label: without colons, rests of the label, and other columns."""
    pieces = _without_leading_marks(rest)
    if len(pieces) > 1 and len(pieces[0].line.text.strip(" :.;,")) <= 2 and value_column.starts(pieces[1:]):
        pieces = pieces[1:]
    shift = value_column.shift(pieces) if pieces else None
    return () if shift is not None and shift > _VALUE_SHIFT[1] else pieces


def _value_rows(rows: Sequence[Row], value_column: _ValueColumn) -> list[Row]:
    """Return the values of rows that start in the value column, or do so behind an unreadable label."""
    return [first_run(value) for row in rows if (value := _value_of_row(row, value_column))]


def _value_of_row(row: Row, value_column: _ValueColumn) -> Row:
    """Return a row from its first or second piece on, whichever starts in the value column; else nothing."""
    tails = (_without_leading_marks(row[start:]) for start in (0, 1))
    return next((tail for tail in tails if tail and value_column.starts(tail)), ())


def _without_leading_marks(row: Row) -> Row:
    """Return a row from its first piece with a letter or digit on."""
    for index, piece in enumerate(row):
        if any(character.isalnum() for character in piece.line.text):
            return row[index:]
    return ()
