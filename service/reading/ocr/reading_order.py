"""The order in which a person reads lines: row by row, each from left to right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.reading.ocr.engine import TextLine

#: Two pieces share a row when their centres are closer than this part of the thinner one's height.
SAME_ROW = 0.5

#: This part of the lines, the widest ones, tells how much the page is askew.
MAX_PART_WIDTH = 0.5


class _Placed(NamedTuple):
    """A line with its place on the page once that is level, in pixels."""

    middle: float
    along: float
    height: float
    line: TextLine


def in_reading_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """Sort lines top to bottom by rows, and left to right within a row; the page may be somewhat askew."""
    rows: list[list[_Placed]] = []
    for piece in sorted(_levelled(lines), key=lambda piece: piece.middle):
        if rows and _beside(piece, rows[-1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece.line for row in rows for piece in sorted(row, key=lambda piece: piece.along)]


def _levelled(lines: Sequence[TextLine]) -> list[_Placed]:
    boxes = np.array([line.box for line in lines]).reshape(-1, 4, 2)
    run = boxes[:, 1] - boxes[:, 0]
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    widest = np.argsort(-np.hypot(run[:, 0], run[:, 1]))[: max(1, int(len(boxes) * MAX_PART_WIDTH))]
    skew = np.median(np.arctan2(run[widest, 1], run[widest, 0])) if lines else 0.0
    x, y = boxes.mean(axis=1).T
    middles = y * np.cos(skew) - x * np.sin(skew)
    alongs = x * np.cos(skew) + y * np.sin(skew)
    return [_Placed(*place) for place in zip(middles, alongs, heights, lines, strict=True)]


def _beside(piece: _Placed, row: Sequence[_Placed]) -> bool:
    middle = sum(other.middle for other in row) / len(row)
    thinner = min(piece.height, *(other.height for other in row))
    return piece.middle - middle < SAME_ROW * thinner
