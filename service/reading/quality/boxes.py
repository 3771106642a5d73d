"""Boxes of the text lines of a page, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image, TextLine

#: Assumed line height on a page without any line, as a share of the longest side: that of a card that fills
#: most of its picture.
USUAL_HEIGHT = 0.03


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of the n lines of a page."""

    #: n x 4 x 2 (x, y), clockwise from the text's top left, in pixels, within the page.
    corners: npt.NDArray[np.float32]
    #: In pixels, n each.
    widths: npt.NDArray[np.float32]
    heights: npt.NDArray[np.float32]
    #: Median of ``heights``.
    usual_height: float


def boxes_of(page: Image, lines: Sequence[TextLine]) -> Boxes:
    """Return the boxes of ``lines``; corners outside the page are moved to its edge."""
    given = np.array([line.box for line in lines], np.float32).reshape(-1, 4, 2)
    corners = np.clip(given, 0, np.array(page.shape[1::-1], np.float32) - 1)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    heights = np.maximum(1, sides[:, 1::2].max(axis=1))
    usual = float(np.median(heights)) if lines else max(1, USUAL_HEIGHT * max(page.shape))
    return Boxes(corners, sides[:, ::2].max(axis=1), heights, usual)
