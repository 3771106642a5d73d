"""Text detection: finds the quadrilaterals around the lines of a page.

The network is PP-OCR's, a differentiable binarisation (Liao et al., 2020): for each pixel it gives the
probability of lying in the shrunken core of a line. Cores are boxed and expanded to the size of the line.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import RotatedRect

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import Quad
from service.reading.ocr.sessions import Network

#: Longest side of the network's input in pixels; larger pages are shrunk to it.
MAX_SIDE = 736

#: The same for a card that fills its page, whose print is large.
MAX_CARD_SIDE = 576

#: The text is detected a second time, enlarged, if it takes up at most this share of the page's longest side.
MAX_ZOOM_SHARE = 0.65

#: Probability from which a pixel belongs to a core.
PIXEL_THRESHOLD = 0.3

#: Minimum mean probability inside a core's box.
BOX_THRESHOLD = 0.5

#: A core is expanded by its area times this, divided by its perimeter (as in PP-OCR).
UNCLIP_RATIO = 1.6

#: Minimum thickness of a core in pixels of the network's output; thinner ones are specks.
MIN_THICKNESS = 3

#: Dilation that closes gaps of one pixel within a core.
GAP_KERNEL = np.ones((2, 2), np.uint8)


def find_lines(network: Network, page: Image, longest_side: int = MAX_SIDE) -> list[Quad]:
    """Return the lines of a page in no particular order: rotated rectangles, clipped to the page.

    The page is shrunk to ``longest_side`` pixels. If the text is small on the page (a card on a flatbed scan
    of A4, a photo from afar), it is detected again on that part of the page.

    Raises:
        EngineError: see ``Network.run``.
    """
    quads = _detect(network, page, longest_side)
    longest = max(page.shape)
    if not quads or longest <= longest_side:
        return quads
    left, top, right, bottom = _text_region(quads, page)
    if max(right - left, bottom - top) > MAX_ZOOM_SHARE * longest:
        return quads
    offset = np.array([left, top], np.float32)
    return [quad + offset for quad in _detect(network, page[top:bottom, left:right], longest_side)]


def _detect(network: Network, page: Image, longest_side: int) -> list[Quad]:
    height, width = page.shape
    scale = min(1.0, longest_side / max(height, width))
    size = network.sizes.page(width * scale, height * scale)
    resized = cv2.resize(page, size, interpolation=cv2.INTER_LINEAR)
    batch = np.asarray(cv2.dnn.blobFromImage(resized, 1 / 127.5, mean=(127.5,)), np.float32)
    quads = corners(find_boxes(network.run(batch)[0][0, 0])) * (width / size[0], height / size[1])
    return [*np.clip(quads, 0, (width - 1, height - 1)).astype(np.float32)]


def _text_region(quads: Sequence[Quad], page: Image) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the text, with a margin for lines that were not found yet.

    A block in the shape of a card is likely most of the card. A flatter one may be its title and number only;
    the rest then lies within about its length.
    """
    points = np.concatenate(quads)
    low, high = points.min(axis=0), points.max(axis=0)
    shorter, longer = sorted(high - low)
    margin = max(0.5 * longer, longer - shorter)
    left, top = (int(max(0, edge - margin)) for edge in low)
    right, bottom = (
        int(min(size, edge + margin)) for edge, size in zip(high, page.shape[1::-1], strict=True)
    )
    return left, top, right, bottom


def find_boxes(probability: npt.NDArray[np.float32]) -> list[RotatedRect]:
    """Return a box for every line in a probability map (height x width), in pixels of the map."""
    mask = cv2.dilate((probability > PIXEL_THRESHOLD).astype(np.uint8), GAP_KERNEL)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    cores = (cv2.minAreaRect(contour) for contour in contours if len(contour) > 2)
    return [
        _expanded(core)
        for core in cores
        if min(core[1]) >= MIN_THICKNESS and _mean_inside(probability, core) >= BOX_THRESHOLD
    ]


def _mean_inside(probability: npt.NDArray[np.float32], box: RotatedRect) -> float:
    points = cv2.boxPoints(box)
    # Plain floats: called for every core, and NumPy takes longer for four points.
    across, down = points.T.tolist()
    height, width = probability.shape
    left, right = max(0, math.floor(min(across))), min(width - 1, math.ceil(max(across)))
    top, bottom = max(0, math.floor(min(down))), min(height - 1, math.ceil(max(down)))
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillConvexPoly(mask, (points - (left, top)).astype(np.int32), 1)
    return cv2.mean(probability[top : bottom + 1, left : right + 1], mask)[0]


def _expanded(core: RotatedRect) -> RotatedRect:
    centre, (width, height), angle = core
    distance = width * height * UNCLIP_RATIO / (2 * (width + height))
    return centre, (width + 2 * distance, height + 2 * distance), angle


def corners(boxes: Sequence[RotatedRect]) -> npt.NDArray[np.float32]:
    """Return the corners of n boxes as n x 4 x 2, clockwise.

    The first corner is chosen so that the side from it to the second one points furthest to the right.
    """
    points = np.array([cv2.boxPoints(box) for box in boxes], np.float32).reshape(-1, 4, 2)
    sides = np.roll(points, -1, axis=1) - points
    start = np.argmax(sides[..., 0] / np.linalg.norm(sides, axis=2), axis=1)
    turned = (start[:, None] + np.arange(4)) % 4
    return np.take_along_axis(points, turned[..., None], axis=1)
