"""Simulated photography: a card on a table, a hand-held phone, a lamp."""

import math
import random
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from devstack.printing import CARD_SIZE
from service.reading.ocr.engine import ColourImage

#: 3 x 3, from pixels of ``CARD_SIZE`` to pixels of a picture.
Place: TypeAlias = npt.NDArray[np.float64]

_Plane: TypeAlias = npt.NDArray[np.float32]

#: A lowest and a highest value, between which one is drawn.
Span: TypeAlias = tuple[float, float]

#: Table tops as blue-green-red.
_TABLES = ((58, 92, 140), (92, 96, 104), (60, 66, 74), (170, 186, 198), (206, 210, 212), (44, 70, 104))

#: Cloths as blue-green-red.
_CLOTHS = ((30, 32, 36), (40, 40, 60), (70, 60, 50), (50, 70, 60), (90, 100, 120))

#: A phone's focal length in widths of its picture.
_FOCAL = 0.9


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with a card in it, and the card's position."""

    image: ColourImage
    place: Place


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of a photograph.

    Blur is in card pixels (``CARD_SIZE``, where print is 17 pixels high), so that its effect does not
    depend on the size of the card in the picture.
    """

    #: (width, height) of pictures, of which one is taken.
    sizes: tuple[tuple[int, int], ...] = ((1600, 1200),)
    #: Share of the picture's width or height, whichever is tighter, that the card takes up.
    fill: Span = (0.66, 0.84)
    #: Degrees by which the card is turned in the picture's plane, to either side.
    roll: float = 6
    #: Degrees by which the phone is tilted against the table, in each of two directions.
    tilt: float = 6
    #: Light on the table; 1 shows white as white.
    light: Span = (0.78, 0.98)
    #: How much lighter one side of the picture is than the other, across and down.
    slope: float = 0.2
    #: Share of the light that a shadow over a part of the card takes.
    shade: Span = (0, 0)
    #: Grey levels that the lamp's reflection adds at its brightest.
    glare: Span = (14, 34)
    #: Radius of the reflection as a share of the picture's width.
    glare_radius: float = 0.15
    #: Card pixels: standard deviation of the defocus.
    blur: Span = (0.5, 0.95)
    #: Card pixels that the hand moves while the picture is taken.
    shake: Span = (0, 0)
    #: Grey levels: standard deviation of the sensor's noise.
    noise: Span = (3, 3)
    #: By how much the lamp's colour lifts or lowers blue and red, as a share.
    tint: float = 0
    #: Grey levels: standard deviation of the grain of a dark cloth on the table; 0 without one.
    cloth: Span = (0, 0)


#: Gap between two cards on a table as a share of a card's height; degrees by which the second one is askew.
_APART, _ASKEW = 0.15, 4.0


def photograph(
    card: ColourImage,
    conditions: Conditions,
    rng: random.Random,
    *,
    shrink: bool = True,
    other: ColourImage | None = None,
) -> Picture:
    """Take a picture of ``card``, an edge-to-edge image of any size.

    Without ``shrink`` a finer card is sampled and not averaged, so that its pattern beats with the pixels.
    With ``other`` a second card lies below the first one.
    """
    size = rng.choice(conditions.sizes)
    width, height = CARD_SIZE
    place = _placed(size, conditions, rng, (width, height if other is None else (2 + _APART) * height))
    unit = _card_pixel(place)
    warped, mask = _laid_out(card, place, size, unit, shrink)
    if other is not None:
        below = place @ _turned_about_corner(rng.uniform(-_ASKEW, _ASKEW), (1 + _APART) * height)
        warped_other, mask_other = _laid_out(other, below, size, unit, shrink)
        warped = np.where(mask_other[..., None] > 0, warped_other, warped)
        mask = np.maximum(mask, mask_other)
    shadow = cv2.GaussianBlur(np.roll(mask, (12, 10), axis=(0, 1)), (0, 0), 14)[..., None]
    ground = _cloth(size, conditions, rng) if conditions.cloth[1] else _table_top(size, rng)
    scene = ground * (1 - 0.55 * shadow) * (1 - mask[..., None]) + warped * mask[..., None]
    lit = scene * _light(size, conditions, rng)[..., None] + _glare(size, place, conditions, rng)[..., None]
    lit *= np.array([1 + rng.uniform(-1, 1) * conditions.tint, 1, 1 + rng.uniform(-1, 1) * conditions.tint])
    defocus = max(0.3, unit * rng.uniform(*conditions.blur))
    soft = np.asarray(cv2.GaussianBlur(lit, (0, 0), defocus), np.float32)
    if conditions.shake[1]:
        soft = _shaken(soft, unit * rng.uniform(*conditions.shake), rng)
    return Picture(to_pixels(soft + noise(rng, size, rng.uniform(*conditions.noise))), place)


def noise(rng: random.Random, size: tuple[int, int], sigma: float) -> _Plane:
    """Grey noise of a picture of ``size``, height x width x 1."""
    grey = _generator(rng).standard_normal((size[1], size[0], 1), dtype=np.float32)
    return grey * np.float32(sigma)


def to_pixels(values: npt.ArrayLike) -> ColourImage:
    """Round and clip to 8 bits."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def scaled_to(card: ColourImage) -> Place:
    """Return the matrix from pixels of ``CARD_SIZE`` to those of an edge-to-edge image of another size."""
    return np.diag([card.shape[1] / CARD_SIZE[0], card.shape[0] / CARD_SIZE[1], 1.0])


