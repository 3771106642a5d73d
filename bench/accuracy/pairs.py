"""Two cards in one file: on one sheet from a scanner, or each on a page of a PDF."""

import random
from collections.abc import Sequence

import numpy as np

from bench.accuracy.taken import Taken, as_jpeg
from devstack import degrade
from devstack.camera import Picture
from devstack.scanner import Scanner, scan
from service.reading.ocr.engine import ColourImage

#: One half of an A4 sheet at 200 dots per inch, a card on it enlarged as copies of cards are.
_HALF = Scanner(
    page=(1654, 1169), card_width=(900, 1180), left=(0.1, 0.9), above=(0.1, 0.6), noise=3, blur=0.5
)


def together(cards: Sequence[ColourImage], asked: int, rng: random.Random) -> Taken:
    """Put two cards into one file; what is shown is the sheet or the page with the one that is ``asked``."""
    pages = [scan(card, _HALF, rng) for card in cards]
    if rng.random() < 0.5:
        content = degrade.encode_pdf(*(page.image for page in pages))
        return Taken(content, "pdf", pages[asked], "two pages")
    sheet = np.vstack([page.image for page in pages])
    below = np.array([[1, 0, 0], [0, 1, asked * _HALF.page[1]], [0, 0, 1]], np.float64)
    return as_jpeg(Picture(sheet, below @ pages[asked].place), rng.randint(75, 92), "one sheet")
