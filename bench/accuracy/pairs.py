"""Two cards in one file: on one sheet from a scanner, each on a page of a PDF, or on one photo."""

import random
from collections.abc import Sequence

import numpy as np

from bench.accuracy.taken import Taken, as_jpeg
from devstack import degrade
from devstack.camera import Conditions, Picture, photograph
from devstack.scanner import Scanner, scan
from service.reading.ocr.engine import ColourImage

#: One half of an A4 sheet at 200 dots per inch, a card on it enlarged as copies of cards are.
_HALF = Scanner(
    page=(1654, 1169), card_width=(900, 1180), left=(0.1, 0.9), above=(0.1, 0.6), noise=3, blur=0.5
)

#: A phone held upright over a table.
_TABLE = Conditions(
    sizes=((1440, 1920), (1500, 2000), (1200, 1600)),
    fill=(0.8, 0.94),
    roll=8,
    tilt=12,
    light=(0.7, 1.02),
    slope=0.25,
    shade=(0, 0.25),
    glare=(0, 40),
    blur=(0.6, 1.2),
    shake=(0, 1.4),
    noise=(2, 6),
    tint=0.08,
)


def together(cards: Sequence[ColourImage], asked: int, rng: random.Random) -> Taken:
    """Put two cards into one file; what is shown is the picture with the one that is ``asked``."""
    if rng.random() < 1 / 3:
        photo = photograph(cards[asked], _TABLE, rng, other=cards[1 - asked])
        return as_jpeg(photo, rng.randint(72, 92), "one photo")
    pages = [scan(card, _HALF, rng) for card in cards]
    if rng.random() < 0.5:
        content = degrade.encode_pdf(*(page.image for page in pages))
        return Taken(content, "pdf", pages[asked], "two pages")
    sheet = np.vstack([page.image for page in pages])
    below = np.array([[1, 0, 0], [0, 1, asked * _HALF.page[1]], [0, 0, 1]], np.float64)
    return as_jpeg(Picture(sheet, below @ pages[asked].place), rng.randint(75, 92), "one sheet")
