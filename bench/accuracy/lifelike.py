"""Levels that look like the pictures people really send: cropped by a phone, forwarded, scanned by an app.

Sizes, margins, softness and light follow what was measured on 60 real pictures; ``realism`` compares both.
"""

import math
import random
from dataclasses import replace

import cv2
import numpy as np

from bench.accuracy.taken import Taken, as_jpeg
from devstack import display, wear
from devstack.camera import Conditions, Picture, map_points, photograph, to_pixels
from devstack.printing import CARD_SIZE
from devstack.scanner import Scanner, scan
from service.reading.ocr.engine import ColourImage

#: Width in pixels of the card in a picture: median, spread of its logarithm, least and most.
_WIDTH, _WIDTH_SPREAD, _WIDTHS = 880, 0.31, (480, 1350)

#: By how much a picture is wider than the card in it, on each side as a share of the card's width: mean,
#: standard deviation, least and most. Below 0 the crop cuts into the card, on the left through labels.
_LEFT, _RIGHT = (-0.010, 0.017, -0.04, 0.05), (-0.003, 0.016, -0.03, 0.05)
_ABOVE, _BELOW = (-0.009, 0.012, -0.02, 0.04), (-0.011, 0.012, -0.02, 0.04)

#: A card held to the phone and cropped afterwards.
_HELD = Conditions(
    fill=(0.86, 0.92),
    roll=1.6,
    tilt=7,
    light=(0.9, 1.12),
    slope=0.22,
    shade=(0, 0.22),
    glare=(0, 60),
    blur=(0.7, 2.1),
    shake=(0, 2.4),
    noise=(1.5, 6),
    tint=0.1,
)


def cropped(card: ColourImage, rng: random.Random) -> Taken:
    """A photo that the phone's own tool cropped at the card's edge or into it."""
    return as_jpeg(_cropped(card, _HELD, rng), _saved_quality(rng), "cropped")


def messenger(card: ColourImage, rng: random.Random) -> Taken:
    """A cropped photo that a messenger made smaller and compressed, saved a second time."""
    picture = _cropped(card, _HELD, rng)
    once = as_jpeg(_resized(picture, rng.uniform(0.75, 1.0)), rng.randint(50, 78), "").shown
    return as_jpeg(once, _saved_quality(rng), "forwarded")


def app(card: ColourImage, rng: random.Random) -> Taken:
    """A picture of a scanning app: flattened, stretched in contrast, sharpened, some with fine lines."""
    picture = _cropped(card, replace(_HELD, roll=0.7, tilt=3, light=(0.72, 1.0), blur=(0.9, 2.3)), rng)
    done = []
    image = _stretched(picture.image, rng)
    if rng.random() < 0.7:
        image = _sharpened(image, rng)
        done.append("sharpened")
    if rng.random() < 0.45:
        image = _lined(image, rng)
        done.append("lines")
    if rng.random() < 0.2:
        step = rng.choice((8, 12, 16))
        image = to_pixels(image.astype(np.float32) // step * step + step / 2)
        done.append("posterised")
    if rng.random() < 0.15:
        image = _grey(image)
        done.append("grey")
    return as_jpeg(Picture(image, picture.place), _saved_quality(rng), ", ".join(done) or "stretched")


def worn(card: ColourImage, rng: random.Random) -> Taken:
    """A cropped photo of a card that has been carried for years; two or three kinds of wear."""
    kinds = rng.sample(("rubbed", "scratched", "hazy", "flash", "bleached", "finger"), rng.choice((2, 2, 3)))
    if "rubbed" in kinds:
        card = wear.rub(card, rng, rng.uniform(0.3, 0.75))
    if "scratched" in kinds:
        card = wear.scratch(card, rng, rng.randint(6, 30))
    if "bleached" in kinds:
        card = wear.bleach_portrait(card, rng)
    if "hazy" in kinds:
        card = wear.haze(card, rng, rng.uniform(0.2, 0.6))
    if "flash" in kinds:
        card = wear.flash(card, rng, beside_values=rng.random() < 0.75)
    picture = _cropped(card, _HELD, rng)
    if "finger" in kinds:
        picture = Picture(wear.hold_corner(picture.image, rng), picture.place)
    return as_jpeg(picture, _saved_quality(rng), ", ".join(kinds))


def copy(card: ColourImage, rng: random.Random) -> Taken:
    """A photocopy, scanned: grey with the contrast of a copier, or black and white."""
    width = rng.randint(900, 1300)
    page = Scanner(
        page=(width + rng.randint(60, 400), round(0.66 * width) + rng.randint(60, 300)),
        card_width=(width, width),
        left=(0.2, 0.8),
        above=(0.2, 0.8),
        blur=rng.uniform(0.4, 0.9),
        noise=rng.uniform(3, 9),
        grey=True,
    )
    picture = scan(card, page, rng)
    if rng.random() < 0.5:
        gain, level = rng.uniform(1.2, 1.9), rng.uniform(215, 250)
        image = to_pixels(level - gain * (215 - picture.image.astype(np.float32)))
        return as_jpeg(Picture(image, picture.place), rng.randint(72, 92), "grey copy")
    return as_jpeg(
        Picture(_thresholded(picture.image, rng), picture.place), rng.randint(72, 92), "black and white"
    )


def screen(card: ColourImage, rng: random.Random) -> Taken:
    """A phone's picture of a card on a display."""
    picture = display.photograph_display(card, rng)
    return as_jpeg(picture, rng.randint(78, 92), "display")


def foreigner(card: ColourImage, rng: random.Random) -> Taken:
    """A foreigner's card, taken as any other: cropped or forwarded."""
    return rng.choice((cropped, messenger))(card, rng)


def _cropped(card: ColourImage, conditions: Conditions, rng: random.Random) -> Picture:
    """Photograph a card from close up, and crop the picture near the card's edges."""
    wide = min(max(_WIDTH * math.exp(rng.gauss(0, _WIDTH_SPREAD)), _WIDTHS[0]), _WIDTHS[1])
    # The card fills 0.9 of the photo, whichever side is tighter.
    size = (round(wide / 0.89), round(0.68 * wide / 0.89))
    photo = photograph(card, replace(conditions, sizes=(size,)), rng)
    width, height = CARD_SIZE
    corners = map_points(photo.place, [(0, 0), (width, 0), (width, height), (0, height)])
    across = float(np.linalg.norm(corners[1] - corners[0]))
    left = corners[[0, 3], 0].mean() - across * _margin(_LEFT, rng)
    right = corners[[1, 2], 0].mean() + across * _margin(_RIGHT, rng)
    top = corners[[0, 1], 1].mean() - across * _margin(_ABOVE, rng)
    bottom = corners[[2, 3], 1].mean() + across * _margin(_BELOW, rng)
    x, y = max(0, round(float(left))), max(0, round(float(top)))
    image = _developed(photo.image[y : round(float(bottom)), x : round(float(right))], rng)
    moved = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], np.float64)
    return Picture(image, moved @ photo.place)


