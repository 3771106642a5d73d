"""Print that runs out of the picture: a part of the card lies outside."""

import cv2
import numpy as np

from service.reading.ocr.engine import Image
from service.reading.quality.boxes import Boxes

#: Line heights: how deep the rim of the picture is that is looked at.
RIM = 0.08

#: Line heights: what is dark for longer, along the rim, is no letter.
MAX_STROKE = 1.2

#: Share of the print's contrast that a stroke on the rim has at least, and by which the ground there may
#: differ from that of the print: a table is mostly darker.
STROKE, OTHER_GROUND = 0.5, 0.4

#: Grey levels: with less contrast the grain of a table looks like strokes.
MIN_CONTRAST = 40

#: Strokes on one side that tell print from dirt.
MIN_STROKES = 3


def cuts_print(page: Image, boxes: Boxes, contrast: float) -> bool:
    """Whether letters lie across an edge of the picture; ``contrast`` is the print's, in grey levels.

    A page that was turned until it was level goes on beyond the picture's edge in streaks: letters that
    lie across that edge reach the page's edge too.
    """
    if contrast < MIN_CONTRAST:
        return False
    deep = max(1, round(RIM * boxes.usual_height))
    left, top = boxes.corners.min(axis=(0, 1)).astype(int)
    right, bottom = boxes.corners.max(axis=(0, 1)).astype(int) + 1
    beside = page[top:bottom].swapaxes(0, 1)
    rims = (page[:deep, left:right], page[-deep:, left:right], beside[:deep], beside[-deep:])
    ground = _ground(page, boxes)
    longest = round(MAX_STROKE * boxes.usual_height)
    return any(_strokes(rim, ground, contrast, longest) >= MIN_STROKES for rim in rims)


def _ground(page: Image, boxes: Boxes) -> float:
    """Return the grey level behind the print: what most corners of its boxes show."""
    columns, rows = boxes.corners.reshape(-1, 2).astype(int).T
    return float(np.median(page[rows, columns]))


def _strokes(rim: Image, ground: float, contrast: float, longest: int) -> int:
    """Count what is as dark as print and at most ``longest`` pixels long on a rim (depth x length)."""
    profile = np.asarray(cv2.reduce(rim, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F), np.float32)
    around = cv2.morphologyEx(profile, cv2.MORPH_CLOSE, np.ones((1, longest), np.uint8))
    alike = np.abs(around - ground) < OTHER_GROUND * contrast
    ink = alike & (around - profile > STROKE * contrast)
    return int(np.count_nonzero(ink[0, 1:] > ink[0, :-1]))
