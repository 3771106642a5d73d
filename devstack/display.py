"""A phone's picture of a card that is shown on a display: the pixels of both beat into moiré."""

import random
from dataclasses import replace

import cv2
import numpy as np

from devstack.camera import Conditions, Picture, photograph, to_pixels
from service.reading.ocr.engine import ColourImage

#: Pixels of the picture for each pixel of the display: red, green and blue stripes and a dark grid.
_CELL = 3

_CONDITIONS = Conditions(
    fill=(0.78, 0.94),
    roll=4,
    tilt=8,
    light=(0.75, 1.0),
    slope=0.15,
    shade=(0, 0.1),
    glare=(0, 60),
    blur=(0.25, 0.6),
    noise=(2, 6),
    tint=0.1,
)


def photograph_display(card: ColourImage, rng: random.Random) -> Picture:
    """Show ``card`` on a display of visible pixels, and take a picture of that."""
    width = rng.randint(560, 900)
    shown = cv2.resize(
        card, (width, round(width * card.shape[0] / card.shape[1])), interpolation=cv2.INTER_AREA
    )
    lit = _as_lit(np.asarray(shown, np.uint8), rng)
    taken = rng.randint(800, 1500)
    conditions = replace(_CONDITIONS, sizes=((taken, round(0.7 * taken)),))
    # Sampled as it is: averaging would hide what a sensor's own grid does with the display's.
    return photograph(lit, conditions, rng, shrink=False)


def _as_lit(shown: ColourImage, rng: random.Random) -> ColourImage:
    """Every pixel as three stripes of one colour each, with a dark line below."""
    cells = np.repeat(np.repeat(shown, _CELL, axis=0), _CELL, axis=1).astype(np.float32)
    height, width = cells.shape[:2]
    purity, gap = rng.uniform(0.12, 0.35), rng.uniform(0.1, 0.35)
    mask = np.ones((height, width, 3), np.float32)
    for column in range(_CELL):
        # Blue, green, red from the right, as OpenCV orders them.
        mask[:, column::_CELL] = 1 - purity
        mask[:, column::_CELL, _CELL - 1 - column] = 1 + 2 * purity
    mask[_CELL - 1 :: _CELL] *= 1 - gap
    return to_pixels(cells * mask)