def map_points(place: Place, points: npt.ArrayLike) -> _Plane:
    """Map points of the card (n x 2) to the picture."""
    source = np.asarray(points, np.float64).reshape(-1, 1, 2)
    return np.asarray(cv2.perspectiveTransform(source, place), np.float32).reshape(-1, 2)


def _turned_about_corner(degrees: float, down: float) -> Place:
    """Return the matrix that turns a card about its upper left corner and moves it down by card pixels."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, down], [0, 0, 1]])


def _placed(
    size: tuple[int, int], conditions: Conditions, rng: random.Random, extent: tuple[float, float]
) -> Place:
    """Tilt what lies on the table in space, look at it from above, and fit what is seen into the picture.

    Width and height of ``extent`` are in card pixels.
    """
    width, height = extent
    pitch, yaw = (math.radians(rng.uniform(-1, 1) * conditions.tilt) for _ in range(2))
    roll = math.radians(rng.uniform(-1, 1) * conditions.roll)
    turn = cv2.Rodrigues(np.array([pitch, 0, 0]))[0] @ cv2.Rodrigues(np.array([0, yaw, 0]))[0]
    turn = turn @ cv2.Rodrigues(np.array([0, 0, roll]))[0]
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    # A point (x, y) of the card is x * first column + y * second, at such a distance that the card
    # fills the width of the view.
    in_space = np.column_stack((turn[:, 0], turn[:, 1], (0, 0, _FOCAL * width / conditions.fill[1])))
    seen = in_space @ centred
    corners = map_points(seen, [(0, 0), (width, 0), (width, height), (0, height)])
    low, span = corners.min(axis=0), np.ptp(corners, axis=0)
    scale = rng.uniform(*conditions.fill) / max(span[0] / size[0], span[1] / size[1])
    room = np.array(size) - span * scale
    start = room * [rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)]
    fit = np.array([[scale, 0, start[0] - low[0] * scale], [0, scale, start[1] - low[1] * scale], [0, 0, 1]])
    return np.asarray(fit @ seen, np.float64)


def _card_pixel(place: Place) -> float:
    """Pixels of the picture that one pixel of the card takes up, in the card's middle."""
    width, height = CARD_SIZE
    left, right = map_points(place, [(width / 2 - 50, height / 2), (width / 2 + 50, height / 2)])
    return float(np.linalg.norm(right - left)) / 100


