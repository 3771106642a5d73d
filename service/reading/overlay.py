"""Draws the result of a reading on its page: text lines in grey, fields in colour with key and value."""

import itertools
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from service.reading.documents.fields import Fields
from service.reading.ocr.engine import Box, ColourImage, Image, TextLine

#: Red, green, blue; dark enough to read on white.
_COLOURS = (
    (196, 30, 58),
    (0, 98, 177),
    (0, 122, 61),
    (150, 63, 0),
    (117, 39, 160),
    (0, 110, 120),
    (170, 20, 120),
)

_GREY, _WHITE = (140, 140, 140), (255, 255, 255)

#: Pixels between a box and its label, and around the label's text.
_GAP, _PADDING = 6, 3

#: Smallest and largest label text in pixels.
_MIN_LABEL_SIZE, _MAX_LABEL_SIZE = 12, 36


@dataclass(frozen=True, slots=True)
class _Area:
    """An axis-aligned rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "_Area") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class _Label:
    """A field's key and value with the place to draw them."""

    text: str
    area: _Area
    colour: tuple[int, int, int]
    #: Box of the field; None if it was put together from several places.
    box: Box | None


def draw_overlay(image: Image, lines: Sequence[TextLine], fields: Fields) -> ColourImage:
    """Return a colour copy of ``image`` with boxes, and each field's label to the right of its box.

    Labels cover no text line and no other label. So the copy may be wider than the page, and longer if fields
    have no box.
    """
    font = ImageFont.load_default(_label_size(lines))
    assert isinstance(font, ImageFont.FreeTypeFont), "with a size, Pillow returns its scalable font"
    labels = _place_labels(image, lines, fields, font)
    width = max([image.shape[1], *(int(label.area.right) + _GAP for label in labels)])
    height = max([image.shape[0], *(int(label.area.bottom) + _GAP for label in labels)])
    picture = Pictures.new("RGB", (width, height), _WHITE)
    picture.paste(Pictures.fromarray(image))
    pen = ImageDraw.Draw(picture)
    stroke = max(1, image.shape[1] // 800)
    for line in lines:
        pen.polygon(line.box, outline=_GREY, width=stroke)
    for label in labels:
        if label.box is not None:
            pen.polygon(label.box, outline=label.colour, width=2 * stroke)
        area = (label.area.left, label.area.top, label.area.right, label.area.bottom)
        pen.rectangle(area, fill=_WHITE, outline=label.colour)
        pen.text((area[0] + _PADDING, (area[1] + area[3]) / 2), label.text, label.colour, font, anchor="lm")
    return np.asarray(cv2.cvtColor(np.asarray(picture, dtype=np.uint8), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _label_size(lines: Sequence[TextLine]) -> float:
    """Return a text size a little smaller than the page's print, so that labels fit their rows."""
    print_size = median(line.bottom - line.top for line in lines) if lines else _MIN_LABEL_SIZE
    return min(max(0.6 * print_size, _MIN_LABEL_SIZE), _MAX_LABEL_SIZE)


def _place_labels(
    image: Image,
    lines: Sequence[TextLine],
    fields: Fields,
    font: ImageFont.FreeTypeFont,
) -> list[_Label]:
    measure = ImageDraw.Draw(Pictures.new("L", (1, 1)))
    taken = [_bounds(line.box) for line in lines]
    below = float(image.shape[0] + _GAP)
    labels = []
    for (key, field), colour in zip(fields.items(), itertools.cycle(_COLOURS), strict=False):
        text = _wrapped(f"{key}: {field.value}", field.box, font.size)
        left, top, right, bottom = measure.textbbox((0, 0), text, font)
        width, height = right - left + 2 * _PADDING, bottom - top + 2 * _PADDING
        if field.box is None:
            area = _Area(_GAP, below, _GAP + width, below + height)
            below += height + _GAP
        else:
            area = _free_area(_bounds(field.box), width, height, taken)
        taken.append(area)
        labels.append(_Label(text, area, colour, field.box))
    return labels


def _wrapped(text: str, box: Box | None, size: float) -> str:
    """Wrap ``text`` to the number of lines that fit beside its box."""
    area = _bounds(box) if box else _Area(0, 0, 0, 0)
    count = max(1, int((area.bottom - area.top) / (1.5 * size)))
    # A few characters more than an equal share, because lines break at spaces only.
    return "\n".join(textwrap.wrap(text, math.ceil(len(text) / count) + 6, break_long_words=False))


def _bounds(box: Box) -> _Area:
    across, down = [x for x, _ in box], [y for _, y in box]
    return _Area(min(across), min(down), max(across), max(down))


def _free_area(box: _Area, width: float, height: float, taken: Sequence[_Area]) -> _Area:
    """Return the first free place to the right of ``box``."""
    top = max(0.0, (box.top + box.bottom - height) / 2)
    left = box.right + _GAP
    while True:
        area = _Area(left, top, left + width, top + height)
        covered = [other.right for other in taken if area.overlaps(other)]
        if not covered:
            return area
        left = max(covered) + _GAP
