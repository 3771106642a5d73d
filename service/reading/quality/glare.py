"""Light reflected from the card's surface: patches burnt to white that swallow print."""

import cv2
import numpy as np

from service.reading.ocr.engine import Image
from service.reading.quality.boxes import Boxes

#: Grey level from which a pixel is burnt.
BURNT = 250

#: Grey level of the area of the text from which burnt patches are no news: white paper, or
#: a picture too bright as a whole, in both of which the print stays legible.
WHITE = 235

#: Line heights across: smaller patches are gaps between letters and marks of white print.
MIN_PATCH = 0.6

#: Pixels of a line's height on the thinned-out copy on which patches are looked for.
LINE = 8


def hides_print(page: Image, boxes: Boxes) -> bool:
    """Whether a burnt patch runs into a line of text, which then may go on below it."""
    step = max(1, round(boxes.usual_height / LINE))
    # One pixel of so many, not their mean: print beside a patch must not darken it.
    seen = np.ascontiguousarray(page[::step, ::step])
    across = max(2, round(MIN_PATCH * boxes.usual_height / step))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    patches = cv2.morphologyEx(cv2.inRange(seen, BURNT, 255), cv2.MORPH_OPEN, disc)
    if not cv2.hasNonZero(patches):
        return False
    text = np.zeros_like(patches)
    for corners in boxes.corners:
        cv2.fillConvexPoly(text, np.rint(corners / step).astype(np.int32), 255)
    return bool((patches[text > 0] > 0).any() and np.median(seen[text > 0]) < WHITE)
