"""Renders training lines: a text as a phone or scanner would show it, cut out as the detector would.

Faces and damages are not those of ``devstack`` and ``bench``, which judge the result.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import cut_line
from service.reading.ocr.shapes import LineSize
from tools.recogniser.digits import MachineDigits
from tools.recogniser.texts import invent_text

#: Pixels, height of the capitals as they are rendered.
_CAP = 40

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Setting:
    """Faces and distances of a line's characters; distances in cap heights."""

    font: ImageFont.FreeTypeFont
    #: Between letters, more than the face has.
    tracking: float
    #: Between words.
    blank: float
    digits: MachineDigits | None

    def advance(self, one: str) -> float:
        """Return the pixels from a character to the next one."""
        if self.digits is not None and one.isdigit():
            return self.digits.advance * _CAP
        return self.blank * _CAP if one == " " else self.font.getlength(one) + self.tracking * _CAP

    def draw(self, pen: ImageDraw.ImageDraw, one: str, place: tuple[float, float]) -> tuple[float, float]:
        """Draw a character from its base line's left end; return the left and right end of its ink."""
        if self.digits is not None and one.isdigit():
            self.digits.draw(pen, one, place, _CAP)
            return place[0], place[0] + self.digits.width * _CAP
        pen.text(place, one, fill=255, font=self.font, anchor="ls")
        box = self.font.getbbox(one, anchor="ls")
        return place[0] + box[0], place[0] + box[2]


def draw_line(
    text: str,
    faces: Sequence[Path],
    rng: random.Random,
    size: LineSize,
    *,
    digits: MachineDigits | None = None,
    inverse: bool = False,
) -> Image:
    """Return the line as the recogniser's input at ``size``.

    Parameters:
        digits: face of the text's digits, if it is not that of the other characters
        inverse: print light on dark
    """
    numbers = np.random.default_rng(rng.randrange(2**32))
    ink, box = _typeset(text, rng.choice(faces), rng, digits)
    card = _printed(ink, rng, numbers)
    page, placed = _photographed(255 - card if inverse else card, box, rng, numbers)
    return cut_line(page, _framed(placed, rng), size.height, 3200, size.stretch)


def _typeset(
    text: str, face: Path, rng: random.Random, digits: MachineDigits | None
) -> tuple[_Floats, _Floats]:
    """Return the coverage by ink, 0 to 1, and the corners of the line's ink.

    Other lines stand above and below.
    """
    font = _font(face)
    # In cap heights. Real cards: between words 0.32 to 0.63, between letters 0.06 to 0.21.
    tracking = rng.choice((0.0, 0.0, rng.uniform(-0.03, 0.09)))
    if digits is None and text.lstrip(": ").isdigit() and rng.random() < 0.5:
        tracking = rng.uniform(0.05, 0.5)
    blank = rng.triangular(0.11, 0.75, 0.3) + max(tracking, 0)
    pitch = rng.uniform(1.5, 2.6) * _CAP
    setting = _Setting(font, tracking, blank, digits)
    width = int(sum(setting.advance(one) for one in text)) + 4 * _CAP
    height = 6 * _CAP
    canvas = Pictures.new("L", (width, height))
    pen = ImageDraw.Draw(canvas)
    left, base = 2 * _CAP, round(3.5 * _CAP)
    bounds = _draw(pen, text, (left, base), setting, rng.uniform(0, 0.5))
    for other in (base - pitch, base + pitch):
        if rng.random() < 0.75:
            _draw(
                pen,
                invent_text(rng),
                (left + rng.uniform(-3, 3) * _CAP * (rng.random() < 0.3), other),
                setting,
            )
    x0, x1 = bounds
    y0, y1 = base - _CAP, float(base)
    if any(one in "gjpqy,;()[]{}@_Q" for one in text):
        y1 += 0.28 * _CAP * rng.random()
    box = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    coverage = np.asarray(np.asarray(canvas, np.float32) / 255, np.float32)
    weight = rng.random()
    if weight < 0.15:
        coverage = np.asarray(cv2.dilate(coverage, np.ones((3, 3))), np.float32)
    elif weight < 0.25:
        coverage = np.asarray(cv2.erode(coverage, np.ones((2, 2))), np.float32)
    return coverage, box