def _developed(image: ColourImage, rng: random.Random) -> ColourImage:
    """What a phone makes of its sensor's picture: darker blacks, sharper edges."""
    black = rng.uniform(15, 90)
    deep = to_pixels((image.astype(np.float32) - black) * (255 / (255 - 0.8 * black)))
    soft = cv2.GaussianBlur(deep, (0, 0), 1.2)
    strength = rng.uniform(0.1, 1.0)
    return np.asarray(cv2.addWeighted(deep, 1 + strength, soft, -strength, 0), np.uint8)


def _margin(normal: tuple[float, float, float, float], rng: random.Random) -> float:
    mean, deviation, least, most = normal
    return min(max(rng.gauss(mean, deviation), least), most)


def _saved_quality(rng: random.Random) -> int:
    """JPEG quality of the last save: nearly always the phone's own 90."""
    return rng.choice((*(90,) * 16, 85, 85, 85, 78))


def _resized(picture: Picture, scale: float) -> Picture:
    image = cv2.resize(picture.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Picture(np.asarray(image, np.uint8), np.diag([scale, scale, 1.0]) @ picture.place)


def _stretched(image: ColourImage, rng: random.Random) -> ColourImage:
    """Map the darkest to black and a share of the ground to nearly white."""
    low, high = np.percentile(image, (rng.uniform(0.5, 3), rng.uniform(70, 99)))
    top = rng.uniform(215, 250.5)
    return to_pixels((image.astype(np.float32) - low) * (top / max(high - low, 60)))


def _sharpened(image: ColourImage, rng: random.Random) -> ColourImage:
    strength, sigma = rng.uniform(0.5, 2.2), rng.uniform(0.8, 1.8)
    soft = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.asarray(cv2.addWeighted(image, 1 + strength, soft, -strength, 0), np.uint8)


def _lined(image: ColourImage, rng: random.Random) -> ColourImage:
    """Fine lines across all of the picture, as from a display or a bad scaler."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, period = math.radians(rng.uniform(-3, 3)), rng.uniform(2.3, 6)
    waves = np.sin((y * math.cos(angle) + x * math.sin(angle)) * (2 * math.pi / period))
    return to_pixels(image + rng.uniform(4, 12) * waves[..., None])


def _grey(image: ColourImage) -> ColourImage:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _thresholded(image: ColourImage, rng: random.Random) -> ColourImage:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    level = rng.uniform(0.55, 0.72) * float(np.percentile(grey, 80))
    steps = np.where(grey > level, 255, 0).astype(np.uint8)
    # Scanned again, edges are soft.
    soft = cv2.GaussianBlur(steps, (0, 0), rng.uniform(0.4, 0.7))
    return np.asarray(cv2.cvtColor(soft, cv2.COLOR_GRAY2BGR), np.uint8)
