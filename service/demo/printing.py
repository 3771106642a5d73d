"""Text printed on a card of ID-1 size: what stands where, and the ink that puts it there."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from service.ocr.engine import Image

#: Card size in pixels (width, height): 85.6 x 54 mm (ISO/IEC 7810, ID-1) at 300 dots per inch.
CARD_SIZE = (1011, 638)

#: Cards are drawn this many times larger and then shrunk, which gives letters the soft edges of print.
OVERSAMPLING = 2

Face: TypeAlias = Literal["Arimo-Regular", "Arimo-Bold", "OCRA"]

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

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the ink in card pixels."""
        font = _font(self.face, self.size * OVERSAMPLING)
        left, top, right, bottom = font.getbbox(self.text, anchor=self._anchor)
        return (
            self.x + left / OVERSAMPLING,
            self.y + top / OVERSAMPLING,
            self.x + right / OVERSAMPLING,
            self.y + bottom / OVERSAMPLING,
        )

    def draw(self, pen: ImageDraw.ImageDraw) -> None:
        """Put the text on an oversampled card."""
        pen.text(
            (self.x * OVERSAMPLING, self.y * OVERSAMPLING),
            self.text,
            fill=self.ink,
            font=_font(self.face, self.size * OVERSAMPLING),
            anchor=self._anchor,
        )

    @property
    def _anchor(self) -> str:
        return "ms" if self.centred else "ls"


def print_card(artwork: Pictures.Image, texts: Iterable[PrintedText]) -> Image:
    """Print ``texts`` on oversampled ``artwork`` and return the card at ``CARD_SIZE``."""
    pen = ImageDraw.Draw(artwork)
    for text in texts:
        text.draw(pen)
    oversampled = cv2.cvtColor(np.asarray(artwork, dtype=np.uint8), cv2.COLOR_RGB2BGR)
    return np.asarray(cv2.resize(oversampled, CARD_SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@functools.cache
def _font(face: Face, size: float) -> ImageFont.FreeTypeFont:
    # Raqm's shaping depends on the system; the basic layout prints the same card everywhere.
    return ImageFont.truetype(_FONTS / f"{face}.ttf", size, layout_engine=ImageFont.Layout.BASIC)
