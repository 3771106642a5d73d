"""Decoded pages, their size, and the refusal of a file."""

from dataclasses import dataclass
from typing import Literal

from .limits import COLOUR_COPY_SIDE, MAX_SIDE, MIN_DRAFT_SIDE, MIN_SIDE


@dataclass(frozen=True, slots=True)
class Rendition:
    """Colour mode and size of a decoded page."""

    #: Pillow's mode.
    mode: Literal["L", "RGB"]
    #: Limit in pixels.
    longest_side: int
    #: Longest side in pixels that a JPEG keeps at least when it is decoded at a reduced size.
    min_draft_side: int


#: The page for reading, and its small copy in colour.
GREY_PAGE = Rendition("L", MAX_SIDE, MIN_DRAFT_SIDE)
COLOUR_COPY = Rendition("RGB", COLOUR_COPY_SIDE, COLOUR_COPY_SIDE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page in grey, or in blue, green, red; 8 bits per channel, rows without padding."""

    width: int
    height: int
    pixels: bytes
    #: EXIF orientation, 1 to 8 (CIPA DC-008, 4.6.5).
    orientation: int = 1


class RefusedError(Exception):
    """The file cannot be read; ``code`` is one of the worker's ``REFUSALS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def page_size(width: float, height: float, rendition: Rendition) -> tuple[int, int]:
    """Return width and height of a decoded page.

    Raises:
        RefusedError: the page for reading would be too small.
    """
    longest, shortest = max(width, height, 1), min(width, height)
    if shortest * min(1.0, MAX_SIDE / longest) < MIN_SIDE:
        raise RefusedError("image_too_small")
    scale = min(1.0, rendition.longest_side / longest)
    return max(1, int(width * scale)), max(1, int(height * scale))
