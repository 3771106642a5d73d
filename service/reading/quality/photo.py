"""The five faults of a photo, each named from where reading begins to go wrong."""

import numpy as np

from service.reading.ocr.engine import PageText
from service.reading.quality.border import cuts_print
from service.reading.quality.boxes import boxes_of
from service.reading.quality.glare import hides_print
from service.reading.quality.strokes import Strokes, measure_strokes

#: Width of an edge as a share of its line's height; good photos and scans have 0.07 to 0.12.
MAX_SOFTNESS = 0.16

#: Grey levels between ink and ground, where the ground is darker than ``DARK_GROUND``.
MIN_CONTRAST, DARK_GROUND = 21, 80

#: Width of an edge, and grey levels between ink and ground, from where on small marks get lost.
CLEAR_SOFTNESS, CLEAR_CONTRAST = 0.148, 68

#: Share of the measured lines that must be too dark: a shadow may lie on a part of the card.
MIN_DARK_SHARE = 0.25


def faults(page: PageText) -> tuple[str, ...]:
    """Return the codes of a picture's faults: ``blurred``, ``too_dark``, ``unclear``, ``glare``, ``cut_off``.

    Each is measured on the print, and each sends a document to a person. So a limit stands where fields
    begin to be lost or misread with full confidence: the share of contract fields that the ``onnx`` engine
    read right on 206 invented cards, spoilt step by step, falls below 99 % there.

    - ``blurred``: the usual edge is as wide as ``MAX_SOFTNESS`` of its line. Right were 100 % of 298 fields
      below 0.145, 93 % of 30 below 0.16 (one card, whose number was impossible), 90 % of 58 below 0.18 and
      35 % of 268 above.
    - ``too_dark``: ``MIN_DARK_SHARE`` of the lines have less than ``MIN_CONTRAST``. With noise of 4 grey
      levels 100 % of 98 fields were right above it, 97 % of 32 from 18 to 21, 38 % of 52 below 18.
    - ``unclear``: as soft as ``CLEAR_SOFTNESS`` or paler than ``CLEAR_CONTRAST``, but neither of the above.
      There stops, apostrophes and blanks get lost while the engine stays sure of the letters. Of 1,000 cards
      of the accuracy bench's level ``hard`` 323 were approved without this check, 5 with a wrong name, and
      these are among 151 that are unclear. It stopped 6 of 116 of level ``photo`` there, and 22 of 200
      that were held out; of easier ones none of 156, and none of 800.
    - ``glare``: a patch burnt to white runs into a line. Patches about one line high left 97 % of 34 fields
      right, larger ones 69 % of 136; patches beside the print spoil nothing and are not named.
    - ``cut_off``: letters lie across an edge of the picture, be they a field or a heading. On cards of which
      this was said 72 % of 158 fields were right, on others that lay partly outside 98 % of 100.

    The shares for ``glare`` and ``cut_off`` are those of pages in colour, before they were read in grey.

    On a page without any line the busiest places are measured instead, for blur and darkness only.
    """
    boxes = boxes_of(page.image, page.lines)
    strokes = measure_strokes(page.image, boxes)
    found = {"blurred": _is_blurred(strokes), "too_dark": _is_too_dark(strokes)}
    found["unclear"] = not any(found.values()) and bool(page.lines) and _is_unclear(strokes)
    if page.lines:
        found["glare"] = hides_print(page.image, boxes)
        found["cut_off"] = cuts_print(page.image, boxes, float(np.median(strokes.contrast)))
    return tuple(code for code, present in found.items() if present)


def _is_blurred(strokes: Strokes) -> bool:
    return bool(np.median(strokes.softness) >= MAX_SOFTNESS)


def _is_unclear(strokes: Strokes) -> bool:
    return bool(np.median(strokes.softness) >= CLEAR_SOFTNESS or np.median(strokes.contrast) < CLEAR_CONTRAST)


def _is_too_dark(strokes: Strokes) -> bool:
    dark = (strokes.contrast < MIN_CONTRAST) & (strokes.ground < DARK_GROUND)
    return bool(dark.mean() >= MIN_DARK_SHARE)
