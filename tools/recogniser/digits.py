"""Draws digits for machines, after the form of ISO 1073-1 (OCR-A), in strokes of any weight and proportion.

Identity cards print their number so. No font file is used: the faces of devstack judge the result.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from PIL import ImageDraw

#: Points of a stroke: columns 0 (left) to 2 (right), rows 0 (base line) to 4 (top).
_Stroke: TypeAlias = Sequence[tuple[float, float]]

_STROKES: Mapping[str, Sequence[_Stroke]] = {
    "0": [[(0.4, 0), (1.6, 0), (2, 0.6), (2, 3.4), (1.6, 4), (0.4, 4), (0, 3.4), (0, 0.6), (0.4, 0)]],
    "1": [[(0.2, 4), (1, 4), (1, 0)], [(0.1, 0), (2, 0), (2, 1)]],
    "2": [[(0, 4), (2, 4), (2, 2), (0, 2), (0, 0), (2, 0)]],
    "3": [[(0, 4), (1.7, 4), (1.7, 2.2), (2, 2), (2, 0), (0, 0)], [(0.5, 2.1), (1.8, 2.1)]],
    "4": [[(0, 4), (0, 1.6), (2, 1.6)], [(1.6, 2.6), (1.6, 0)]],
    "5": [[(2, 4), (0.2, 4), (0.2, 2.2), (2, 2.2), (2, 0), (0, 0)]],
    "6": [[(0.1, 4), (0, 3.6), (0, 0), (2, 0), (2, 1.9), (0, 1.9)]],
    "7": [[(0, 3.3), (0, 4), (2, 4), (2, 3), (1, 1.8), (1, 0)]],
    "8": [
        [(0.3, 4), (1.7, 4), (1.7, 2.2), (0.3, 2.2), (0.3, 4)],
        [(0, 2.2), (2, 2.2), (2, 0), (0, 0), (0, 2.2)],
    ],
    "9": [[(2, 0), (2, 4), (0, 4), (0, 2), (2, 2)]],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MachineDigits:
    """A face of digits; lengths in cap heights."""

    width: float
    #: From one digit's left edge to the next one's.
    advance: float
    weight: float
    #: How far points are moved, by digit and point, in columns and rows.
    bent: Mapping[str, Sequence[Sequence[tuple[float, float]]]]

    def draw(self, pen: ImageDraw.ImageDraw, digit: str, place: tuple[float, float], cap: float) -> None:
        """Draw a digit from the left end of its base line, in capitals' height ``cap``."""
        x, y = place
        half = self.weight * cap / 2
        for stroke in self.bent[digit]:
            points = [
                (x + half + column / 2 * (self.width * cap - 2 * half), y - half - row / 4 * (cap - 2 * half))
                for column, row in stroke
            ]
            pen.line(points, fill=255, width=round(2 * half), joint="curve")
            for px, py in (points[0], points[-1]):
                pen.ellipse((px - half, py - half, px + half, py + half), fill=255)


def machine_digits(rng: random.Random) -> MachineDigits:
    """Return a face of its own proportions."""
    width = rng.uniform(0.5, 0.72)

    def bent(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] + rng.uniform(-0.08, 0.08), point[1] + rng.uniform(-0.1, 0.1)

    return MachineDigits(
        width=width,
        advance=width + rng.uniform(0.15, 0.42),
        weight=rng.uniform(0.08, 0.17),
        bent={
            digit: [[bent(one) for one in stroke] for stroke in strokes]
            for digit, strokes in _STROKES.items()
        },
    )
