"""Measures the gaps between the characters of a line on its pixels, in cap heights."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image

#: Side in pixels of the window in which ink is told from its ground: wider than a stroke of a line 48 high.
_STROKE = 15

#: Share of the highest mean of a row from which a row is part of the capitals.
_CAPITAL_ROW = 0.4

#: A column with this share of the ink around it, within so many cap heights, is full.
_FULL, _AROUND = 0.8, 0.8

#: Share of the line's usual ink that the ink around a column has at least, and grey levels.
_MIN_AROUND, _MIN_INK = 0.35, 8


def measure_gaps(strip: Image, middles: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return the empty space between each two neighbouring characters, in cap heights.

    ``strip`` is the straightened line, about 48 pixels high; ``middles`` are those of its characters as
    shares of its width. Columns count by how empty they are, so that soft print measures like sharp print.
    """
    ink, cap_height = _columns(strip)
    empty = np.concatenate(([0.0], np.cumsum(1.0 - ink)))
    at = np.asarray(middles, np.float64) * strip.shape[1]
    return np.asarray(np.diff(np.interp(at, np.arange(len(empty)), empty)) / cap_height, np.float64)


def _columns(strip: Image) -> tuple[npt.NDArray[np.float32], int]:
    """Return the ink of each column, 0 to 1, and the height of the capitals in pixels."""
    ink = cv2.morphologyEx(strip, cv2.MORPH_BLACKHAT, np.ones((_STROKE, _STROKE), np.uint8)).astype(
        np.float32
    )
    rows = ink.mean(axis=1)
    capitals = np.flatnonzero(rows >= _CAPITAL_ROW * rows.max())
    top, bottom = int(capitals[0]), int(capitals[-1]) + 1
    # The highest of a column, not its mean: the foot of an L is ink as well.
    highest = cv2.blur(ink[top:bottom], (1, 3)).max(axis=0)
    around = cv2.dilate(highest[None], np.ones((1, int(_AROUND * (bottom - top)) | 1), np.uint8))[0]
    around = np.maximum(around, max(_MIN_INK, _MIN_AROUND * float(np.percentile(highest, 90))))
    return np.asarray(np.clip(highest / around / _FULL, 0, 1), np.float32), bottom - top
