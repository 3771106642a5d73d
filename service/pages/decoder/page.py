"""A decoded page, how large it becomes, and the refusal of a file that cannot give one."""

from dataclasses import dataclass

from .limits import LONGEST_SIDE, SHORTEST_SIDE


@dataclass(frozen=True, slots=True)
class Page:
    """One page in blue, green, red with 8 bits each, row after row without gaps."""

    width: int
    height: int
    pixels: bytes


class RefusedError(Exception):
    """The file cannot be read; ``code`` is one of the sentences that the worker knows."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def page_size(width: float, height: float) -> tuple[int, int]:
    """Return a page's width and height after reduction to ``LONGEST_SIDE``.

    Raises:
        RefusedError: too little would be left.
    """
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    if min(width, height) * scale < SHORTEST_SIDE:
        raise RefusedError("image_too_small")
    return int(width * scale), int(height * scale)
