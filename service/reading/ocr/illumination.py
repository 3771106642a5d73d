"""Even light: what lies in the dark is made as light as the rest before anything is looked for in it."""

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image

#: Grey level that the ground gets where it was darker; lighter ground stays as it is.
GROUND = 170

#: A page is left alone when its ground, but for this share of it, is lighter than this grey level.
DARK_SHARE, DARK = 0.25, 90

#: The most that light is strengthened: noise grows with it.
MAX_GAIN = 6.0

#: Every so many pixels the page is looked at, at most; samples along the longest side, at least.
STEP, SAMPLES = 8, 100

#: Samples across: a window in which some ground shows between the print.
WINDOW = 7


def even_light(page: Image) -> Image:
    """Return the page with its dark parts lightened; the page itself when it is light enough."""
    step = max(1, min(STEP, max(page.shape) // SAMPLES))
    ground = _ground(np.ascontiguousarray(page[::step, ::step]))
    if np.mean(ground < DARK) < DARK_SHARE:
        return page
    gain = np.clip(GROUND / np.maximum(ground, 1), 1, MAX_GAIN).astype(np.float32)
    height, width = page.shape
    full = cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(page, full, dtype=cv2.CV_8U)
    return np.asarray(lit, np.uint8)


def _ground(samples: Image) -> npt.NDArray[np.uint8]:
    """Return the grey level of the ground around each sample."""
    # The lightest near each is ground; a median smooths what noise and reflections add.
    lightest = cv2.dilate(cv2.medianBlur(samples, 3), np.ones((WINDOW, WINDOW), np.uint8))
    return np.asarray(cv2.blur(lightest, (WINDOW, WINDOW)), np.uint8)
