"""Training lines look like lines that the detector cuts out of pictures."""

import random
from pathlib import Path

import numpy as np
import pytest

import devstack
from service.reading.ocr.shapes import FULL, LineSize
from tools.recogniser.lines import draw_line

FACE = Path(devstack.__file__).parent / "fonts" / "Roboto-Regular.ttf"


@pytest.mark.parametrize("size", [FULL, LineSize(32, 0.8)])
def test_a_line_has_the_height_asked_for_and_grows_with_its_text(size: LineSize) -> None:
    short, long = (
        np.mean([draw_line(text, [FACE], random.Random(seed), size).shape for seed in range(8)], axis=0)
        for text in ("NIK", "KABUPATEN HULU SUNGAI TENGAH")
    )

    assert short[0] == long[0] == size.height
    assert long[1] > 4 * short[1]


def test_the_same_seed_gives_the_same_line() -> None:
    one, other = (draw_line("JL.MELATI NO.3", [FACE], random.Random(5), FULL) for _ in range(2))

    assert np.array_equal(one, other)


def test_most_lines_show_dark_ink_on_a_lighter_ground() -> None:
    lines = [draw_line("BUDI SANTOSO", [FACE], random.Random(seed), FULL) for seed in range(40)]

    contrast = [float(np.percentile(line, 80)) - float(np.percentile(line, 5)) for line in lines]
    assert np.median(contrast) > 60
