"""Fixtures: pages of print drawn with the demo's fonts, and the engine under test."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

import devstack
from service.reading.ocr.engine import Engine, Image
from service.reading.ocr.loading import load_engine

FONT = Path(devstack.__file__).parent / "fonts" / "Arimo-Regular.ttf"

#: Text with the place of its top left corner, x and y in pixels.
Print: TypeAlias = tuple[str, tuple[int, int]]


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image]:
    """A function that prints texts on a page of light grey."""

    def draw(prints: Sequence[Print], size: tuple[int, int] = (1000, 640), height: int = 28) -> Image:
        picture = PIL.Image.new("L", size, 220)
        pen = ImageDraw.Draw(picture)
        for text, place in prints:
            pen.text(place, text, font=ImageFont.truetype(FONT, height), fill=20)
        return np.array(picture)

    return draw


@pytest.fixture(scope="session")
def form(draw: Callable[..., Image]) -> Image:
    """A page like a card: labels on the left, values in a second column, something on the right."""
    rows = [
        ("Nomor", "3171 0547 0890 0003"),
        ("Nama", "RATNA DEWI KUSUMA"),
        ("Alamat", "JALAN MERPATI NOMOR 17"),
        ("Agama", "KRISTEN"),
        ("Pekerjaan", "KARYAWAN SWASTA"),
        ("Berlaku", "SEUMUR HIDUP"),
    ]
    prints = [(label, (60, 150 + 60 * row)) for row, (label, _) in enumerate(rows)]
    prints += [(value, (300, 150 + 60 * row)) for row, (_, value) in enumerate(rows)]
    return draw([("KARTU CONTOH UNTUK PENGUJIAN", (260, 50)), *prints, ("JAKARTA", (800, 420))])


@pytest.fixture(scope="session")
def form_text() -> list[str]:
    """What a person reads on ``form``, in order."""
    return [
        *["KARTU CONTOH UNTUK PENGUJIAN", "Nomor", "3171 0547 0890 0003", "Nama", "RATNA DEWI KUSUMA"],
        *["Alamat", "JALAN MERPATI NOMOR 17", "Agama", "KRISTEN", "Pekerjaan", "KARYAWAN SWASTA"],
        *["JAKARTA", "Berlaku", "SEUMUR HIDUP"],
    ]


@pytest.fixture(scope="session")
def onnx_engine() -> Engine:
    """The ``onnx`` driver on the CPU, opened once."""
    return load_engine("onnx")
