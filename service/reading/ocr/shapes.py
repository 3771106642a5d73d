"""Input sizes of the networks: exact sizes for a CPU, a few fixed sizes (buckets) for a GPU.

A GPU computes inputs of one shape in a batch, and each change of shape is slow because cuDNN plans every
convolution anew. So images are resized to the nearest of a few sizes. They are stretched a little instead of
padded, because padding changes what the networks read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

#: Height and width of an input in pixels.
Shape: TypeAlias = tuple[int, int]

#: Line height in pixels that the recogniser reads best.
LINE_HEIGHT = 48

#: The detector halves its input five times, so its sides are multiples of this.
STRIDE = 32

#: Line widths in pixels: multiples of the recogniser's step, each about a quarter wider than the one before.
LINE_WIDTHS = (
    *(16, 24, 32, 40, 48, 64, 80, 104, 128, 160, 208, 256, 320),
    *(416, 512, 640, 832, 1024, 1280, 1664, 2048, 2560, 3200),
)

#: Longest sides of a page in pixels: for cards and small pictures, and for everything else.
PAGE_SIDES = (576, 736)

#: Shorter over longer side of the detector's input; 0.61 is a card's, 0.75 a camera's.
PAGE_ASPECTS = (0.12, 0.25, 0.35, 0.5, 0.61, 0.75, 0.87, 1.0)

#: Batches are padded to the next of these sizes: each size is a shape of its own.
BATCH_SIZES = (1, 4, 16, 64)

#: Limit of the pixels in a batch, which bounds its memory: the networks use about 200 bytes per pixel
#: (measured on the CPU), so 400 MiB.
MAX_BATCH_PIXELS = 2**21


@dataclass(frozen=True, slots=True)
class LineSize:
    """Size of a line as input of the recogniser."""

    #: Pixels.
    height: int
    #: Factor on the width that keeps the aspect ratio at that height.
    stretch: float = 1.0


#: Full size.
FULL = LineSize(LINE_HEIGHT)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Input sizes that suit a network on its device."""

    #: Size at which a card's lines, whose print is large, are first recognised; doubtful ones again at full
    #: size.
    card_line: LineSize
    #: Maps the width in pixels that keeps a line's aspect ratio to the width it is resized to.
    line: Callable[[int], int]
    #: Maps width and height in pixels, already shrunk to the longest side, to the detector's input size.
    page: Callable[[float, float], tuple[int, int]]


def exact_page(width: float, height: float) -> tuple[int, int]:
    """Return width and height rounded to multiples of the stride."""
    return _strides(width), _strides(height)


def nearest_line(width: int) -> int:
    """Return the nearest of ``LINE_WIDTHS``, by ratio."""
    return int(_nearest(LINE_WIDTHS, width))


def nearest_page(width: float, height: float) -> tuple[int, int]:
    """Return the one of ``page_sizes()`` with the same or next larger longest side and the nearest aspect."""
    longer, shorter = max(width, height), min(width, height)
    longest = next((side for side in PAGE_SIDES if longer <= side), PAGE_SIDES[-1])
    other = _strides(longest * _nearest(PAGE_ASPECTS, shorter / longer))
    return (longest, other) if width >= height else (other, longest)


#: Exact sizes, which a CPU reads fastest and best. Its time grows with the pixels, so a card's lines are
#: first read at two thirds of the height, and a little narrower.
EXACT = Sizes(card_line=LineSize(32, 0.9), line=int, page=exact_page)

#: A few sizes for all lines and pages, and one line height, because each shape is warmed up at the start.
BUCKETS = Sizes(card_line=LineSize(LINE_HEIGHT, 0.85), line=nearest_line, page=nearest_page)


def page_sizes() -> list[tuple[int, int]]:
    """Return every (width, height) that ``nearest_page`` can return."""
    lying = {(longest, _strides(longest * aspect)) for longest in PAGE_SIDES for aspect in PAGE_ASPECTS}
    return sorted(lying | {(height, width) for width, height in lying})


def batch_sizes(shape: Shape, max_batch: int) -> tuple[int, ...]:
    """Return the batch sizes that a shape is computed in, ascending, from 1 to at most ``max_batch``."""
    height, width = shape
    max_batch = max(1, min(max_batch, MAX_BATCH_PIXELS // (height * width)))
    return (*(size for size in BATCH_SIZES if size < max_batch), max_batch)


def _strides(pixels: float) -> int:
    return max(STRIDE, round(pixels / STRIDE) * STRIDE)


def _nearest(choices: Sequence[float], target: float) -> float:
    return choices[int(np.abs(np.log(choices) - np.log(target)).argmin())]
