"""Groups text lines into rows by their boxes.

The page may be rotated by a few degrees or seen from one side. Positions are straightened with the slopes of
the long lines before they are compared.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from service.reading.documents.characters import single_spaced
from service.reading.documents.line_fit import fit_line
from service.reading.ocr.engine import Box, TextLine

#: Maximum gap between pieces of one printed value, in text heights.
MAX_WORD_GAP = 2.5

#: Letters of a value that may be taken for the end of a misread label before it.
MAX_STRAY_LETTERS = 2

#: Maximum vertical distance between the centres of two pieces in a row, in heights of the lower piece.
_MAX_ROW_OFFSET = 0.5

#: Aspect ratio from which a line is used for measuring the slope of the page.
_MIN_LONG_LINE = 4.0

#: A slope further than this from those of its neighbours (about 3 degrees) belongs to a bad box.
_MAX_SLOPE_OUTLIER = 0.05

#: Lines from which it is fitted how rows converge; fewer are taken for parallel.
_MIN_FITTED_LINES = 6

#: Rows are nowhere nearer together than this, relative to the centre of the page.
_MIN_WIDENING = 0.2


@dataclass(frozen=True, slots=True)
class Piece:
    """A text line with its position on the straightened page, in pixels."""

    line: TextLine
    left: float
    right: float
    #: Vertical centre.
    y: float
    height: float


#: Pieces side by side, from left to right.
Row: TypeAlias = tuple[Piece, ...]


def rows(lines: Iterable[TextLine]) -> tuple[Row, ...]:
    """Group text lines into rows, from top to bottom; lines without text are left out."""
    written = [line for line in lines if line.text.strip()]
    if not written:
        return ()
    straighten = _straightener(written)
    found: list[list[Piece]] = []
    for piece in sorted((straighten(line) for line in written), key=lambda piece: piece.left):
        near = [row for row in found if _continues(row[-1], piece)]
        if near:
            min(near, key=lambda row: abs(row[-1].y - piece.y)).append(piece)
        else:
            found.append([piece])
    return tuple(tuple(row) for row in sorted(found, key=lambda row: median(piece.y for piece in row)))


def row_text(row: Sequence[Piece]) -> str:
    """Return the texts of the pieces, separated by one blank."""
    return " ".join(piece.line.text for piece in row)


def row_after(row: Row, offset: int) -> Row:
    """Return the part of ``row`` from ``offset`` in its ``row_text`` on; a piece is split if needed.

    A later piece keeps the first letters of its first word: the label before it ended with other letters,
    which were misread.
    """
    rest: list[Piece] = []
    for piece in row:
        text = piece.line.text
        if offset <= 0 or (piece is not row[0] and _is_at_start_of_word(text, offset)):
            rest.append(piece)
        elif offset < len(text):
            rest.append(slice_piece(piece, offset, len(text)))
        offset -= len(text) + 1
    return tuple(rest)


def _is_at_start_of_word(text: str, offset: int) -> bool:
    """Whether an offset lies inside a text's first word, behind one or two letters."""
    before, after = text[:offset], text[offset : offset + 1]
    return after.isalnum() and 0 < sum(map(str.isalnum, before)) <= MAX_STRAY_LETTERS and before[-1].isalnum()


def row_before(row: Row, offset: int) -> Row:
    """Return the part of ``row`` up to ``offset`` in its ``row_text``; a piece is split if needed."""
    kept: list[Piece] = []
    for piece in row:
        if offset <= 0:
            break
        kept.append(slice_piece(piece, 0, offset) if offset < len(piece.line.text) else piece)
        offset -= len(piece.line.text) + 1
    return tuple(kept)


def first_run(row: Row) -> Row:
    """Return the first pieces of ``row``, up to the first wide gap."""
    for index in range(1, len(row)):
        if row[index].left - row[index - 1].right > MAX_WORD_GAP * row[index].height:
            return row[:index]
    return row