@cache
def _font(face: Path) -> ImageFont.FreeTypeFont:
    """Return a face at the size whose capitals are ``_CAP`` pixels high."""
    trial = ImageFont.truetype(face, 100, layout_engine=ImageFont.Layout.BASIC)
    capital = -trial.getbbox("H", anchor="ls")[1]
    return ImageFont.truetype(face, 100 * _CAP / capital, layout_engine=ImageFont.Layout.BASIC)


def _draw(
    pen: ImageDraw.ImageDraw,
    text: str,
    place: tuple[float, float],
    setting: _Setting,
    colon: float = 0.0,
) -> tuple[float, float]:
    """Draw a text from its baseline's left end; return the left and right end of its ink."""
    x, y = place
    ends: list[float] = []
    for one in text:
        if one != " ":
            ends += setting.draw(pen, one, (x, y))
        x += setting.advance(one)
        # The colon stands in a column of its own.
        x += colon * _CAP if one == ":" and len(ends) == 2 else 0
    return (min(ends), max(ends)) if ends else (x, x + _CAP)


def _printed(coverage: _Floats, rng: random.Random, numbers: np.random.Generator) -> _Floats:
    """Put the ink on a patterned ground; grey values from 0 to 255."""
    height, width = coverage.shape
    ground = rng.uniform(150, 245)
    page = np.full((height, width), ground, np.float32)
    if rng.random() < 0.8:
        page += _pattern((height, width), rng) * rng.uniform(3, 26)
    if rng.random() < 0.3:
        page += _blotches((height, width), rng, numbers) * rng.uniform(4, 22)
    black = rng.uniform(5, 95) if rng.random() < 0.85 else ground - rng.uniform(55, 110)
    cover = coverage * rng.uniform(0.8, 1.0)
    if rng.random() < 0.2:
        rubbed = np.clip(_blotches((height, width), rng, numbers) * 1.5, 0, 1) * rng.uniform(0.2, 0.7)
        cover = cover * (1 - rubbed)
    return np.asarray(page * (1 - cover) + black * cover, np.float32)


def _pattern(shape: tuple[int, int], rng: random.Random) -> _Floats:
    """Two families of curves, as of a security print, from -1 to 1."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    total = np.zeros(shape, np.float32)
    for _ in range(2):
        angle, period = rng.uniform(0, math.pi), rng.uniform(0.25, 1.5) * _CAP
        bend = rng.uniform(0, 0.6) * _CAP * np.sin(x * (2 * math.pi / (rng.uniform(2, 9) * _CAP)))
        total += np.sin((x * math.cos(angle) + (y + bend) * math.sin(angle)) * (2 * math.pi / period))
    return np.asarray(total / 2, np.float32)


def _blotches(shape: tuple[int, int], rng: random.Random, numbers: np.random.Generator) -> _Floats:
    small = numbers.standard_normal(
        (max(2, shape[0] // rng.randint(8, 40)), max(2, shape[1] // rng.randint(8, 40)))
    )
    return np.asarray(
        cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32
    )


def _photographed(
    page: _Floats, box: _Floats, rng: random.Random, numbers: np.random.Generator
) -> tuple[Image, _Floats]:
    """Return the page in a picture, and the box on it."""
    cap = 9.0 * math.exp(abs(rng.gauss(0, 0.55))) * rng.uniform(0.85, 1.35)
    scale = min(cap / _CAP, 1.0)
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    bent = corners * scale
    bent += numbers.normal(0, 0.02 * height * scale, (4, 2)).astype(np.float32)
    turn = math.radians(rng.gauss(0, 0.8))
    bent = bent @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]], np.float32)
    bent = np.asarray(bent - bent.min(axis=0), np.float32)
    matrix = cv2.getPerspectiveTransform(corners, bent)
    size = tuple(int(one) + 1 for one in bent.max(axis=0))
    soft = cv2.GaussianBlur(page, (0, 0), 0.42 / scale) if scale < 0.8 else page
    image = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image = _blurred(np.asarray(image, np.float32), scale * _CAP, rng)
    image = _lit(image, rng)
    image += numbers.standard_normal(image.shape).astype(np.float32) * rng.uniform(0, 7)
    for step in rng.sample((_sharpened, _stretched, _lined, _compressed, _halved), 5):
        if rng.random() < (0.75 if step is _compressed else 0.22):
            image = step(image, rng)
    if rng.random() < 0.5:
        image = _compressed(image, rng)
    placed = cv2.perspectiveTransform(box[None], matrix)[0]
    return np.asarray(np.clip(image, 0, 255), np.uint8), np.asarray(placed, np.float32)


def _blurred(image: _Floats, cap: float, rng: random.Random) -> _Floats:
    """Out of focus or shaken, by up to an eighth of the capitals' height."""
    if rng.random() < 0.6:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.02, 0.105) * cap + 0.05), np.float32)
    if rng.random() < 0.2:
        length = max(1.0, rng.uniform(0.05, 0.22) * cap)
        angle = rng.uniform(0, math.pi)
        count = int(length) * 2 + 3
        kernel = np.zeros((count, count), np.float32)
        middle = count // 2
        shift = (length / 2 * math.cos(angle), length / 2 * math.sin(angle))
        ends = [
            (round((middle + sign * shift[0]) * 16), round((middle + sign * shift[1]) * 16))
            for sign in (-1, 1)
        ]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
        image = np.asarray(
            cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32
        )
    return image


