"""Hints about how a picture was made: ``photocopy``, ``screen``. They are no faults and decide nothing."""

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import ColourImage, Image, Page

#: Distance from grey in Lab, at this percentile, up to which a picture has no colour: its cast is taken out
#: first. The portrait of a KTP and the heading of an NPWP are far above it.
MAX_CHROMA, CHROMA_PERCENTILE = 7.0, 98.0

#: Side in pixels of the tiles whose spectra are averaged, and how many there are at most.
TILE, MAX_TILES = 256, 9

#: Cycles per pixel: finer patterns than print and the card's own lines have, coarser than the pixels.
FREQUENCIES = (0.17, 0.49)

#: Ratio of a peak of the spectrum to what surrounds it, as a natural logarithm, from which it is a display's.
MIN_PEAK = 3.5


def hints(page: Page) -> tuple[str, ...]:
    """Return ``photocopy`` for a picture without colour, ``screen`` for one with the grid of a display.

    A grey scan of the card itself has no colour either.
    """
    found = {"photocopy": is_colourless(page.in_colour()), "screen": grid_peak(page.image) >= MIN_PEAK}
    return tuple(name for name, present in found.items() if present)


def is_colourless(picture: ColourImage | None) -> bool:
    """Whether a picture has no colour but a cast; a file without colour has none."""
    if picture is None:
        return True
    small = cv2.resize(picture, (160, 120), interpolation=cv2.INTER_AREA).astype(np.float32)
    # The lamp's colour scales each channel; paper shows by how much.
    white = np.maximum(np.percentile(small, 95, axis=(0, 1)), 1)
    balanced = np.clip(small / white, 0, 1).astype(np.float32)
    distance = np.linalg.norm(cv2.cvtColor(balanced, cv2.COLOR_BGR2Lab)[..., 1:], axis=2)
    return bool(np.percentile(distance, CHROMA_PERCENTILE) <= MAX_CHROMA)


def grid_peak(page: Image) -> float:
    """Return how far the highest peak of the fine part of the spectrum stands out, as a natural logarithm."""
    spectrum = _spectrum(page)
    if spectrum is None:
        return 0.0
    around = cv2.medianBlur(spectrum, 5)
    wide = cv2.blur(around, (15, 15))
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32) / TILE - 0.5
    radius = np.hypot(x, y)
    fine = (radius > FREQUENCIES[0]) & (np.maximum(abs(x), abs(y)) < FREQUENCIES[1])
    # Blocks of a JPEG are 8 pixels wide; straight edges lie on the axes.
    fine &= (abs(x) > 2.5 / TILE) & (abs(y) > 2.5 / TILE)
    return float((spectrum - wide)[fine].max())


def _spectrum(page: Image) -> npt.NDArray[np.float32] | None:
    """Return the mean log power spectrum of tiles around the middle, zero frequency in its centre."""
    height, width = page.shape
    if min(height, width) < TILE:
        return None
    window = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)
    tops = np.unique(np.linspace(0.1 * (height - TILE), 0.9 * (height - TILE), 3).astype(int))
    lefts = np.unique(np.linspace(0.1 * (width - TILE), 0.9 * (width - TILE), 3).astype(int))
    total = np.zeros((TILE, TILE), np.float32)
    for top in tops:
        for left in lefts:
            tile = page[top : top + TILE, left : left + TILE].astype(np.float32)
            total += np.abs(np.fft.fft2((tile - tile.mean()) * window)) ** 2
    return np.fft.fftshift(np.log(total / (len(tops) * len(lefts)) + 1e-3)).astype(np.float32)