def join_pieces(pieces: Sequence[Piece]) -> TextLine:
    """Join pieces into one text line with the lowest of their confidences.

    The box of a single piece is kept; several pieces get their axis-aligned bounding box.
    """
    lines = [piece.line for piece in pieces]
    if len(lines) == 1:
        return lines[0]
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    top, bottom = min(line.top for line in lines), max(line.bottom for line in lines)
    box: Box = ((left, top), (right, top), (right, bottom), (left, bottom))
    text = single_spaced(" ".join(line.text for line in lines))
    return TextLine(text, min(line.confidence for line in lines), box)


def _straightener(lines: Sequence[TextLine]) -> Callable[[TextLine], Piece]:
    """Return a function that places a line on the straightened page."""
    centre = sum(_centre(line)[0] for line in lines) / len(lines)
    origin = min(line.top for line in lines)
    level, converging = _fit_slopes(lines, centre)

    def straighten(line: TextLine) -> Piece:
        (x1, y1), (x2, y2), (x3, y3), (x4, y4) = line.box
        x, y = _centre(line)
        # Where the row of this line crosses the centre: y = row + (level + converging * row) * (x - centre).
        row = (y - level * (x - centre)) / max(_MIN_WIDENING, 1 + converging * (x - centre))
        lean = (level + converging * origin) * (y - origin)
        height = max(1.0, (math.hypot(x4 - x1, y4 - y1) + math.hypot(x3 - x2, y3 - y2)) / 2)
        return Piece(line, (x1 + x4) / 2 + lean, (x2 + x3) / 2 + lean, row, height)

    return straighten


def _fit_slopes(lines: Sequence[TextLine], centre: float) -> tuple[float, float]:
    """Return the slope of rows (dy/dx) at y = 0, and how it grows with each pixel of y, both at the centre.

    Seen from one side, rows converge: the card's plane is fitted to its own text.
    """
    long = [line for line in lines if line.right - line.left > _MIN_LONG_LINE * _thickness(line)]
    slopes = [_slope(line) for line in long]
    if len(long) < _MIN_FITTED_LINES:
        return median(slopes) if slopes else 0.0, 0.0
    places = map(_centre, long)
    rows = [y - slope * (x - centre) for slope, (x, y) in zip(slopes, places, strict=True)]
    # The direction of a longer line is known better.
    converging, level = fit_line(rows, slopes, _MAX_SLOPE_OUTLIER, [line.right - line.left for line in long])
    return level, converging


def _centre(line: TextLine) -> tuple[float, float]:
    return sum(x for x, _ in line.box) / 4, sum(y for _, y in line.box) / 4


def _slope(line: TextLine) -> float:
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = line.box
    return ((y2 - y1) + (y3 - y4)) / max(1.0, (x2 - x1) + (x3 - x4))


def _thickness(line: TextLine) -> float:
    (_, y1), (_, y2), (_, y3), (_, y4) = line.box
    return max(1.0, ((y4 - y1) + (y3 - y2)) / 2)


def _continues(last: Piece, piece: Piece) -> bool:
    """Whether ``piece`` continues the row that ends with ``last``."""
    if abs(last.y - piece.y) > _MAX_ROW_OFFSET * min(last.height, piece.height):
        return False
    overlap = min(last.right, piece.right) - piece.left
    return overlap < 0.5 * min(last.right - last.left, piece.right - piece.left)


def slice_piece(piece: Piece, start: int, end: int) -> Piece:
    """Return the characters ``start`` to ``end`` of a piece, assuming that all are equally wide."""
    line = piece.line
    length = len(line.text)
    first, last = start / length, end / length
    top_left, top_right, bottom_right, bottom_left = line.box
    box: Box = (
        _interpolate(top_left, top_right, first),
        _interpolate(top_left, top_right, last),
        _interpolate(bottom_left, bottom_right, last),
        _interpolate(bottom_left, bottom_right, first),
    )
    width = piece.right - piece.left
    cut = TextLine(line.text[start:end], line.confidence, box)
    return Piece(cut, piece.left + width * first, piece.left + width * last, piece.y, piece.height)


def _interpolate(one: tuple[float, float], other: tuple[float, float], share: float) -> tuple[float, float]:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share
