"""Gaps between letters, measured on drawn lines."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw

from bench.accuracy.word_gaps import measure_gaps
from devstack.printing import load_font
from service.reading.ocr.engine import Image

#: Pixels: height of the line and size of its print, whose capitals are 29 high.
HEIGHT, SIZE = 48, 41

FONT = load_font("Arimo-Regular", SIZE)
CAP_HEIGHT = -FONT.getbbox("H", anchor="ls")[1]


def drawn(words: Sequence[str], gap: float) -> tuple[Image, list[float]]:
    """Print words with a blank of ``gap`` cap heights; return the line and the middles of its letters."""
    places, x = [], 12.0
    for word in words:
        for letter in word:
            places.append((x, letter))
            x += FONT.getlength(letter)
        x += gap * CAP_HEIGHT
    picture = Pictures.new("L", (round(x) + 12, HEIGHT), 210)
    pen = ImageDraw.Draw(picture)
    for left, letter in places:
        pen.text((left, 38), letter, fill=40, font=FONT, anchor="ls")
    middles = [(left + FONT.getlength(letter) / 2) / picture.width for left, letter in places]
    return np.asarray(picture, np.uint8), middles


@pytest.mark.parametrize("gap", [0.3, 0.45, 0.6])
@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_the_gap_between_two_words_is_measured_in_cap_heights(gap: float, blur: float) -> None:
    strip, middles = drawn(("BUDI", "HARTONO"), gap)
    if blur:
        strip = np.asarray(cv2.GaussianBlur(strip, (0, 0), blur), np.uint8)

    gaps = measure_gaps(strip, middles)

    # An I and an H leave 0.25 cap heights beside themselves.
    assert gaps[3] == pytest.approx(gap + 0.25, abs=0.1)
    assert max(np.delete(gaps, 3)) < 0.35


@pytest.mark.parametrize("ground", [90, 250])
def test_light_and_contrast_do_not_change_the_gap(ground: int) -> None:
    strip, middles = drawn(("SITI", "MARYAM"), 0.4)
    tinted = np.asarray(strip * (ground / 210.0), np.uint8)

    assert measure_gaps(tinted, middles)[3] == pytest.approx(measure_gaps(strip, middles)[3], abs=0.05)
