"""Places on a page as its viewers show it, for those who show where a field stands."""

import cv2
import numpy as np

from service.reading.ocr.engine import Box, Matrix


def place_on_page(box: Box, to_page: Matrix, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the rectangle around a box, as shares of the page, 0 to 1.

    Parameters:
        to_page: 3 x 3, from pixels of the box to those of the page
        size: width and height of the page in pixels
    """
    corners = cv2.perspectiveTransform(np.array([box], np.float64), to_page)[0] / np.array(size)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return tuple(float(min(1.0, max(0.0, share))) for share in (left, top, right, bottom))  # type: ignore[return-value]
