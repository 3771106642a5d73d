"""Flattens a card that lies on something, as if it had been scanned."""

import cv2
import numpy as np

from service.reading.ocr.engine import Image, Matrix
from service.reading.ocr.geometry import Quad, quad_size

#: Longer side over shorter one of an ID-1 card (ISO/IEC 7810: 85.6 x 54 mm).
CARD_ASPECT = 85.6 / 53.98

#: Width limit of a flattened card in pixels: the recogniser uses no more.
MAX_CARD_WIDTH = 1280

#: A card that is so many times wider than its flattened image is shrunk before the warp.
MAX_WARP_SHRINK = 1.6


def flatten(page: Image, card: Quad) -> Image:
    """Return the card as seen from above, a long side at the bottom, as wide as it is on the page."""
    width = min(MAX_CARD_WIDTH, round(quad_size(card)[0]))
    height = round(width / CARD_ASPECT)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # A warp samples single pixels, so a much larger card is shrunk first.
    if quad_size(card)[0] > MAX_WARP_SHRINK * width:
        (left, top), (right, bottom) = (
            card.min(axis=0).clip(0).astype(int),
            np.ceil(card.max(axis=0)).astype(int),
        )
        page = np.asarray(
            cv2.resize(page[top:bottom, left:right], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            np.uint8,
        )
        card = np.asarray((card - (left, top)) / 2, np.float32)
    flat = cv2.warpPerspective(page, cv2.getPerspectiveTransform(card, target), (width, height))
    return np.asarray(flat, np.uint8)


def unflatten_matrix(flat: Image, card: Quad) -> Matrix:
    """Return the homography from a flattened card to the page that it was flattened from."""
    height, width = flat.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, np.asarray(card, np.float32)), np.float64)
