"""Wear and mishaps of a card and of its picture: rubbed print, scratches, laminate, a bleached portrait."""

import math
import random

import cv2
import numpy as np
import numpy.typing as npt

from devstack.camera import to_pixels
from devstack.printing import CARD_SIZE
from service.reading.ocr.engine import ColourImage

#: Where the portrait of a KTP stands, and what is right of its values: left, top, right, bottom as shares.
_PORTRAIT = (0.76, 0.235, 0.962, 0.655)


def rub(card: ColourImage, rng: random.Random, strength: float) -> ColourImage:
    """Fade print in blotches towards its ground, by ``strength`` (0 to 1) where it is worst."""
    height, width = card.shape[:2]
    # The brightest neighbour of print is its ground.
    ground = cv2.blur(cv2.dilate(card, np.ones((21, 21), np.uint8)), (15, 15))
    blotches = _clouds(rng, (width, height), 9)
    share = (strength * np.clip((blotches - 0.5) * 3, 0, 1))[..., None]
    return to_pixels(card * (1 - share) + ground * share)


def scratch(card: ColourImage, rng: random.Random, count: int) -> ColourImage:
    """Draw thin scratches, most of them lighter than the print and some darker than the ground."""
    height, width = card.shape[:2]
    marks = card.copy()
    for _ in range(count):
        x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, math.pi)
        length, bend = rng.uniform(0.05, 0.5) * width, rng.uniform(-0.3, 0.3)
        points = [
            (
                x + length * t * math.cos(angle + bend * t),
                y + length * t * math.sin(angle + bend * t),
            )
            for t in (0, 0.25, 0.5, 0.75, 1)
        ]
        level = rng.choice((245, 235, 220, 120))
        line = np.rint(points).astype(np.int32)
        cv2.polylines(marks, [line], False, (level, level, level), rng.choice((1, 1, 2)), cv2.LINE_AA)
    share = rng.uniform(0.4, 0.8)
    return np.asarray(cv2.addWeighted(marks, share, card, 1 - share, 0), np.uint8)


def bleach_portrait(card: ColourImage, rng: random.Random) -> ColourImage:
    """Lighten the portrait of a KTP, as flash and old laminate do."""
    height, width = card.shape[:2]
    left, top, right, bottom = (
        round(edge * size) for edge, size in zip(_PORTRAIT, (width, height) * 2, strict=True)
    )
    pale = card.astype(np.float32)
    pale[top:bottom, left:right] = pale[top:bottom, left:right] * 0.6 + rng.uniform(90, 150)
    return to_pixels(pale)


def haze(card: ColourImage, rng: random.Random, share: float) -> ColourImage:
    """Cover the card with cloudy laminate, whose white takes up to ``share`` of the picture."""
    height, width = card.shape[:2]
    veil = (share * _clouds(rng, (width, height), 5))[..., None]
    return to_pixels(card * (1 - veil) + 238 * veil)


def flash(card: ColourImage, rng: random.Random, *, beside_values: bool) -> ColourImage:
    """Burn out a spot of the laminate; ``beside_values`` keeps it over the portrait or the margin."""
    height, width = card.shape[:2]
    x, y = rng.uniform(0.05, 0.95), rng.uniform(0.1, 0.95)
    if beside_values:
        x, y = rng.uniform(0.8, 1), rng.uniform(0.2, 1)
    across, down = rng.uniform(0.02, 0.07) * width, rng.uniform(0.02, 0.06) * width
    rows, columns = np.mgrid[0:height:4, 0:width:4].astype(np.float32)
    distance = ((columns - x * width) / across) ** 2 + ((rows - y * height) / down) ** 2
    spot = cv2.resize(np.exp(-distance), (width, height), interpolation=cv2.INTER_LINEAR)
    return to_pixels(card.astype(np.float32) + rng.uniform(100, 260) * spot[..., None])


def hold_corner(picture: ColourImage, rng: random.Random) -> ColourImage:
    """Lay a fingertip over the lower right corner of a picture of a card."""
    height, width = picture.shape[:2]
    held = picture.copy()
    skin = rng.choice(((150, 184, 222), (112, 150, 198), (86, 120, 170)))
    centre = (round(width * rng.uniform(0.98, 1.02)), round(height * rng.uniform(0.97, 1.05)))
    axes = (round(0.09 * width), round(0.055 * width))
    cv2.ellipse(held, centre, axes, rng.uniform(15, 60), 0, 360, skin, -1, cv2.LINE_AA)
    return held


def _clouds(rng: random.Random, size: tuple[int, int], cells: int) -> npt.NDArray[np.float32]:
    """Smooth random values from 0 to 1, with about ``cells`` clouds across the width."""
    generator = np.random.default_rng(rng.getrandbits(64))
    rows = max(3, round(cells * CARD_SIZE[1] / CARD_SIZE[0]))
    values = generator.random((rows, cells), dtype=np.float32)
    return np.clip(cv2.resize(values, size, interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)
