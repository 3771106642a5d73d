"""Detects print that crosses the edge of the picture, so that a part of the card is missing."""

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.quality.boxes import Boxes

#: Depth of the border that is searched, in line heights.
BORDER_DEPTH = 0.08

#: Maximum length of a stroke along the border, in line heights; longer dark parts are not letters.
MAX_STROKE_LENGTH = 1.2

#: As shares of the print's contrast: minimum contrast of a stroke on the border, and maximum difference of
#: the background there from that of the print, because a table is mostly darker.
MIN_STROKE_CONTRAST, MAX_BACKGROUND_DIFFERENCE = 0.5, 0.4

#: Grey levels. With less contrast the grain of a table looks like strokes.
MIN_CONTRAST = 40

#: Strokes on the upper or the lower side of the picture that distinguish print from dirt.
MIN_STROKES = 3

#: Distance from a box to the edge of the page, in line heights, up to which its letters may cross it.
REACH = 0.3

#: Corners of n lines, n x 4 x 2.
Corners: TypeAlias = npt.NDArray[np.float32]


def cuts_print(page: Image, boxes: Boxes, contrast: float) -> bool:
    """Whether letters cross an edge of the picture; ``contrast`` is that of the print, in grey levels.

    Rotating a page until it is level extends the picture's edge pixels in streaks, so letters that cross the
    picture's edge reach the page's edge too.
    """
    if contrast < MIN_CONTRAST:
        return False
    depth = max(1, round(BORDER_DEPTH * boxes.usual_height))
    left, top = boxes.corners.min(axis=(0, 1)).astype(int)
    right, bottom = boxes.corners.max(axis=(0, 1)).astype(int) + 1
    beside = page[top:bottom].swapaxes(0, 1)
    borders = (page[:depth, left:right], page[-depth:, left:right], beside[:depth], beside[-depth:])
    background = _background(page, boxes)
    max_length = round(MAX_STROKE_LENGTH * boxes.usual_height)
    return any(_count_strokes(border, background, contrast, max_length) >= MIN_STROKES for border in borders)


def cuts_lines(page: Image, boxes: Boxes, contrast: float) -> bool:
    """Whether letters of these lines cross an edge of the page; ``contrast`` is theirs, in grey levels."""
    reach = REACH * boxes.usual_height
    low, high = boxes.corners.min(axis=(0, 1)), boxes.corners.max(axis=(0, 1))
    if contrast < MIN_CONTRAST or (low.min() > reach and (page.shape[1::-1] - high).min() > reach + 1):
        return False
    background = _background(page, boxes)
    depth = max(1, round(BORDER_DEPTH * boxes.usual_height))
    max_length = round(MAX_STROKE_LENGTH * boxes.usual_height)
    for quarter in range(4):
        # Each edge in turn becomes the upper one.
        corners = _turned(boxes.corners, page, quarter)
        near = corners[..., 1].min(axis=1) <= reach
        if not near.any():
            continue
        left, right = int(corners[near][..., 0].min()), int(corners[near][..., 0].max()) + 1
        border = np.ascontiguousarray(np.rot90(page, quarter)[:depth, left:right])
        # One letter of a line crosses the left or the right edge, many cross the upper or the lower one.
        min_strokes = 1 if quarter % 2 else MIN_STROKES
        if _count_strokes(border, background, contrast, max_length) >= min_strokes:
            return True
    return False


def _turned(corners: Corners, page: Image, quarters: int) -> Corners:
    """Return points of a page after counterclockwise quarter turns of it, as by ``np.rot90``."""
    height, width = page.shape
    for _ in range(quarters):
        corners = np.stack((corners[..., 1], width - 1 - corners[..., 0]), axis=-1)
        height, width = width, height
    return corners


def _background(page: Image, boxes: Boxes) -> float:
    """Return the grey level of the background: the median at the corners of the boxes."""
    columns, rows = boxes.corners.reshape(-1, 2).astype(int).T
    return float(np.median(page[rows, columns]))


def _count_strokes(border: Image, background: float, contrast: float, max_length: int) -> int:
    """Count parts of a border (depth x length) as dark as print and at most ``max_length`` pixels long."""
    profile = np.asarray(cv2.reduce(border, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F), np.float32)
    around = cv2.morphologyEx(profile, cv2.MORPH_CLOSE, np.ones((1, max_length), np.uint8))
    alike = np.abs(around - background) < MAX_BACKGROUND_DIFFERENCE * contrast
    ink = alike & (around - profile > MIN_STROKE_CONTRAST * contrast)
    return int(np.count_nonzero(ink[0, 1:] > ink[0, :-1]))
