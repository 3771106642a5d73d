"""Measures the gaps between the characters of a line on its pixels, in cap heights.

Between words of a real KTP a gap is 0.32, 0.47 and 0.63 cap heights wide (10th, 50th and 90th percentile),
between letters 0.06, 0.12 and 0.21. In a small picture such a blank is narrower than one step of the
recogniser, which loses it while the pixels still show it.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.ocr.recognition import LineText

#: Empty space in cap heights that a character leaves on its left and right in Arial, the face of the KTP: two
#: letters H stand further apart than A and V.
_LEFT_SIDE = {
    **dict.fromkeys("BDEFHIKLMNPRU", 0.12),
    **dict.fromkeys("ATVWXYZJ", 0.02),
}
_RIGHT_SIDE = {
    **dict.fromkeys("GHIJMNU", 0.12),
    **dict.fromkeys("AKTVWXYZ", 0.02),
}
_OTHER_SIDE = 0.07

#: Side in pixels of the window in which ink is told from its ground: wider than a stroke of a line 48 high.
_STROKE = 15

#: Share of the highest mean of a row from which a row is part of the capitals.
_CAPITAL_ROW = 0.4

#: A column with this share of the ink around it, within so many cap heights, is full.
_FULL, _AROUND = 0.8, 0.8

#: Share of the line's usual ink that the ink around a column has at least, and grey levels.
_MIN_AROUND, _MIN_INK = 0.35, 8


def with_gaps(line: LineText, strip: Image) -> LineText:
    """Return the line with the gaps between its adjacent letters, as measured on its straightened image."""
    places = [
        (offset, one.middle)
        for offset, one in enumerate(line.characters)
        if one.middle is not None and not one.text.isspace()
    ]
    text = line.text
    widths = measure_gaps(strip, [middle for _, middle in places])
    excess = {
        after: width - _RIGHT_SIDE.get(text[before], _OTHER_SIDE) - _LEFT_SIDE.get(text[after], _OTHER_SIDE)
        for (before, _), (after, _), width in zip(places, places[1:], widths, strict=False)
        if after == before + 1
    }
    if not excess:
        return line
    usual = float(np.median([*excess.values()]))
    characters = tuple(
        one._replace(gap=float(excess[offset]) - usual) if offset in excess else one
        for offset, one in enumerate(line.characters)
    )
    return replace(line, characters=characters)


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
