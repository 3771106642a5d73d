"""Layout of a printed form: a column of labels on the left, values to their right, some over several rows.

Rows are named by their labels; those whose label cannot be read by what their value says, and else by where
they stand: a form prints its rows in one order and at one distance.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, takewhile
from statistics import median
from typing import TypeAlias

from service.reading.documents.columns import Columns, fit_columns, without_leading_marks
from service.reading.documents.labels import LabelSet
from service.reading.documents.layout import Row, first_run, row_after, row_text

#: Factor on the confidence of a value whose label was not read, unless its row stands where it is printed,
#: and of one that seems to lack a row.
INFERRED_LABEL_FACTOR = 0.8

#: Share of the form's rows that have to be named for their distances to count.
_MOST_ROWS = 0.5

#: What naming a row counts: a label its likeness less this, a telling value, a fitting place.
_LABEL_OFFSET, _TELLING_VALUE, _FITTING_PLACE = 0.5, 0.3, 0.05

#: Rows of distance that two named rows may differ from the printed one, and what each row beyond costs, up to
#: a limit.
_DISTANCE_TOLERANCE, _DISTANCE_COST, _MAX_DISTANCE_COST = 0.35, 0.2, 0.25

#: Labels from which they alone show where the columns are; with fewer, values that tell their key do too.
_MIN_LABELS = 5

#: Rows with a label or a telling value from which a page shows the form, so that others are named by place.
_MIN_NAMED = 3

#: Rows of distance below a value from which another row of it was there.
_LOST_ROW = 0.6

#: Distance of rows in text heights, where too few were named to measure it.
_TYPICAL_PITCH = 1.3


@dataclass(frozen=True, slots=True)
class Form:
    """A printed form.

    Parameters:
        labels: in the printed order of the form
        places: printed distance from the first row to each row, in rows, by key
        more_rows: rows that a value may take beyond its first, by key
        key_of_value: returns the only key whose value a text can be; None if it may be that of several
        fits: how well a text could be the value of a key, however badly it was read; 0 to 1
    """

    labels: LabelSet
    places: Mapping[str, float]
    more_rows: Mapping[str, int]
    key_of_value: Callable[[str], str | None]
    fits: Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class Cell:
    """Value of one label."""

    #: Index of the label's row.
    row: int
    #: Pieces on the label's row, including those of a second column on the far right.
    pieces: Row
    #: Rows below that start in the value column and have no label.
    below: tuple[Row, ...] = ()
    #: Factor on the confidence of the value; less than 1 if the label was not read and the row is not in its
    #: place, or if a row of the value seems to be missing.
    certainty: float = 1.0
    #: Text heights by which the value starts right of the column of values.
    indent: float = 0.0


@dataclass(frozen=True, slots=True)
class _NamedRow:
    """A row, and the key that it may have."""

    row: int
    #: Place of the key in the printed order of the form.
    order: int
    #: What is said for it.
    weight: float
    #: What follows the label, or the whole value of a row without a readable label.
    rest: Row
    is_labelled: bool = True

    def is_in_place(self, gap: float | None) -> bool:
        """Whether this row is where it is printed, by the rows too much to a named one above or below.

        Without one there, the row's own text has to name it.
        """
        return self.weight > _FITTING_PLACE if gap is None else abs(gap) <= _DISTANCE_TOLERANCE


#: What it costs that one row follows another.
_Cost: TypeAlias = Callable[[_NamedRow, _NamedRow], float]


def find_cells(rows: Sequence[Row], form: Form) -> Mapping[str, Cell]:
    """Find the cell of each label of a form.

    Rows without a label between two named ones continue the value above, unless rows are missing in between
    and the distance shows that they are those.
    """
    if not rows:
        return {}
    page = _Page(rows, form, tuple(form.labels.spellings))
    labelled = [*page.by_label()]
    named = _best_in_order(labelled)
    if len(named) < _MIN_LABELS:
        anywhere = [one for index in page.without(named) for one in page.by_value(index)]
        named = _best_in_order([*labelled, *anywhere])
    columns = page.columns(named)
    labelled = [one for one in labelled if columns.starts_label(rows[one.row])]
    telling = [one for index in page.without(labelled) for one in page.by_value(index, columns)]
    named = _best_in_order([*labelled, *telling])
    if len(named) >= _MIN_NAMED and (by_place := [*page.by_place(named, columns)]):
        cost = partial(page.distance_cost, page.pitch(named))
        named = _best_in_order([*labelled, *telling, *by_place], cost)
    return page.cells(named, columns)


def _best_in_order(candidates: Sequence[_NamedRow], cost: _Cost = lambda _, __: 0.0) -> list[_NamedRow]:
    """Return the likeliest choice: one key for a row, and in printed order down the page.

    A longest increasing subsequence, weighted.
    """
    chains: list[tuple[float, list[_NamedRow]]] = []
    for candidate in sorted(candidates, key=lambda one: (one.row, one.order)):
        earlier = [
            (weight - cost(chain[-1], candidate), chain)
            for weight, chain in chains
            if chain[-1].row < candidate.row and chain[-1].order < candidate.order
        ]
        weight, chain = max([(0.0, []), *earlier], key=lambda pair: pair[0])
        chains.append((weight + candidate.weight, [*chain, candidate]))
    return max(chains, key=lambda pair: pair[0], default=(0.0, []))[1]


@dataclass(frozen=True, slots=True)
class _Page:
    """The rows of a page that shows a form."""

    rows: Sequence[Row]
    form: Form
    #: In the printed order.
    keys: Sequence[str]

    def without(self, named: Sequence[_NamedRow]) -> Iterator[int]:
        """Yield the indices of all rows but these."""
        taken = {one.row for one in named}
        return (index for index in range(len(self.rows)) if index not in taken)

    def by_label(self) -> Iterator[_NamedRow]:
        """Yield every label that a row may start with."""
        for index, row in enumerate(self.rows):
            for label in self.form.labels.at_start(row_text(row)):
                weight = label.likeness - _LABEL_OFFSET
                yield _NamedRow(index, self.keys.index(label.key), weight, row_after(row, label.end))

    def by_value(self, index: int, columns: Columns | None = None) -> Iterator[_NamedRow]:
        """Yield the key that the value of a row tells: in the column of values, or wherever it stands."""
        row = self.rows[index]
        values = [row[start:] for start in range(len(row))] if columns is None else [columns.value_of(row)]
        for value in filter(None, values):
            key = self.form.key_of_value(value[0].line.text)
            if key is not None:
                yield _NamedRow(index, self.keys.index(key), _TELLING_VALUE, value, is_labelled=False)
                return

    def by_place(self, named: Sequence[_NamedRow], columns: Columns) -> Iterator[_NamedRow]:
        """Yield each key that a row between two named ones may have, where keys are missing there."""
        for index, missing in self._rows_between(named):
            value = first_run(columns.value_of(self.rows[index]))
            text = row_text(value)
            if any(label.end == len(text) for label in self.form.labels.at_start(text)):
                continue  # a label in the place of a value
            for order in missing if value else ():
                if fit := self.form.fits(self.keys[order], text):
                    yield _NamedRow(index, order, _FITTING_PLACE * fit, value, is_labelled=False)

    def _rows_between(self, named: Sequence[_NamedRow]) -> Iterator[tuple[int, range]]:
        """Yield each row that has no name, and the places of the keys that are missing around it."""
        ends = [(-1, -1), *((one.row, one.order) for one in named), (len(self.rows), len(self.keys))]
        for (row, order), (next_row, next_order) in pairwise(ends):
            missing = range(order + 1, next_order)
            yield from ((index, missing) for index in range(row + 1, next_row) if missing)

    def columns(self, named: Sequence[_NamedRow]) -> Columns:
        """Return the columns that these rows stand in."""
        values = [(one, without_leading_marks(one.rest)) for one in named]
        # A value that was cut off its label starts where the label ends, not where the column does.
        whole = [value[0] for one, value in values if value and value[0] in self.rows[one.row]]
        return fit_columns([self.rows[one.row][0] for one in named if one.is_labelled], whole)

    def pitch(self, named: Sequence[_NamedRow]) -> float:
        """Return the distance in pixels of rows that follow each other."""
        measured = []
        for one, other in pairwise(named):
            least, largest = self._printed_distance(one, other)
            if least == largest:
                measured.append(self._distance(one.row, other.row) / least)
        heights = (piece.height for row in self.rows for piece in row)
        return median(measured) if measured else _TYPICAL_PITCH * median(heights)

    def distance_cost(self, pitch: float, one: _NamedRow, other: _NamedRow) -> float:
        """Return what it costs that two rows are nearer together or further apart than printed."""
        least, largest = self._printed_distance(one, other)
        distance = self._distance(one.row, other.row) / pitch
        excess = max(least - distance, distance - largest) - _DISTANCE_TOLERANCE
        return min(_MAX_DISTANCE_COST, max(0.0, _DISTANCE_COST * excess))

    def cells(self, named: Sequence[_NamedRow], columns: Columns) -> Mapping[str, Cell]:
        """Return the cells of named rows, by key."""
        pitch = self.pitch(named)
        pairs = [*zip(named, [*named[1:], None], strict=False)]
        belows = [self._below(one, other, columns, pitch) for one, other in pairs]
        gaps = [
            self._gap(one, other, len(below), pitch)
            for (one, other), below in zip(pairs, belows, strict=True)
        ]
        is_form = len(named) >= _MOST_ROWS * len(self.keys)
        cells: dict[str, Cell] = {}
        for one, below, above, gap in zip(named, belows, [None, *gaps], gaps, strict=False):
            key = self.keys[one.order]
            pieces = columns.value_behind_label(one.rest) if one.is_labelled else one.rest
            lacks_row = key in self.form.more_rows and gap is not None and gap > _LOST_ROW
            is_certain = one.is_labelled or (is_form and one.is_in_place(above) and one.is_in_place(gap))
            cells[key] = Cell(
                one.row,
                pieces,
                tuple(value for _, value in below),
                1.0 if is_certain and not lacks_row else INFERRED_LABEL_FACTOR,
                columns.indent(pieces) if pieces else 0.0,
            )
        return cells

    def _below(
        self, one: _NamedRow, other: _NamedRow | None, columns: Columns, pitch: float
    ) -> list[tuple[int, Row]]:
        """Return the rows, with their indices, that continue the value of a row above another named one."""
        if one.order == len(self.keys) - 1:
            return []  # rows below the form's last label belong to no value
        end, next_order = (other.row, other.order) if other else (len(self.rows), len(self.keys))
        values = ((index, columns.value_of(self.rows[index])) for index in range(one.row + 1, end))
        below = [(index, first_run(value)) for index, value in values if value]
        return below if next_order == one.order + 1 else self._without_gap(one.row, below, pitch)

    def _gap(self, one: _NamedRow, other: _NamedRow | None, rows_below: int, pitch: float) -> float | None:
        """Return how many rows too far apart two named rows are, with those that were found in between."""
        if other is None:
            return None
        least, _ = self._printed_distance(one, other)
        return self._distance(one.row, other.row) / pitch - least - rows_below

    def _without_gap(self, row: int, below: Sequence[tuple[int, Row]], pitch: float) -> list[tuple[int, Row]]:
        """Return the rows below a row that follow it, and each other, at the distance of rows."""
        indices = [row, *(index for index, _ in below)]
        gaps = [self._distance(upper, lower) for upper, lower in pairwise(indices)]
        limit = (1 + _DISTANCE_TOLERANCE) * pitch
        return [pair for pair, _ in takewhile(lambda pair: pair[1] < limit, zip(below, gaps, strict=True))]

    def _printed_distance(self, one: _NamedRow, other: _NamedRow) -> tuple[float, float]:
        """Return the least and the largest distance of two named rows, in rows."""
        between = self.keys[one.order : other.order]
        least = self.form.places[self.keys[other.order]] - self.form.places[between[0]]
        return least, least + sum(self.form.more_rows.get(key, 0) for key in between)

    def _distance(self, upper: int, lower: int) -> float:
        """Return how far one row is below another, in pixels."""
        return self.rows[lower][0].y - self.rows[upper][0].y