def _laid_out(
    card: ColourImage, place: Place, size: tuple[int, int], unit: float, shrink: bool
) -> tuple[_Plane, _Plane]:
    """The card in the picture, and its mask (0 to 1) with the rounded corners of a real one."""
    # A warp samples single pixels: a card much larger than it is to be is shrunk first.
    if shrink and card.shape[1] > 1.2 * unit * CARD_SIZE[0]:
        smaller = (round(unit * CARD_SIZE[0]), round(unit * CARD_SIZE[1]))
        card = np.asarray(cv2.resize(card, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = card.shape[:2]
    radius = round(0.037 * width)
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    transform = place @ np.linalg.inv(scaled_to(card))
    # Edge pixels repeat outside, so that the mask's soft rim never mixes in black.
    warped = cv2.warpPerspective(
        card, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    warped_mask = cv2.warpPerspective(mask, transform, size, flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.float32), np.asarray(warped_mask, np.float32) / np.float32(255)


def _table_top(size: tuple[int, int], rng: random.Random) -> _Plane:
    """Grain that runs along the table, in one of a few colours."""
    width, height = size
    generator = _generator(rng)
    streaks = generator.normal(0, 1, (height // 4, width // 80)).astype(np.float32)
    grain = cv2.resize(streaks, size, interpolation=cv2.INTER_CUBIC)
    speckle = generator.standard_normal((height, width), dtype=np.float32)
    return np.array(rng.choice(_TABLES), np.float32) + (9 * grain + 4 * speckle)[..., None]


def _cloth(size: tuple[int, int], conditions: Conditions, rng: random.Random) -> _Plane:
    """A woven cloth in one of a few dark colours, whose threads are about a pixel wide."""
    width, height = size
    fibres = cv2.GaussianBlur(
        _generator(rng).standard_normal((height, width), dtype=np.float32), (0, 0), rng.uniform(0.5, 1.3)
    )
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    threads = np.sin(x * rng.uniform(1, 2.5)) * np.sin(y * rng.uniform(1, 2.5))
    grain = fibres * (rng.uniform(*conditions.cloth) / fibres.std()) + rng.uniform(0, 25) * threads
    return np.array(rng.choice(_CLOTHS), np.float32) + np.asarray(grain, np.float32)[..., None]


def _light(size: tuple[int, int], conditions: Conditions, rng: random.Random) -> _Plane:
    """Share of the light that arrives: sloping, and behind the edge of a shadow less."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = (rng.uniform(-1, 1) * conditions.slope for _ in range(2))
    light = rng.uniform(*conditions.light) + across * (x / width - 0.5) + down * (y / height - 0.5)
    if conditions.shade[1]:
        angle, softness = rng.uniform(0, 2 * math.pi), rng.uniform(6, 60)
        beyond = (x - width / 2) * math.cos(angle) + (y - height / 2) * math.sin(angle)
        edge = rng.uniform(-0.15, 0.15) * width
        shadow = 1 / (1 + np.exp(np.clip((edge - beyond) / softness, -30, 30)))
        light = light * (1 - rng.uniform(*conditions.shade) * shadow)
    return np.asarray(light, np.float32)


def _glare(size: tuple[int, int], place: Place, conditions: Conditions, rng: random.Random) -> _Plane:
    """The lamp's reflection somewhere on the card, in grey levels."""
    spot = [(rng.uniform(0.1, 0.9) * CARD_SIZE[0], rng.uniform(0.1, 0.9) * CARD_SIZE[1])]
    ((lamp_x, lamp_y),) = map_points(place, spot)
    radius = conditions.glare_radius * size[0]
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    fall = ((x - lamp_x) / radius) ** 2 + ((y - lamp_y) / (0.75 * radius)) ** 2
    return np.asarray(rng.uniform(*conditions.glare) * np.exp(-fall), np.float32)


def _shaken(picture: _Plane, length: float, rng: random.Random) -> _Plane:
    """Blur along a straight line of ``length`` pixels."""
    reach = max(1, round(length))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, math.pi)
    step = (reach / 2 * math.cos(angle), reach / 2 * math.sin(angle))
    start, end = (
        (round(reach - step[0]), round(reach - step[1])),
        (round(reach + step[0]), round(reach + step[1])),
    )
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _generator(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))
