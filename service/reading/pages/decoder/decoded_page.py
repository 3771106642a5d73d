"""A decoded page, how large it becomes, and the refusal of a file that cannot give one."""

from dataclasses import dataclass
from typing import Literal

from .limits import COPY_SIDE, MAX_SIDE, MIN_DRAFT_SIDE, MIN_SIDE


@dataclass(frozen=True, slots=True)
class Form:
    """What is made of a page."""

    #: Pillow's mode.
    mode: Literal["L", "RGB"]
    #: Pixels, at most.
    longest_side: int
    #: Pixels that a JPEG must keep when it is decoded at a part of its size.
    least_draft_side: int


#: A page as it is read, and its small copy in colour.
IN_GREY, IN_COLOUR = Form("L", MAX_SIDE, MIN_DRAFT_SIDE), Form("RGB", COPY_SIDE, COPY_SIDE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page in grey, or in blue, green, red, with 8 bits each, row after row without gaps."""

    width: int
    height: int
    pixels: bytes
    #: How it is to be turned to stand as the camera was held, 1 to 8 (CIPA DC-008, 4.6.5).
    orientation: int = 1


class RefusedError(Exception):
    """The file cannot be read; ``code`` is one of the sentences that the worker knows."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def page_size(width: float, height: float, form: Form) -> tuple[int, int]:
    """Return the width and height of what is made of a page.

    Raises:
        RefusedError: as the page is read, too little would be left.
    """
    longest, shortest = max(width, height, 1), min(width, height)
    if shortest * min(1.0, MAX_SIDE / longest) < MIN_SIDE:
        raise RefusedError("image_too_small")
    scale = min(1.0, form.longest_side / longest)
    return max(1, int(width * scale)), max(1, int(height * scale))
