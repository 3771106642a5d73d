"""Turns printed cards into uploads: scanned, photographed, turned or blurred."""

import io
import random

import cv2
import numpy as np
from PIL import Image as Pictures

from devstack.camera import Conditions, photograph
from devstack.scanner import Scanner
from devstack.scanner import scan as scan_page
from service.reading.ocr.engine import ColourImage, Image

#: A phone's picture as the app sends it, taken by a steady hand in fair light.
STEADY = Conditions()

#: A copy on a white A4 page, enlarged to 60 % of its width as copies of cards are, laid in askew.
COPY = Scanner()

#: Dots per inch that a PDF gives its page.
PAGE_RESOLUTION = 200.0

#: EXIF's tag for how to turn the pixels before showing them (EXIF 2.3, 4.6.4 A).
_EXIF_ORIENTATION = 0x0112

#: The values that mean: turn the pixels clockwise by 90, 180, 270 degrees before showing them.
EXIF_TURN_CLOCKWISE, EXIF_TURN_HALF, EXIF_TURN_COUNTERCLOCKWISE = 6, 3, 8


def photo(card: ColourImage, rng: random.Random) -> ColourImage:
    """Take a phone's picture of the card on a table: tilted, in perspective, unevenly lit, slightly soft."""
    return photograph(card, STEADY, rng).image


def scan(card: ColourImage, rng: random.Random) -> ColourImage:
    """Copy the card onto an A4 page."""
    return scan_page(card, COPY, rng).image


def poor(card: ColourImage, rng: random.Random) -> ColourImage:
    """A small picture far out of focus: the heading shows that it is a card, nobody can read the rest."""
    small = cv2.resize(photo(card, rng), (800, 600), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 3.3), dtype=np.uint8)


def turned(picture: ColourImage, degrees: int) -> ColourImage:
    """Turn a picture clockwise by 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, k=-degrees // 90))


def encode_jpeg(picture: ColourImage | Image, quality: int = 92, orientation: int | None = None) -> bytes:
    """JPEG bytes, in grey for a page; ``orientation`` is EXIF's, 1 to 8."""
    exif = Pictures.Exif()
    if orientation is not None:
        exif[_EXIF_ORIENTATION] = orientation
    target = io.BytesIO()
    _as_pillow(picture).save(target, "JPEG", quality=quality, exif=exif)
    return target.getvalue()


def encode_png(picture: ColourImage | Image) -> bytes:
    """PNG bytes, in grey for a page."""
    target = io.BytesIO()
    _as_pillow(picture).save(target, "PNG")
    return target.getvalue()


def encode_pdf(*pages: ColourImage, resolution: float = PAGE_RESOLUTION) -> bytes:
    """A PDF that holds each picture as a JPEG on a page of its own, as scanners write it."""
    first, *more = map(_as_pillow, pages)
    target = io.BytesIO()
    # Without dates the same pictures give the same bytes.
    first.save(
        target,
        "PDF",
        resolution=resolution,
        save_all=bool(more),
        append_images=more,
        creationDate=None,
        modDate=None,
    )
    return target.getvalue()


def _as_pillow(picture: ColourImage | Image) -> Pictures.Image:
    return Pictures.fromarray(picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
