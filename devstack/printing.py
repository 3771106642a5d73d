"""Prints text on a card of ID-1 size."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from service.reading.ocr.engine import ColourImage

#: Card size in pixels (width, height): 85.6 x 54 mm (ISO/IEC 7810, ID-1) at 300 dots per inch.
CARD_SIZE = (1011, 638)

#: Cards are drawn this many times larger and then shrunk, which gives letters the soft edges of print.
OVERSAMPLING = 2

#: Families of text with a regular and a bold face.
Family: TypeAlias = Literal["Arimo", "Roboto", "RobotoCondensed"]

Face: TypeAlias = Literal[
    "Arimo-Regular",
    "Arimo-Bold",
    "Roboto-Regular",
    "Roboto-Bold",
    "RobotoCondensed-Regular",
    "RobotoCondensed-Bold",
    "OCRA",
]

#: The regular and the bold face of each family.
FACES: Mapping[Family, tuple[Face, Face]] = {
    "Arimo": ("Arimo-Regular", "Arimo-Bold"),
    "Roboto": ("Roboto-Regular", "Roboto-Bold"),
    "RobotoCondensed": ("RobotoCondensed-Regular", "RobotoCondensed-Bold"),
}

#: Red, green, blue.
Ink: TypeAlias = tuple[int, int, int]

_FONTS = Path(__file__).with_name("fonts")


@dataclass(frozen=True, slots=True)
class PrintedText:
    """One run of text; positions and sizes are in pixels of ``CARD_SIZE``."""

    text: str
    #: The left end of the baseline, or its middle when ``centred``.
    x: float
    y: float
    size: float
    face: Face = "Arimo-Regular"
    ink: Ink = (24, 24, 28)
    centred: bool = False
    #: The contract's fields that this text prints, or a part of.
    keys: tuple[str, ...] = ()
    #: Width of a blank as a share of the face's own.
    word_space: float = 1.0

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the ink in card pixels."""
        boxes = [self._font.getbbox(run, anchor=self._anchor) for _, run in self._runs]
        shifts = [shift for shift, _ in self._runs]
        return (
            self.x + (shifts[0] + boxes[0][0]) / OVERSAMPLING,
            self.y + min(box[1] for box in boxes) / OVERSAMPLING,
            self.x + (shifts[-1] + boxes[-1][2]) / OVERSAMPLING,
            self.y + max(box[3] for box in boxes) / OVERSAMPLING,
        )

    def draw(self, pen: ImageDraw.ImageDraw) -> None:
        """Put the text on an oversampled card."""
        for shift, run in self._runs:
            place = (self.x * OVERSAMPLING + shift, self.y * OVERSAMPLING)
            pen.text(place, run, fill=self.ink, font=self._font, anchor=self._anchor)

    @property
    def _font(self) -> ImageFont.FreeTypeFont:
        return load_font(self.face, self.size * OVERSAMPLING)

    @property
    def _anchor(self) -> str:
        return "ms" if self.centred and self.word_space == 1 else "ls"

    @property
    def _runs(self) -> list[tuple[float, str]]:
        """The parts that are drawn in one go, each with its distance from ``x`` in oversampled pixels."""
        if self.word_space == 1:
            return [(0.0, self.text)]
        runs, end = [], 0.0
        blank = self.word_space * self._font.getlength(" ")
        for word in self.text.split(" "):
            runs.append((end, word))
            end += self._font.getlength(word) + blank
        start = (blank - end) / 2 if self.centred else 0.0
        return [(start + shift, word) for shift, word in runs]


def print_card(artwork: Pictures.Image, texts: Iterable[PrintedText]) -> ColourImage:
    """Print ``texts`` on oversampled ``artwork`` and return the card at ``CARD_SIZE``."""
    shrunk = cv2.resize(print_large(artwork, texts), CARD_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, dtype=np.uint8)


def print_large(artwork: Pictures.Image, texts: Iterable[PrintedText]) -> ColourImage:
    """Like `print_card`, at ``OVERSAMPLING`` times ``CARD_SIZE``, for cameras beyond 300 dots an inch."""
    pen = ImageDraw.Draw(artwork)
    for text in texts:
        text.draw(pen)
    return np.asarray(cv2.cvtColor(np.asarray(artwork, dtype=np.uint8), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def field_boxes(texts: Iterable[PrintedText]) -> dict[str, tuple[float, float, float, float]]:
    """Where each field is printed: left, top, right and bottom around all of its texts, in card pixels."""
    boxes: dict[str, tuple[float, float, float, float]] = {}
    for text in texts:
        for key in text.keys:
            left, top, right, bottom = text.bounds()
            box = boxes.get(key, (left, top, right, bottom))
            boxes[key] = (min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3]))
    return boxes


@functools.cache
def load_font(face: Face, size: float) -> ImageFont.FreeTypeFont:
    """Return a typeface at a size in pixels."""
    # Raqm's shaping depends on the system; the basic layout prints the same card everywhere.
    return ImageFont.truetype(_FONTS / f"{face}.ttf", size, layout_engine=ImageFont.Layout.BASIC)
