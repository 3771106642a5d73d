"""Sorts lines into reading order: row by row, each from left to right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.reading.ocr.engine import TextLine

#: Two lines share a row if their centres are closer than this share of the thinner one's height.
MAX_ROW_OFFSET = 0.5

#: Share of the lines, the widest ones, that the skew is measured on.
SKEW_SHARE = 0.5


class _Placed(NamedTuple):
    """A line with its centre on the levelled page, in pixels."""

    y: float
    x: float
    height: float
    line: TextLine


def in_reading_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """Sort lines by rows from top to bottom, and from left to right within a row; some skew is allowed."""
    rows: list[list[_Placed]] = []
    for piece in sorted(_levelled(lines), key=lambda piece: piece.y):
        if rows and _in_row(piece, rows[-1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece.line for row in rows for piece in sorted(row, key=lambda piece: piece.x)]


def _levelled(lines: Sequence[TextLine]) -> list[_Placed]:
    boxes = np.array([line.box for line in lines]).reshape(-1, 4, 2)
    run = boxes[:, 1] - boxes[:, 0]
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    widest = np.argsort(-np.hypot(run[:, 0], run[:, 1]))[: max(1, int(len(boxes) * SKEW_SHARE))]
    skew = np.median(np.arctan2(run[widest, 1], run[widest, 0])) if lines else 0.0
    x, y = boxes.mean(axis=1).T
    level_y = y * np.cos(skew) - x * np.sin(skew)
    level_x = x * np.cos(skew) + y * np.sin(skew)
    return [_Placed(*place) for place in zip(level_y, level_x, heights, lines, strict=True)]


def _in_row(piece: _Placed, row: Sequence[_Placed]) -> bool:
    middle = sum(other.y for other in row) / len(row)
    thinner = min(piece.height, *(other.height for other in row))
    return piece.y - middle < MAX_ROW_OFFSET * thinner
