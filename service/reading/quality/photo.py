"""The five faults of a photo, with thresholds at which reading starts to fail."""

import numpy as np

from service.reading.ocr.engine import PageText
from service.reading.quality.border import cuts_print
from service.reading.quality.boxes import boxes_of
from service.reading.quality.glare import burnt_share
from service.reading.quality.strokes import Strokes, measure_strokes
from service.reading.quality.values import ValuePrint

#: Maximum width of an edge as a share of the line height; good photos and scans have 0.07 to 0.12.
MAX_SOFTNESS = 0.16

#: Minimum contrast of ink and background in grey levels, where the background is darker than the second
#: value.
MIN_CONTRAST, DARK_BACKGROUND = 21, 80

#: Edge width and contrast at which punctuation starts to get lost.
MAX_CLEAR_SOFTNESS, MIN_CLEAR_CONTRAST = 0.148, 68

#: Height of a line with its margins, in pixels, below which print is small; capitals have about half of it.
MIN_LINE_HEIGHT = 19

#: Minimum share of the measured lines that are too dark: a shadow may cover a part of the card.
MIN_DARK_SHARE = 0.25


def faults(page: PageText) -> tuple[str, ...]:
    """Return the codes of a picture's faults: ``blurred``, ``too_dark``, ``unclear``, ``glare``, ``cut_off``.

    Each is measured on the print, and each sends a document to manual review. So a threshold is set where
    fields start to be lost or misread with full confidence: where the share of contract fields that the
    ``onnx`` engine read right on 206 invented cards, degraded step by step, falls below 99 %.

    - ``blurred``: the median edge is as wide as ``MAX_SOFTNESS`` of its line. Right were 100 % of 298 fields
      below 0.145, 93 % of 30 below 0.16 (one card, whose number was impossible), 90 % of 58 below 0.18 and
      35 % of 268 above.
    - ``too_dark``: ``MIN_DARK_SHARE`` of the lines have less than ``MIN_CONTRAST``. With noise of 4 grey
      levels 100 % of 98 fields were right above it, 97 % of 32 from 18 to 21, 38 % of 52 below 18.
    - ``unclear``: softer than ``MAX_CLEAR_SOFTNESS`` or paler than ``MIN_CLEAR_CONTRAST``, but neither of the
      above. There full stops, apostrophes and blanks get lost while the confidence in the letters stays high.
      Of 1,000 cards of the accuracy bench's level ``hard`` 323 were approved without this check, 5 with a
      wrong name, and these are among 151 that are unclear. It stopped 6 of 116 of level ``photo`` there, and
      22 of 200 that were held out; of easier ones none of 156, and none of 800.
    - ``glare``: an overexposed patch overlaps a line. Patches about one line high left 97 % of 34 fields
      right, larger ones 69 % of 136; patches beside the print do no harm and are not reported.
    - ``cut_off``: letters of a field or heading cross an edge of the picture. On cards with this code 72 % of
      158 fields were right, on others that were partly outside 98 % of 100.

    The shares for ``glare`` and ``cut_off`` were measured when pages were still read in colour.

    On a page without any line the areas of highest contrast are measured instead, for blur and darkness only.
    """
    boxes = boxes_of(page.image, page.lines)
    strokes = measure_strokes(page.image, boxes)
    found = {"blurred": _is_blurred(strokes), "too_dark": _is_too_dark(strokes)}
    found["unclear"] = not any(found.values()) and bool(page.lines) and _is_unclear(strokes)
    if page.lines:
        found["glare"] = burnt_share(page.image, boxes) > 0
        found["cut_off"] = cuts_print(page.image, boxes, float(np.median(strokes.contrast)))
    return tuple(code for code, present in found.items() if present)


def print_faults(value: ValuePrint) -> tuple[str, ...]:
    """Return the codes of the faults at a value's own letters; they explain why it may be wrong."""
    is_blurred = value.softness >= MAX_SOFTNESS
    is_dark = value.contrast < MIN_CONTRAST and value.ground < DARK_BACKGROUND
    is_unclear = value.softness >= MAX_CLEAR_SOFTNESS or value.contrast < MIN_CLEAR_CONTRAST
    found = {
        "blurred": is_blurred,
        "too_dark": is_dark,
        "unclear": is_unclear and not is_blurred and not is_dark,
        "text_too_small": value.height < MIN_LINE_HEIGHT,
    }
    return tuple(code for code, present in found.items() if present)


def _is_blurred(strokes: Strokes) -> bool:
    return bool(np.median(strokes.softness) >= MAX_SOFTNESS)


def _is_unclear(strokes: Strokes) -> bool:
    return bool(
        np.median(strokes.softness) >= MAX_CLEAR_SOFTNESS or np.median(strokes.contrast) < MIN_CLEAR_CONTRAST
    )


def _is_too_dark(strokes: Strokes) -> bool:
    dark = (strokes.contrast < MIN_CONTRAST) & (strokes.background < DARK_BACKGROUND)
    return bool(dark.mean() >= MIN_DARK_SHARE)
