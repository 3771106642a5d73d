"""A file as a user sends it, with what it shows."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from devstack import degrade
from devstack.camera import Picture


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as a user sends it."""

    content: bytes
    suffix: Literal["jpg", "png", "pdf"]
    #: What the file shows, its pixels as they are stored, and where the card lies in it.
    shown: Picture
    #: What was done, in a word or two.
    how: str


def as_jpeg(picture: Picture, quality: int, how: str, orientation: int | None = None) -> Taken:
    """Encode a picture; what is shown has passed the compression too."""
    content = degrade.encode_jpeg(picture.image, quality, orientation)
    raw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert raw is not None
    return Taken(content, "jpg", Picture(np.asarray(raw, np.uint8), picture.place), how)
