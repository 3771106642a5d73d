"""The named levels: what a card goes through before it is sent, from clean to hardly readable.

On every level but ``hard`` and ``small`` a person can read each contract field in the file that is sent.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

import cv2
import numpy as np

from bench.accuracy import lifelike
from bench.accuracy.taken import Taken, as_jpeg
from devstack import degrade
from devstack.camera import Conditions, Picture, photograph, scaled_to, to_pixels
from devstack.scanner import A4_AT_200, A4_AT_300, Scanner, scan
from service.reading.documents.reasons import MIRRORED, SEVERAL_CARDS
from service.reading.ocr.engine import ColourImage

Level: TypeAlias = Literal[
    "flat", "scan", "photo", "hard", "turned", "pdf",
    "cropped", "messenger", "app", "worn", "small", "foreigner", "copy", "screen",
    "mirrored", "pair", "couple",
]  # fmt: skip

#: Levels whose cards print what real ones do: close words, abbreviations, long names and places.
LIFELIKE: frozenset[Level] = frozenset(
    (
        *("cropped", "messenger", "app", "worn", "small", "foreigner", "copy", "screen"),
        *("mirrored", "pair", "couple"),
    )
)

#: Levels whose files a person must see, with the reason for review that they must get.
MUST_REVIEW: Mapping[Level, str] = {"couple": SEVERAL_CARDS, "mirrored": MIRRORED}

#: Pictures of phones, as sent after the app or a messenger shrank them: (width, height).
_PHONE_PICTURES = ((1600, 1200), (1920, 1440), (2000, 1500), (1920, 1080), (1440, 1920))

#: A kitchen table, a hand that is not quite steady, whatever lamp there is.
PHOTO = Conditions(
    sizes=_PHONE_PICTURES,
    fill=(0.7, 0.94),
    roll=12,
    tilt=16,
    light=(0.62, 1.02),
    slope=0.3,
    shade=(0, 0.3),
    glare=(0, 45),
    blur=(0.6, 1.35),
    shake=(0, 1.6),
    noise=(2, 6),
    tint=0.08,
)

#: What makes a picture hard; each takes two of these on top of ``PHOTO``.
AILMENTS: Mapping[str, Callable[[Conditions], Conditions]] = {
    "steep": lambda usual: replace(usual, tilt=38, roll=25),
    "far": lambda usual: replace(usual, sizes=((1280, 960), (1024, 768)), fill=(0.45, 0.62)),
    "soft": lambda usual: replace(usual, blur=(1.8, 2.8)),
    "shaken": lambda usual: replace(usual, shake=(3.5, 7)),
    "glare": lambda usual: replace(usual, glare=(110, 230), glare_radius=0.13),
    "shade": lambda usual: replace(usual, shade=(0.45, 0.7), light=(0.45, 0.8), noise=(4, 8)),
    "coarse": lambda usual: replace(usual, noise=(8, 14)),
}

#: Widths in pixels of small photos, and what else they suffer; a cloth hides the outline of the card.
_SMALL_WIDTHS = (450, 500)
_SMALL = replace(PHOTO, fill=(0.78, 0.96), blur=(0.6, 1.6), noise=(4, 10), cloth=(10, 60))

#: JPEG qualities from the lowest to the highest, of usual pictures and of coarse ones.
_USUAL_QUALITY, _COARSE_QUALITY = (68, 92), (22, 40)

#: Scans: a part of the glass; a copy enlarged on A4; a whole A4 page with the card at its own size.
_CROPPED = Scanner(card_width=(760, 1011), left=(0.1, 0.9), above=(0.1, 0.9))
_ENLARGED = Scanner(card_width=(830, 1180), left=(0.1, 0.9), above=(0.1, 0.6))
_WHOLE_PAGE = Scanner(page=A4_AT_300, card_width=(1005, 1016), left=(0.05, 0.95), above=(0.03, 0.6))


def take(card: ColourImage, level: Level, rng: random.Random) -> Taken:
    """Send an edge-to-edge ``card`` through ``level``."""
    return _LEVELS[level](card, rng)


def _flat(card: ColourImage, rng: random.Random) -> Taken:
    picture = _cut_out(card, rng)
    if rng.random() < 0.25:
        return Taken(degrade.encode_png(picture.image), "png", picture, "png")
    return as_jpeg(picture, rng.randint(80, 95), "jpeg")


def _scan(card: ColourImage, rng: random.Random) -> Taken:
    return as_jpeg(_scanned(card, rng), rng.randint(72, 92), "scan")


def _photo(card: ColourImage, rng: random.Random) -> Taken:
    return as_jpeg(photograph(card, PHOTO, rng), rng.randint(*_USUAL_QUALITY), "photo")


def _hard(card: ColourImage, rng: random.Random) -> Taken:
    chosen = rng.sample(sorted(AILMENTS), 2)
    conditions = PHOTO
    for ailment in chosen:
        conditions = AILMENTS[ailment](conditions)
    quality = rng.randint(*(_COARSE_QUALITY if "coarse" in chosen else _USUAL_QUALITY))
    return as_jpeg(photograph(card, conditions, rng), quality, ", ".join(chosen))


def _small(card: ColourImage, rng: random.Random) -> Taken:
    """A small, noisy, coarsely compressed photo of a card on a dark cloth."""
    width = rng.randint(*_SMALL_WIDTHS)
    size = (width, round(width * rng.choice((0.75, 0.75, 4 / 3))))
    picture = photograph(card, replace(_SMALL, sizes=(size,)), rng)
    return as_jpeg(picture, rng.randint(35, 65), "small")


def _turned(card: ColourImage, rng: random.Random) -> Taken:
    """A clean picture the wrong way round: half of them say so in EXIF, half say nothing."""
    upright = _cut_out(card, rng) if rng.random() < 0.5 else photograph(card, degrade.STEADY, rng)
    degrees = rng.choice((90, 180, 270))
    picture = _turned_by(upright, degrees)
    quality = rng.randint(80, 92)
    if rng.random() < 0.5:
        return as_jpeg(picture, quality, f"{degrees} degrees")
    # What turns the pixels back is the rest of the full turn.
    note = {
        90: degrade.EXIF_TURN_COUNTERCLOCKWISE,
        180: degrade.EXIF_TURN_HALF,
        270: degrade.EXIF_TURN_CLOCKWISE,
    }[degrees]
    return as_jpeg(picture, quality, f"{degrees} degrees, noted in EXIF", note)


def _mirrored(card: ColourImage, rng: random.Random) -> Taken:
    """A front camera's picture, saved as its display shows it."""
    seen = photograph(card, PHOTO, rng)
    flip = np.array([[-1, 0, seen.image.shape[1]], [0, 1, 0], [0, 0, 1]], np.float64)
    picture = Picture(np.asarray(cv2.flip(seen.image, 1), np.uint8), flip @ seen.place)
    return as_jpeg(picture, rng.randint(*_USUAL_QUALITY), "mirrored")


