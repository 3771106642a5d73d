"""Simulated scanner: the card lies slightly askew on the glass, with the page around it."""

import random
from dataclasses import dataclass

import cv2
import numpy as np

from devstack.camera import Picture, Span, noise, scaled_to, to_pixels
from devstack.printing import CARD_SIZE
from service.reading.ocr.engine import ColourImage

#: A4 (width, height) in pixels at 200 and at 300 dots per inch.
A4_AT_200, A4_AT_300 = (1654, 2339), (2480, 3508)


@dataclass(frozen=True, slots=True)
class Scanner:
    """Settings of a scanner."""

    #: (width, height) of what it scans, in pixels.
    page: tuple[int, int] = A4_AT_200
    #: Width of the card in pixels; 1011 is its own size at 300 dots per inch.
    card_width: Span = (992, 992)
    #: Degrees that the card lies askew, to either side.
    skew: float = 2.5
    #: Share of the page's free width and height that is left of the card, and above.
    left: Span = (0.4, 0.6)
    above: Span = (0.15, 0.25)
    #: Grey levels: standard deviation.
    noise: float = 4
    #: Blur in pixels, as standard deviation; 0 for none.
    blur: float = 0
    grey: bool = False


def scan(card: ColourImage, scanner: Scanner, rng: random.Random) -> Picture:
    """Scan ``card``, an edge-to-edge image of any size."""
    wide = rng.uniform(*scanner.card_width)
    if card.shape[1] > wide:
        smaller = (round(wide), round(wide * card.shape[0] / card.shape[1]))
        card = np.asarray(cv2.resize(card, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    turn = cv2.getRotationMatrix2D((0, 0), rng.uniform(-1, 1) * scanner.skew, wide / card.shape[1])
    free_width, free_height = scanner.page[0] - wide, scanner.page[1] - wide * CARD_SIZE[1] / CARD_SIZE[0]
    turn[:, 2] = (rng.uniform(*scanner.left) * free_width, rng.uniform(*scanner.above) * free_height)
    page = cv2.warpAffine(card, turn, scanner.page, flags=cv2.INTER_LINEAR, borderValue=(250, 251, 251))
    if scanner.blur:
        page = cv2.GaussianBlur(page, (0, 0), scanner.blur)
    if scanner.grey:
        page = cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    grainy = to_pixels(page.astype(np.float32) + noise(rng, scanner.page, scanner.noise))
    return Picture(grainy, np.vstack((turn, (0, 0, 1))) @ scaled_to(card))
