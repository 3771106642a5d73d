"""What an OCR engine is: page in, text lines with boxes and confidences out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

#: Grey levels, height x width, uint8: colours triple the work and say nothing about print.
Image: TypeAlias = npt.NDArray[np.uint8]

#: A picture that people look at: height x width x 3, uint8, blue-green-red (OpenCV's order).
ColourImage: TypeAlias = npt.NDArray[np.uint8]

#: Four corners (x, y) in pixels of the page, clockwise from the text's top left.
Box: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

#: Where the arithmetic was done.
Device: TypeAlias = Literal["cuda", "cpu"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document, as it came."""

    image: Image
    #: Makes a small copy in colour, on which a card stands out from a table that is as light as itself; None
    #: where there is none. To make it the file is decoded again.
    in_colour: Callable[[], ColourImage | None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True)
class TextLine:
    """One run of text as the engine found it: a whole printed line, or a piece of one."""

    text: str
    #: 0 to 1, the engine's own estimate.
    confidence: float
    box: Box

    @property
    def left(self) -> float:
        """Leftmost x in pixels."""
        return min(x for x, _ in self.box)

    @property
    def right(self) -> float:
        """Rightmost x in pixels."""
        return max(x for x, _ in self.box)

    @property
    def top(self) -> float:
        """Smallest y in pixels."""
        return min(y for _, y in self.box)

    @property
    def bottom(self) -> float:
        """Largest y in pixels."""
        return max(y for _, y in self.box)


@dataclass(frozen=True, slots=True)
class PageText:
    """What an engine read on one page."""

    #: The page turned upright: the one that the boxes refer to, not always the one handed in.
    image: Image
    #: In reading order: top to bottom, then left to right.
    lines: tuple[TextLine, ...]
    device: Device


class Engine(Protocol):
    """Reads pages. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """The driver's name as in ``OCR_GPU_DRIVER``."""

    @property
    def device(self) -> Device:
        """Where ``read`` computes."""

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page.

        Raises:
            EngineError: the engine broke; ``DeviceError`` when the GPU did.
        """
