"""Digits for machines are drawn in faces of their own."""

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

import devstack
from service.reading.ocr.shapes import FULL
from tools.recogniser.digits import MachineDigits, machine_digits
from tools.recogniser.lines import draw_line

FACE = Path(devstack.__file__).parent / "fonts" / "Roboto-Regular.ttf"
CAP = 40


def drawn(face: MachineDigits, digit: str) -> npt.NDArray[np.bool_]:
    canvas = Image.new("L", (80, 60))
    face.draw(ImageDraw.Draw(canvas), digit, (10, 50), CAP)
    return np.asarray(canvas) > 0


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_fills_its_place(digit: str) -> None:
    for seed in range(20):
        face = machine_digits(random.Random(seed))

        rows, columns = np.nonzero(drawn(face, digit))

        # Strokes are bent by up to a fortieth of the height, and their ends are round.
        assert rows.min() == pytest.approx(50 - CAP, abs=4)
        assert rows.max() == pytest.approx(50, abs=4)
        assert columns.min() == pytest.approx(10, abs=6)
        assert columns.max() == pytest.approx(10 + face.width * CAP, abs=6)


def test_no_two_digits_look_alike() -> None:
    face = machine_digits(random.Random(1))

    shapes = {drawn(face, digit).tobytes() for digit in "0123456789"}

    assert len(shapes) == 10


def test_each_face_has_proportions_of_its_own() -> None:
    faces = [machine_digits(random.Random(seed)) for seed in range(5)]

    assert len({drawn(face, "8").tobytes() for face in faces}) == 5


def test_a_line_of_them_is_as_wide_as_their_advance_and_keeps_its_colon_in_the_other_face() -> None:
    narrow, wide = (
        MachineDigits(0.5, advance, 0.1, machine_digits(random.Random(1)).bent) for advance in (0.6, 1.0)
    )

    widths = [
        np.mean(
            [
                draw_line(": 3171", [FACE], random.Random(seed), FULL, digits=digits).shape[1]
                for seed in range(6)
            ]
        )
        for digits in (narrow, wide)
    ]

    assert widths[1] > 1.15 * widths[0]


def test_a_line_printed_light_on_dark_is_so() -> None:
    lines = [draw_line("BUDI SANTOSO", [FACE], random.Random(seed), FULL, inverse=True) for seed in range(20)]

    # Most of a line is ground: its median is nearer to the darkest pixels than to the lightest.
    dark = [
        np.median(line) - np.percentile(line, 3) < np.percentile(line, 97) - np.median(line) for line in lines
    ]
    assert np.mean(dark) > 0.8
