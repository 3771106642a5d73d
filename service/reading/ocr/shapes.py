"""In which sizes the networks see lines and pages: exactly as they come, or in a few sizes for a GPU.

A GPU computes inputs of one shape together, and is slow at each change to another: cuDNN plans every
convolution anew. So pictures for it are drawn to the nearest of a few sizes. They are stretched a little
rather than filled up, because the networks look at the whole picture: filling changes what they read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

#: Height and width in pixels of one input.
Shape: TypeAlias = tuple[int, int]

#: Pixels: the height of a line that the recogniser reads best.
LINE_HEIGHT = 48

#: The detector halves its input five times.
STRIDE = 32

#: Pixels; whole steps of the recogniser, each about a quarter wider than the one before.
LINE_WIDTHS = (
    *(16, 24, 32, 40, 48, 64, 80, 104, 128, 160, 208, 256, 320),
    *(416, 512, 640, 832, 1024, 1280, 1664, 2048, 2560, 3200),
)

#: Pixels of a page's longest side: of cards and small pictures, and of everything else.
PAGE_SIDES = (576, 736)

#: Shorter side over longer one of what the detector sees; 0.61 is a card's, 0.75 a camera's.
PAGE_ASPECTS = (0.12, 0.25, 0.35, 0.5, 0.61, 0.75, 0.87, 1.0)

#: A batch is filled up to the next of these numbers of inputs: each of them is a shape of its own.
BATCH_SIZES = (1, 4, 16, 64)

#: Pixels of all inputs of a batch together, which bounds its memory: the networks hold about 200 bytes a
#: pixel (measured on the CPU), so 400 MiB.
MAX_PIXELS = 2**21


@dataclass(frozen=True, slots=True)
class LineSize:
    """How large a line is drawn for the recogniser."""

    #: Pixels.
    height: int
    #: Times the width that its shape asks for at that height.
    stretch: float = 1.0


#: A line in full.
FULL = LineSize(LINE_HEIGHT)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a network wants its pictures."""

    #: Of the first look at a card's lines, whose print is large; what stays in doubt is then read in full.
    card_line: LineSize
    #: From the width in pixels that a line's shape asks for to the one it is drawn in.
    line: Callable[[int], int]
    #: From the width and height in pixels, already shrunk to the longest side, to those the detector sees.
    page: Callable[[float, float], tuple[int, int]]


def exact_page(width: float, height: float) -> tuple[int, int]:
    """Return the width and height that are whole strides and nearest to those given."""
    return _strides(width), _strides(height)


def nearest_line(width: int) -> int:
    """Return the one of ``LINE_WIDTHS`` that is nearest by its ratio."""
    return int(_nearest(LINE_WIDTHS, width))


def nearest_page(width: float, height: float) -> tuple[int, int]:
    """Return the one of ``page_sizes()`` that is as long, or the next longer, and nearest in its aspect."""
    longer, shorter = max(width, height), min(width, height)
    longest = next((side for side in PAGE_SIDES if longer <= side), PAGE_SIDES[-1])
    other = _strides(longest * _nearest(PAGE_ASPECTS, shorter / longer))
    return (longest, other) if width >= height else (other, longest)


#: Every line and page as it is; what a CPU reads fastest and best. It takes time by the pixel, so cards are
#: first read at two thirds of the height. They are narrowed less: a letter needs a step of the network.
EXACT = Sizes(card_line=LineSize(32, 1.15), line=int, page=exact_page)

#: A few sizes for all lines and pages; one height, since each shape is computed before the first job.
BUCKETS = Sizes(card_line=LineSize(LINE_HEIGHT, 0.85), line=nearest_line, page=nearest_page)


def page_sizes() -> list[tuple[int, int]]:
    """Return every width and height that ``nearest_page`` can return."""
    lying = {(longest, _strides(longest * aspect)) for longest in PAGE_SIDES for aspect in PAGE_ASPECTS}
    return sorted(lying | {(height, width) for width, height in lying})


def batch_sizes(shape: Shape, most: int) -> tuple[int, ...]:
    """Return in how many inputs at once, at most ``most``, a shape is computed; rising, at least 1."""
    height, width = shape
    most = max(1, min(most, MAX_PIXELS // (height * width)))
    return (*(size for size in BATCH_SIZES if size < most), most)


def _strides(pixels: float) -> int:
    return max(STRIDE, round(pixels / STRIDE) * STRIDE)


def _nearest(choices: Sequence[float], wanted: float) -> float:
    return choices[int(np.abs(np.log(choices) - np.log(wanted)).argmin())]
