"""The interface of OCR engines: a page in, text lines with boxes and confidences out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from service.reading.ocr.primitives import Box, Device

__all__ = ["Box", "ColourImage", "Device", "Engine", "Image", "Matrix", "Page", "PageText", "TextLine"]

#: Grey levels, height x width, uint8. Colour would triple the work and does not help to read print.
Image: TypeAlias = npt.NDArray[np.uint8]

#: Homography of two images, 3 x 3.
Matrix: TypeAlias = npt.NDArray[np.float64]

#: Colour picture, height x width x 3, uint8, in OpenCV's order: blue, green, red.
ColourImage: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded page of a document."""

    image: Image
    #: Returns a small copy in colour, or None if there is none. Colour separates a card from a table of the
    #: same brightness. Each call decodes the file again.
    in_colour: Callable[[], ColourImage | None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True)
class TextLine:
    """One piece of text as the engine found it: a whole printed line, or a part of one."""

    text: str
    #: The engine's estimate, 0 to 1.
    confidence: float
    box: Box
    #: Certainty of the least certain character, 0 to 1; 1 if the engine does not tell.
    min_certainty: float = 1.0
    #: How probably a blank between two words is missing or was inserted wrongly, 0 to 1; 0 if the engine
    #: does not tell.
    blank_doubt: float = 0.0
    #: How often it was recognised, and whether the readings differ in more than blanks beside marks.
    looks: int = 1
    looks_differ: bool = False

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
    """Text that an engine read on one page."""

    #: The upright page that the boxes refer to; not always the page that was passed in.
    image: Image
    #: In reading order: top to bottom, then left to right.
    lines: tuple[TextLine, ...]
    device: Device
    #: Further cards on the same page; each has its own image.
    other_cards: tuple["PageText", ...] = ()
    #: 3 x 3, from pixels of ``image`` to those of the page that was passed in.
    to_page: Matrix = field(default_factory=lambda: np.eye(3), compare=False)
    #: Recognises some of ``lines`` once more and returns them in the same order; None if the engine has no
    #: second way to. Raises as ``Engine.read``.
    look_again: Callable[[Sequence[TextLine]], Sequence[TextLine]] | None = field(default=None, compare=False)


class Engine(Protocol):
    """Reads pages. Thread-safe."""

    @property
    def name(self) -> str:
        """Driver name, as in ``OCR_GPU_DRIVER``."""

    @property
    def device(self) -> Device:
        """Device that ``read`` computes on."""

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page.

        Raises:
            EngineError: the engine failed; a ``DeviceError`` if the GPU did.
        """
