"""Test pictures with instructions for the bench's engine in a few pixels."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from devstack.degrade import encode_png
from service.reading.ocr.engine import Image

#: Pixels: width and height, a little more than the worker refuses as too small.
_SIDE = 64

#: Green of the first pixel says that a picture is the bench's.
_MAGIC = 77


class Behaviour(IntEnum):
    """What reading a picture does, after as long as it says."""

    #: Gives a tax card's number and name.
    GOOD = 1
    #: Gives too little, so that a person has to look at it.
    DOUBTFUL = 2
    #: Kills its process natively, as a segmentation fault would.
    POISON = 3
    #: Never returns from C, with Python's lock released.
    HANG = 4
    #: Never returns from C and holds Python's lock: no thread of the process runs any more.
    FREEZE = 5
    #: Raises the first times it is read, as often as it says.
    FLAKY = 6


@dataclass(frozen=True, slots=True)
class Marks:
    """What is written into a picture."""

    behaviour: Behaviour
    #: Below a million; comes back as digits of the number that is read.
    serial: int
    #: Seconds that reading takes, in tenths.
    tenths: int = 0
    #: How often a ``FLAKY`` one fails.
    failures: int = 0


def draw(marks: Marks) -> bytes:
    """A picture with these marks, as PNG, which keeps every pixel."""
    page = np.full((_SIDE, _SIDE), 200, np.uint8)
    page[0, :3] = (marks.behaviour, _MAGIC, marks.failures)
    page[1, :3] = tuple(marks.serial.to_bytes(3, "big"))
    page[2, :3] = tuple(marks.tenths.to_bytes(3, "big"))
    return encode_png(page)


def marks_of(page: Image) -> Marks | None:
    """What is written into a picture, or None when it is not the bench's."""
    behaviour, magic, failures = (int(value) for value in page[0, :3])
    if magic != _MAGIC or page.shape != (_SIDE, _SIDE):
        return None
    return Marks(
        behaviour=Behaviour(behaviour),
        serial=int.from_bytes(page[1, :3].tobytes(), "big"),
        tenths=int.from_bytes(page[2, :3].tobytes(), "big"),
        failures=failures,
    )


def npwp_number(serial: int) -> str:
    """The number that a picture with this serial shows."""
    return f"95.427.374.4-{serial // 1000:03}.{serial % 1000:03}"
