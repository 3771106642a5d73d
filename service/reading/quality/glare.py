"""Detects glare: overexposed patches that hide print."""

import cv2
import numpy as np

from service.reading.ocr.engine import Image
from service.reading.quality.boxes import Boxes

#: Grey level from which a pixel is overexposed.
OVEREXPOSED = 250

#: Median grey level of the text area from which overexposed patches are ignored: on white paper, or in a
#: picture that is too bright as a whole, print stays legible.
BRIGHT_PAPER = 235

#: Minimum diameter of a patch, in line heights: smaller ones are gaps between letters, or white print.
MIN_PATCH_SIZE = 0.6

#: Line height in pixels on the subsampled copy that is searched.
SAMPLED_LINE_HEIGHT = 8


def burnt_share(page: Image, boxes: Boxes) -> float:
    """Return the share of some lines that overexposed patches cover, and which they may hide, 0 to 1."""
    step = max(1, round(boxes.usual_height / SAMPLED_LINE_HEIGHT))
    margin = int(2 * boxes.usual_height)
    left, top = np.maximum(0, boxes.corners.min(axis=(0, 1)).astype(int) - margin)
    right, bottom = boxes.corners.max(axis=(0, 1)).astype(int) + margin
    # Subsampled, not averaged: print beside a patch must not darken it.
    sampled = np.ascontiguousarray(page[top:bottom:step, left:right:step])
    diameter = max(2, round(MIN_PATCH_SIZE * boxes.usual_height / step))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    patches = cv2.morphologyEx(cv2.inRange(sampled, OVEREXPOSED, 255), cv2.MORPH_OPEN, disc)
    if not cv2.hasNonZero(patches):
        return 0.0
    text = np.zeros_like(patches)
    for corners in boxes.corners:
        cv2.fillConvexPoly(text, np.rint((corners - (left, top)) / step).astype(np.int32), 255)
    if not cv2.hasNonZero(text) or np.median(sampled[text > 0]) >= BRIGHT_PAPER:
        return 0.0
    return float((patches[text > 0] > 0).mean())
