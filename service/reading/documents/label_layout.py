"""A printed form: labels down a left column, values to their right, some of more than one line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np

from service.reading.documents.labels import Label, LabelSet
from service.reading.documents.layout import Row, behind, row_text, run

#: A label starts at most this far left and right of the label column, in heights: some are indented.
_LABEL_SHIFT = (-2.0, 3.5)

#: A value starts at most this far left and right of the value column, in heights.
_VALUE_SHIFT = (-1.5, 3.0)

#: What a value is worth whose label was not read, and which is known by the rows around it or by itself.
UNLABELLED = 0.8

#: Tells the one key whose value a text can be; None for a text that may be the value of several.
Telling: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands behind one label."""

    #: Index of the label's row.
    row: int
    #: Pieces on the label's row, the far right one of a second column included.
    pieces: Row
    #: Rows below that begin in the value column and have no label.
    below: tuple[Row, ...] = ()
    #: Factor for confidences: less than 1 when the label was not read.
    certainty: float = 1.0


@dataclass(frozen=True, slots=True)
class _Labelled:
    row: int
    #: Place in the order in which the form prints its labels.
    order: int
    label: Label
    #: Factor for confidences: less than 1 when the value told the key.
    certainty: float = 1.0


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where labels and values begin: the label column may lean, the value column runs beside it."""

    rate: float
    start: float
    #: From the label column to the value column; None when labels and values were read as one.
    value: float | None

    def offset(self, row: Row) -> float:
        """How far right of the label column a row begins, in pixels."""
        return row[0].left - (self.start + self.rate * row[0].y)

    def begins_with_label(self, row: Row) -> bool:
        low, high = _LABEL_SHIFT
        return low < self.offset(row) / row[0].height < high

    def begins_with_value(self, row: Row) -> bool:
        low, high = _VALUE_SHIFT
        return self.value is not None and low < (self.offset(row) - self.value) / row[0].height < high


def cells(rows: Sequence[Row], labels: LabelSet, told: Telling = lambda _: None) -> Mapping[str, Cell]:
    """Find each label's cell; the keys of ``labels`` stand in the order in which the form prints them.

    A row whose label was not read is known by its value when ``told`` names its key.
    Rows between two labels that have no label of their own go on with the value above, or are the
    values of labels in between (or of the form's last ones) that could not be read, when their number
    leaves no doubt.
    """
    keys = list(labels.spellings)
    candidates = _candidates(rows, labels, keys)
    found = _in_order(candidates)
    if not found:
        return {}
    columns = _columns(rows, found)
    labelled = [one for one in candidates if columns.begins_with_label(rows[one.row])]
    unlabelled = {*range(len(rows))} - {one.row for one in labelled}
    found = _in_order([*labelled, *_told(rows, unlabelled, columns, keys, told)])
    result: dict[str, Cell] = {}
    ends = [*((one.row, one.order) for one in found[1:]), (len(rows), len(keys))]
    for one, (end, order) in zip(found, ends, strict=False):
        missing = keys[one.order + 1 : order]
        # What stands below the form's last label belongs to no value.
        is_last = one.order == len(keys) - 1
        loose = [] if is_last else _value_rows(rows[one.row + 1 : end], columns)
        pieces = _values(behind(rows[one.row], one.label.end), columns)
        below = () if missing else tuple(loose)
        result[keys[one.order]] = Cell(one.row, pieces, below, one.certainty)
        result |= _unlabelled(missing, loose, one.row + 1)
    return result


def _unlabelled(missing: Sequence[str], loose: Sequence[Row], row: int) -> Mapping[str, Cell]:
    """The cells of labels that were not read, when the rows in their place can be told apart."""
    if len(missing) == 1 and loose:
        return {missing[0]: Cell(row, loose[0], tuple(loose[1:]), UNLABELLED)}
    if len(missing) == len(loose):
        pairs = zip(missing, loose, strict=True)
        return {key: Cell(row + index, value, (), UNLABELLED) for index, (key, value) in enumerate(pairs)}
    return {}


def _candidates(rows: Sequence[Row], labels: LabelSet, keys: Sequence[str]) -> list[_Labelled]:
    return [
        _Labelled(index, keys.index(label.key), label)
        for index, row in enumerate(rows)
        for label in labels.at_start(row_text(row))
    ]


def _told(
    rows: Sequence[Row], unlabelled: Collection[int], columns: _Columns, keys: Sequence[str], told: Telling
) -> Iterator[_Labelled]:
    """Yield rows whose values tell their keys, behind whatever became of their labels."""
    for index in sorted(unlabelled):
        tail = _value_tail(rows[index], columns)
        key = told(tail[0].line.text) if tail else None
        if key is not None:
            end = len(row_text(rows[index][: len(rows[index]) - len(tail)]))
            yield _Labelled(index, keys.index(key), Label(key, end, UNLABELLED), UNLABELLED)


def _in_order(candidates: Sequence[_Labelled]) -> list[_Labelled]:
    """The likeliest choice of labels that goes down the page in the printed order, one label a row."""
    ordered = sorted(candidates, key=lambda one: (one.row, one.order))
    chains: list[tuple[float, list[_Labelled]]] = []
    for one in ordered:
        earlier = [chain for chain in chains if chain[1][-1].row < one.row and chain[1][-1].order < one.order]
        weight, chain = max(earlier, key=lambda chain: chain[0], default=(0.0, []))
        chains.append((weight + one.label.likeness - 0.5, [*chain, one]))
    return max(chains, key=lambda chain: chain[0], default=(0.0, []))[1]


def _columns(rows: Sequence[Row], found: Sequence[_Labelled]) -> _Columns:
    heads = [rows[one.row][0] for one in found]
    typical = median(head.left for head in heads)
    kept = [head for head in heads if abs(head.left - typical) < 4 * head.height] or heads
    rate, start = 0.0, median(head.left for head in kept)
    if len(kept) >= 5:
        fit = np.polyfit([head.y for head in kept], [head.left for head in kept], 1)
        rate, start = float(fit[0]), float(fit[1])
    bare = _Columns(rate, start, None)
    # Only values that are pieces of their own tell the column: a cut one begins where the label ended.
    starts = [
        bare.offset(rest)
        for one in found
        if (rest := _written(behind(rows[one.row], one.label.end))) and rest[0] in rows[one.row]
    ]
    return _Columns(rate, start, median(starts) if starts else None)


def _values(rest: Row, columns: _Columns) -> Row:
    """The pieces behind a label, without colons, crumbs of the label, and what is too far right."""
    pieces = _written(rest)
    if (
        len(pieces) > 1
        and len(pieces[0].line.text.strip(" :.;,")) <= 2
        and columns.begins_with_value(pieces[1:])
    ):
        pieces = pieces[1:]
    if pieces and columns.value is not None:
        beyond = (columns.offset(pieces) - columns.value) / pieces[0].height > _VALUE_SHIFT[1]
        return () if beyond else pieces
    return pieces


def _value_rows(rows: Sequence[Row], columns: _Columns) -> list[Row]:
    """The rows that begin in the value column, or do so behind a label that was not recognised."""
    return [run(tail) for row in rows if (tail := _value_tail(row, columns))]


def _value_tail(row: Row, columns: _Columns) -> Row:
    """A row from the piece on that begins in the value column: its first one, or else its second."""
    tails = (_written(row[start:]) for start in (0, 1))
    return next((tail for tail in tails if tail and columns.begins_with_value(tail)), ())


def _written(row: Row) -> Row:
    """A row from its first piece with a letter or digit on."""
    for index, piece in enumerate(row):
        if any(character.isalnum() for character in piece.line.text):
            return row[index:]
    return ()
