"""Geometry of quadrilaterals around text: measuring, rotating, and cutting lines out of a page."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image, Matrix

#: Corners of a line, 4 x 2, clockwise from its top left, in pixels of the page.
Quad: TypeAlias = npt.NDArray[np.float32]

#: A line that is so many times higher than requested is shrunk in a second step.
MAX_WARP_SHRINK = 1.6

_ROTATIONS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


def quad_size(quad: Quad) -> tuple[float, float]:
    """Return width and height of a quadrilateral: the longer of each pair of opposite sides."""
    # Called a hundred times per card: for four points plain floats take a tenth of NumPy's time.
    one, two, three, four = quad.tolist()
    return max(math.dist(one, two), math.dist(three, four)), max(math.dist(two, three), math.dist(four, one))


def widen(quad: Quad, share: float) -> Quad:
    """Move a line's ends outwards by a share of its height."""
    across, down = quad_size(quad)
    along = (quad[[1, 1, 2, 2]] - quad[[0, 0, 3, 3]]) * (share * down / max(across, 1.0))
    return np.asarray(quad + along * np.array([[-1], [1], [1], [-1]]), np.float32)


def turn_page(page: Image, turns: int) -> Image:
    """Rotate a page by clockwise quarter turns, 0 to 3."""
    if not turns:
        return page
    return np.asarray(cv2.rotate(page, _ROTATIONS[turns]), np.uint8)


def turn_matrix(page: Image, turns: int) -> Matrix:
    """Return the homography that clockwise quarter turns apply to the pixels of a page."""
    matrix = np.eye(3)
    height, width = page.shape
    for _ in range(turns):
        # (x, y) goes to (height - 1 - y, x).
        matrix = np.array([[0, -1, height - 1], [1, 0, 0], [0, 0, 1]]) @ matrix
        height, width = width, height
    return matrix


def turn_quad(quad: Quad, turns: int) -> Quad:
    """Reorder the corners so that the first one is the top left after clockwise quarter turns of the page."""
    return np.roll(quad, turns, axis=0)


def level_page(page: Image, quads: Sequence[Quad], skew: float) -> tuple[Image, list[Quad]]:
    """Rotate a page whose lines fall by ``skew`` degrees until they are level; the page grows to fit."""
    matrix, size = level_matrix(page, skew)
    level = cv2.warpAffine(page, matrix[:2], size, borderMode=cv2.BORDER_REPLICATE)
    turned = [np.asarray(quad @ matrix[:2, :2].T + matrix[:2, 2], np.float32) for quad in quads]
    return np.asarray(level, np.uint8), turned


def level_matrix(page: Image, skew: float) -> tuple[Matrix, tuple[int, int]]:
    """Return the homography of ``level_page``, and the width and height of the page that it makes."""
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), skew, 1)
    cosine, sine = np.abs(matrix[0, :2])
    wider, higher = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (wider - width) / 2, (higher - height) / 2
    return np.vstack((matrix, (0, 0, 1))), (wider, higher)


def cut_line(
    page: Image,
    quad: Quad,
    height: int,
    max_width: int,
    squeeze: float = 1.0,
    fit_width: Callable[[int], int] = int,
) -> Image:
    """Cut a line out of the page and straighten it.

    The result is ``height`` pixels high. Its width keeps the line's aspect ratio, times ``squeeze``, within 8
    to ``max_width`` pixels; ``fit_width`` may change that width.
    """
    across, down = quad_size(quad)
    width = fit_width(min(max(8, math.ceil(height * across / down * squeeze)), max_width))
    # A warp samples single pixels, so much larger print is straightened at its own size and then shrunk.
    if down > MAX_WARP_SHRINK * height:
        straight = _warp(page, quad, max(8, int(across)), int(down))
        return np.asarray(cv2.resize(straight, (width, height)), np.uint8)
    return _warp(page, quad, width, height)


def _warp(page: Image, quad: Quad, width: int, height: int) -> Image:
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    line = cv2.warpPerspective(page, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, np.uint8)