def _pdf(card: ColourImage, rng: random.Random) -> Taken:
    """A scanner's PDF; one in five has an empty second page."""
    page = _scanned(card, rng)
    resolution = 300.0 if page.image.shape[1] == A4_AT_300[0] else 200.0
    empty = [np.full_like(page.image, 252)] if rng.random() < 0.2 else []
    content = degrade.encode_pdf(page.image, *empty, resolution=resolution)
    return Taken(content, "pdf", page, f"{resolution:.0f} dpi, {1 + len(empty)} pages")


_LEVELS: Mapping[Level, Callable[[ColourImage, random.Random], Taken]] = {
    "flat": _flat,
    "scan": _scan,
    "photo": _photo,
    "hard": _hard,
    "turned": _turned,
    "pdf": _pdf,
    "cropped": lifelike.cropped,
    "messenger": lifelike.messenger,
    "app": lifelike.app,
    "worn": lifelike.worn,
    "small": _small,
    "foreigner": lifelike.foreigner,
    "copy": lifelike.copy,
    "screen": lifelike.screen,
    "mirrored": _mirrored,
}

#: ``pair`` and ``couple`` are files with two cards, made by ``samples``.
LEVELS: tuple[Level, ...] = (*_LEVELS, "pair", "couple")


def _cut_out(card: ColourImage, rng: random.Random) -> Picture:
    """Edge to edge as an app's frame cuts it, a little lighter or darker, warmer or cooler."""
    width = rng.randint(900, 1600)
    shape = (width, round(width * card.shape[0] / card.shape[1]))
    smaller = cv2.resize(card, shape, interpolation=cv2.INTER_AREA).astype(np.float32)
    gains = np.array([1 + rng.uniform(-0.04, 0.04) for _ in range(3)], np.float32)
    image = to_pixels(smaller * gains * rng.uniform(0.85, 1.02) + rng.uniform(0, 12))
    return Picture(image, scaled_to(image))


def _scanned(card: ColourImage, rng: random.Random) -> Picture:
    scanner = rng.choice((_CROPPED, _ENLARGED, _ENLARGED, _WHOLE_PAGE))
    if scanner is _CROPPED:
        scanner = replace(scanner, page=(rng.randint(1250, 1754), rng.randint(1000, 1240)))
    elif scanner is _ENLARGED:
        scanner = replace(scanner, page=A4_AT_200)
    return scan(
        card,
        replace(scanner, grey=rng.random() < 0.3, blur=rng.uniform(0.3, 0.7), noise=rng.uniform(2, 5)),
        rng,
    )


def _turned_by(upright: Picture, degrees: int) -> Picture:
    height, width = upright.image.shape[:2]
    # A quarter turn clockwise takes (x, y) to (height - y, x).
    quarter = {90: [[0, -1, height], [1, 0, 0]], 180: [[-1, 0, width], [0, -1, height]]}
    turn = np.array([*quarter.get(degrees, [[0, 1, 0], [-1, 0, width]]), [0, 0, 1]], np.float64)
    return Picture(degrade.turned(upright.image, degrees), turn @ upright.place)