def _lit(image: _Floats, rng: random.Random) -> _Floats:
    width = image.shape[1]
    slope = np.linspace(1 - rng.uniform(0, 0.25), 1 + rng.uniform(0, 0.25), width, dtype=np.float32)
    if rng.random() < 0.5:
        slope = slope[::-1]
    image = image * slope * rng.uniform(0.7, 1.15)
    if rng.random() < 0.12:
        # A reflection: a bright spot with soft edges.
        y, x = np.mgrid[0 : image.shape[0], 0:width].astype(np.float32)
        middle, wide = rng.uniform(0, width), rng.uniform(0.5, 4) * image.shape[0]
        image = image + rng.uniform(20, 130) * np.exp(
            -(((x - middle) / wide) ** 2) - ((y / image.shape[0] - 0.5) * 1.2) ** 2
        )
    return np.asarray(image, np.float32)


def _sharpened(image: _Floats, rng: random.Random) -> _Floats:
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2.0))
    return np.asarray(np.clip(image + (image - soft) * rng.uniform(0.3, 2.2), 0, 255), np.float32)


def _stretched(image: _Floats, rng: random.Random) -> _Floats:
    low, high = np.percentile(image, (rng.uniform(0, 4), rng.uniform(70, 99)))
    return np.asarray(
        np.clip((image - low) * (rng.uniform(210, 260) / max(high - low, 50)), 0, 255), np.float32
    )


def _lined(image: _Floats, rng: random.Random) -> _Floats:
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    angle = rng.uniform(-0.12, 0.12) + rng.choice((0, 0, math.pi / 2))
    waves = np.sin((y * math.cos(angle) + x * math.sin(angle)) * (2 * math.pi / rng.uniform(2.1, 7)))
    return np.asarray(np.clip(image + rng.uniform(2, 14) * waves, 0, 255), np.float32)


def _compressed(image: _Floats, rng: random.Random) -> _Floats:
    quality = rng.choice((90, 90, 80, rng.randint(35, 95)))
    # The blocks of 8 x 8 pixels start anywhere.
    top, left = rng.randrange(8), rng.randrange(8)
    padded = cv2.copyMakeBorder(
        np.clip(image, 0, 255).astype(np.uint8), top, 0, left, 0, cv2.BORDER_REPLICATE
    )
    _, content = cv2.imencode(".jpg", padded, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.float32)[top:, left:]


def _halved(image: _Floats, rng: random.Random) -> _Floats:
    """Shrunk by a messenger and enlarged again by the phone."""
    height, width = image.shape
    share = rng.uniform(0.7, 0.95)
    small = cv2.resize(
        image, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _framed(box: _Floats, rng: random.Random) -> _Floats:
    """Widen the box as the detector does: by about 0.4 of its height on all sides."""
    down = box[3] - box[0]
    across = (box[1] - box[0]) / max(1.0, float(np.linalg.norm(box[1] - box[0])))
    cap = float(np.linalg.norm(down))
    above, below = (down * max(0.1, rng.gauss(0.4, 0.11)) for _ in range(2))
    left, right = (across * cap * max(0.05, rng.gauss(0.42, 0.14)) for _ in range(2))
    return np.array(
        [box[0] - above - left, box[1] - above + right, box[2] + below + right, box[3] + below - left],
        np.float32,
    )
