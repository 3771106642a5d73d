"""What the camera left of the print: how soft its edges are, and how far ink and ground lie apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image
from service.reading.quality.boxes import Boxes

#: Pixels (height, width) of a piece of a line: its letters are then about 14 pixels high.
PIECE = (32, 96)

#: How many lines are measured, evenly spread over the page.
MAX_PIECES = 10

#: Percentiles of a piece's grey levels that stand for its ink and its ground: print covers about an eighth.
INK, GROUND = 3, 90

#: Percentile of the steepness in one direction that stands for the edges across it.
EDGES = 97

#: Sobel's 3 x 3 operator gives so many times the grey levels a pixel.
_SOBEL = 8


@dataclass(frozen=True, slots=True)
class Strokes:
    """The print of a page: one entry for each piece that was measured."""

    #: Grey levels, 0 to 255.
    ink: npt.NDArray[np.float32]
    ground: npt.NDArray[np.float32]
    #: Width of the edges as a share of the line's height, in whichever direction they are softest.
    softness: npt.NDArray[np.float32]

    @property
    def contrast(self) -> npt.NDArray[np.float32]:
        """Grey levels between ink and ground."""
        return self.ground - self.ink


def measure_strokes(page: Image, boxes: Boxes) -> Strokes:
    """Measure the print of some lines; where no line could be read, that of the busiest places."""
    pieces = np.stack([*_line_pieces(page, boxes)] or [*_busiest_pieces(page, boxes.usual_height)])
    ink, ground = _percentiles(pieces, INK, GROUND)
    # An edge of the steepest kind that went all the way from ink to ground would be so many pixels wide.
    widths = (ground - ink) / np.maximum(_steepness(pieces), 1 / _SOBEL)
    return Strokes(ink, ground, np.asarray(widths / PIECE[0], np.float32))


def _line_pieces(page: Image, boxes: Boxes) -> Iterator[Image]:
    """Cut the middle out of lines; lines too short for a piece count only where there are no others."""
    shape = PIECE[1] / PIECE[0]
    long = np.flatnonzero(boxes.widths >= shape * boxes.heights)
    places = long if len(long) else np.arange(len(boxes.heights))
    evenly = np.linspace(0, len(places) - 1, min(len(places), MAX_PIECES)).astype(int)
    for (x, y), height in zip(
        boxes.corners[places[evenly]].mean(axis=1), boxes.heights[places[evenly]], strict=True
    ):
        rows = slice(max(0, round(y - height / 2)), round(y + height / 2) + 1)
        columns = slice(max(0, round(x - shape * height / 2)), round(x + shape * height / 2) + 1)
        yield np.asarray(cv2.resize(page[rows, columns], PIECE[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _busiest_pieces(page: Image, height: float) -> Iterator[Image]:
    """Cut a page into pieces as high as a line would be, and yield those with most contrast."""
    high, wide = PIECE
    down = max(1, round(page.shape[0] / height))
    across = max(1, round(page.shape[1] / height * high / wide))
    sized = np.asarray(cv2.resize(page, (across * wide, down * high), interpolation=cv2.INTER_AREA), np.uint8)
    pieces = sized.reshape(down, high, across, wide).swapaxes(1, 2).reshape(-1, high, wide)
    yield from pieces[np.argsort(pieces.std(axis=(1, 2)))[-MAX_PIECES:]]


def _steepness(pieces: Image) -> npt.NDArray[np.float32]:
    """Return by piece the grey levels a pixel of its edges, in the direction in which they are softest.

    Four directions, because a hand that shook smears the edges along its way only.
    """
    stack = pieces.reshape(-1, pieces.shape[2])
    across, down = (
        # The outermost rows of a piece have seen the piece above or below; of the others half will do.
        np.asarray(cv2.Sobel(stack, cv2.CV_16S, *order), np.int16).reshape(pieces.shape)[:, 1:-1:2]
        for order in ((1, 0), (0, 1))
    )
    straight = [_percentiles(np.abs(way), EDGES)[0] for way in (across, down)]
    slanted = [_percentiles(np.abs(way), EDGES)[0] for way in (across + down, across - down)]
    softest = np.minimum(np.minimum(*straight), np.minimum(*slanted) / np.sqrt(2))
    return np.asarray(softest / _SOBEL, np.float32)


def _percentiles(pieces: npt.NDArray[np.integer], *percents: int) -> list[npt.NDArray[np.float32]]:
    """Return percentiles by piece, each the nearest value: five times as quick as NumPy's own."""
    rows = pieces.reshape(len(pieces), -1)
    places = [round(percent / 100 * (rows.shape[1] - 1)) for percent in percents]
    parted = np.partition(rows, places, axis=1)
    return [parted[:, place].astype(np.float32) for place in places]
