"""Illumination correction: brightens the dark parts of a page before text is detected in it."""

import cv2
import numpy as np
import numpy.typing as npt

from service.reading.ocr.engine import Image

#: Grey level that a darker background is raised to; a lighter one is not changed.
TARGET_LEVEL = 170

#: A page is corrected only if at least this share of its background is darker than this grey level.
MIN_DARK_SHARE, DARK_LEVEL = 0.25, 90

#: Limit of the gain, because it amplifies noise.
MAX_GAIN = 6.0

#: The background is sampled at least every so many pixels, and at so many points along the longest side.
MAX_STEP, MIN_SAMPLES = 8, 100

#: Side of the window in samples; some background shows between the print in each window.
WINDOW = 7


def even_illumination(page: Image) -> Image:
    """Return the page with its dark parts brightened, or the page itself if it is bright enough."""
    step = max(1, min(MAX_STEP, max(page.shape) // MIN_SAMPLES))
    background = _background(np.ascontiguousarray(page[::step, ::step]))
    if np.mean(background < DARK_LEVEL) < MIN_DARK_SHARE:
        return page
    gain = np.clip(TARGET_LEVEL / np.maximum(background, 1), 1, MAX_GAIN).astype(np.float32)
    height, width = page.shape
    full = cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(page, full, dtype=cv2.CV_8U)
    return np.asarray(lit, np.uint8)


def _background(samples: Image) -> npt.NDArray[np.uint8]:
    """Return the grey level of the background around each sample."""
    # The brightest neighbour is background; the median removes noise and reflections first.
    brightest = cv2.dilate(cv2.medianBlur(samples, 3), np.ones((WINDOW, WINDOW), np.uint8))
    return np.asarray(cv2.blur(brightest, (WINDOW, WINDOW)), np.uint8)
