"""Measures the print of single values: size, sharpness, contrast, gaps, and what touches their place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Box, Image, TextLine
from service.reading.ocr.geometry import cut_line
from service.reading.quality.border import cuts_lines
from service.reading.quality.boxes import boxes_of
from service.reading.quality.glare import burnt_share
from service.reading.quality.strokes import measure_strokes

#: Share of a line's height, and of the shorter of two widths, that a line and a value must have in common.
MIN_COMMON_HEIGHT, MIN_COMMON_WIDTH = 0.5, 0.5

#: Height in pixels to which a line is straightened before its gaps are measured.
GAUGE_HEIGHT = 48

#: Share of the contrast of a line from which a pixel is ink.
INK_LEVEL = 0.5

#: Longest line that is measured, in pixels of ``GAUGE_HEIGHT``.
_MAX_GAUGE_WIDTH = 2400


@dataclass(frozen=True, slots=True)
class ValuePrint:
    """How one value is printed, at the worst of its lines."""

    #: Height of a line with its margins, in pixels; capitals have about half of it.
    height: float
    #: Width of an edge as a share of the line height.
    softness: float
    #: Grey levels of ink and ground, 0 to 255.
    ink: float
    ground: float
    #: Share of the value's place that is overexposed, 0 to 1.
    burnt: float
    #: Whether letters of its lines cross an edge of the picture.
    is_cut: bool
    #: The engine's confidence in the text, before any repair, and its certainty of the least certain
    #: character, 0 to 1.
    confidence: float
    min_certainty: float
    #: In cap heights: the widest gap that was read as no blank, and the narrowest that was read as one.
    widest_joint: float
    narrowest_blank: float

    @property
    def contrast(self) -> float:
        """Grey levels between ink and ground."""
        return self.ground - self.ink


def measure_value(page: Image, lines: Sequence[TextLine], box: Box, *, gaps: bool) -> ValuePrint | None:
    """Measure the print in ``box``; None if no line lies there.

    Parameters:
        lines: all lines of the page
        gaps: whether to measure the gaps between letters
    """
    own = [line for line in lines if _share_place(line, box)]
    if not own:
        return None
    boxes = boxes_of(page, own)
    strokes = measure_strokes(page, boxes)
    joint, blank = _gaps(page, own) if gaps else (0.0, np.inf)
    return ValuePrint(
        height=float(boxes.heights.min()),
        softness=float(strokes.softness.max()),
        ink=float(strokes.ink.max()),
        ground=float(strokes.background.min()),
        burnt=burnt_share(page, boxes),
        is_cut=cuts_lines(page, boxes, float(np.median(strokes.contrast))),
        confidence=min(line.confidence for line in own),
        min_certainty=min(line.min_certainty for line in own),
        widest_joint=joint,
        narrowest_blank=blank,
    )


def _share_place(line: TextLine, box: Box) -> bool:
    left, right = min(x for x, _ in box), max(x for x, _ in box)
    top, bottom = min(y for _, y in box), max(y for _, y in box)
    across = min(line.right, right) - max(line.left, left)
    down = min(line.bottom, bottom) - max(line.top, top)
    return down > MIN_COMMON_HEIGHT * min(line.bottom - line.top, bottom - top) and across > (
        MIN_COMMON_WIDTH * min(line.right - line.left, right - left)
    )


def _gaps(page: Image, lines: Sequence[TextLine]) -> tuple[float, float]:
    """Return the widest gap without a blank and the narrowest with one, over all lines, in cap heights."""
    joints, blanks = [0.0], [np.inf]
    for line in lines:
        quad = np.array(line.box, np.float32)
        gaps = sorted(ink_gaps(cut_line(page, quad, GAUGE_HEIGHT, _MAX_GAUGE_WIDTH)))
        # The colon before a value stands apart from it.
        count = line.text.strip(" :;").count(" ") + line.text.lstrip().startswith((":", ";"))
        joints += gaps[: len(gaps) - count]
        blanks += gaps[len(gaps) - count :] if count else []
    return float(max(joints)), float(min(blanks))


def ink_gaps(line: Image) -> list[float]:
    """Return the gaps between inked columns of a straightened line, from left to right, in cap heights."""
    low, high = np.percentile(line, (3, 85))
    ink = line < high - INK_LEVEL * (high - low)
    rows = np.flatnonzero(ink.sum(axis=1) > 0.02 * ink.shape[1])
    columns = np.flatnonzero(ink[GAUGE_HEIGHT // 6 : -GAUGE_HEIGHT // 6].any(axis=0))
    if len(rows) < 2 or len(columns) < 2:
        return []
    cap_height = float(rows[-1] - rows[0] + 1)
    steps: npt.NDArray[np.int64] = np.diff(columns) - 1
    return [float(step) / cap_height for step in steps[steps > 0]]
