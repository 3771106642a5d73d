"""Measures the print of single values: size, sharpness, contrast, gaps, and what touches their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

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

#: Height in cap heights up to which a spot of ink is a mark, and the marks that count: the colon is higher.
MAX_MARK_HEIGHT, MARKS = 0.45, ".,'-"

#: Width of a colon, and the gap behind it, in cap heights.
MAX_COLON_WIDTH, MIN_COLON_GAP = 0.3, 0.35

#: Widths of the digit 1 in cap heights: in many fonts it stands as far from the next digit as words do.
ONE_WIDTHS = (0.25, 0.47)

#: Longest line that is measured, in pixels of ``GAUGE_HEIGHT``.
_MAX_GAUGE_WIDTH = 2400


@dataclass(frozen=True, slots=True)
class InkRun:
    """Inked columns of a line side by side; all in cap heights."""

    left: float
    right: float
    #: From the highest to the lowest ink.
    height: float


@dataclass(frozen=True, slots=True)
class Spacing:
    """Gaps between letters in cap heights, and marks."""

    #: The widest gap that was read as no blank, and the narrowest that was read as one.
    widest_joint: float = 0.0
    narrowest_blank: float = np.inf
    #: Spots of ink as small as a full stop or an apostrophe, beyond the marks that were read.
    unread_marks: int = 0


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
    #: How probably a blank between two words is missing or was inserted wrongly, 0 to 1.
    blank_doubt: float
    #: How often its lines were recognised, at least, and whether readings of one differ.
    looks: int
    looks_differ: bool
    spacing: Spacing

    @property
    def contrast(self) -> float:
        """Grey levels between ink and ground."""
        return self.ground - self.ink


def measure_value(page: Image, lines: Sequence[TextLine], box: Box, *, gaps: bool) -> ValuePrint | None:
    """Measure the print in ``box``; None if no line lies there.

    Parameters:
        lines: all lines of the page
        gaps: whether to measure the spacing
    """
    own = lines_in(lines, box)
    if not own:
        return None
    boxes = boxes_of(page, own)
    strokes = measure_strokes(page, boxes)
    return ValuePrint(
        height=float(boxes.heights.min()),
        softness=float(strokes.softness.max()),
        ink=float(strokes.ink.max()),
        ground=float(strokes.background.min()),
        burnt=burnt_share(page, boxes),
        is_cut=cuts_lines(page, boxes, float(np.median(strokes.contrast))),
        confidence=min(line.confidence for line in own),
        min_certainty=min(line.min_certainty for line in own),
        blank_doubt=max(line.blank_doubt for line in own),
        looks=min(line.looks for line in own),
        looks_differ=any(line.looks_differ for line in own),
        spacing=_spacing(page, own) if gaps else Spacing(),
    )


def lines_in(lines: Sequence[TextLine], box: Box) -> list[TextLine]:
    """Return the lines that have most of their height, or of the box's, in common with it, and width too."""
    if not lines:
        return []
    corners = np.array([line.box for line in lines], np.float64)
    place = np.array(box, np.float64)
    low, high = corners.min(axis=1), corners.max(axis=1)
    common = np.minimum(high, place.max(axis=0)) - np.maximum(low, place.min(axis=0))
    shorter = np.minimum(high - low, np.ptp(place, axis=0))
    is_own = (common > (MIN_COMMON_WIDTH, MIN_COMMON_HEIGHT) * shorter).all(axis=1)
    return [lines[index] for index in np.flatnonzero(is_own).tolist()]


def _spacing(page: Image, lines: Sequence[TextLine]) -> Spacing:
    """Compare blanks and marks that were read with gaps and small spots of ink, over all lines."""
    joints, blanks, marks = [0.0], [np.inf], 0
    for line in lines:
        runs = ink_runs(cut_line(page, np.array(line.box, np.float32), GAUGE_HEIGHT, _MAX_GAUGE_WIDTH))
        text = line.text.strip(" :;")
        runs = _without_colon(runs, line.text)
        seen = [run.height < MAX_MARK_HEIGHT for run in runs]
        gaps = [after.left - before.right for before, after in pairwise(runs)]
        # Behind a mark a blank may be there or not: values are compared without.
        widths = [run.right - run.left for run in runs[:-1]]
        narrow = [index for index, width in enumerate(widths) if ONE_WIDTHS[0] < width < ONE_WIDTHS[1]]
        ones = sorted(narrow, key=gaps.__getitem__, reverse=True)[: text.count("1")]
        plain = sorted(gap for index, gap in enumerate(gaps) if not seen[index] and index not in ones)
        behind_marks = sum(one in MARKS and other == " " for one, other in pairwise(text))
        # A mark that touches its letter is no spot of its own, and the gap behind it looks like any other.
        touching = max(0, sum(one in MARKS for one in text[:-1]) - sum(seen[:-1]))
        count = min(len(plain), text.count(" ") - behind_marks + touching)
        joints += plain[: len(plain) - count]
        blanks += plain[len(plain) - count :]
        marks += max(0, sum(seen) - sum(character in MARKS for character in text))
    return Spacing(float(max(joints)), float(min(blanks)), marks)


def _without_colon(runs: list[InkRun], text: str) -> list[InkRun]:
    """Leave out the colon before a value, which is in the line's box even where it was not read.

    Specks beside it, such as the end of the label's last letter, are left out as well.
    """
    start = 0
    # `I WAYAN`: a single letter may look like a colon.
    if text.strip(" :;")[1:2] != " ":
        while (
            start + 1 < len(runs)
            and runs[start].right - runs[start].left < MAX_COLON_WIDTH
            and runs[start + 1].left - runs[start].right > MIN_COLON_GAP
        ):
            start += 1
    return runs[max(start, int(text.lstrip()[:1] in {":", ";"})) :]


def ink_runs(line: Image) -> list[InkRun]:
    """Return the runs of inked columns of a straightened line, from left to right."""
    # Every third column is enough, and a partition is faster than NumPy's percentiles.
    levels = line[:, ::3].ravel()
    places = [int(0.03 * levels.size), int(0.85 * levels.size)]
    low, high = np.partition(levels, places)[places].astype(np.float32)
    # Neighbouring rows, with the feet and tops of their letters, are left out.
    ink = (line < high - INK_LEVEL * (high - low))[GAUGE_HEIGHT // 6 : -GAUGE_HEIGHT // 6]
    rows = np.flatnonzero(ink.sum(axis=1) > 0.02 * ink.shape[1])
    columns = ink.any(axis=0)
    if len(rows) < 2 or not columns.any():
        return []
    cap_height = float(rows[-1] - rows[0] + 1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], columns, [False])).astype(np.int8)))
    runs = []
    for left, right in edges.reshape(-1, 2).tolist():
        inked = np.flatnonzero(ink[:, left:right].any(axis=1))
        runs.append(InkRun(left / cap_height, right / cap_height, int(inked[-1] - inked[0] + 1) / cap_height))
    return runs
