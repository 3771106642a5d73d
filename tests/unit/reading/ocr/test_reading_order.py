import numpy as np
import pytest

from service.reading.ocr.engine import TextLine
from service.reading.ocr.reading_order import in_reading_order

#: A form: rows 40 pixels apart, and a stamp between two rows on the right.
FORM = [
    ("nomor", 20, 100, 80),
    ("123", 200, 104, 300),
    ("nama", 20, 140, 70),
    ("ratna", 200, 138, 200),
    ("tempat", 600, 160, 150),
    ("alamat", 20, 180, 90),
    ("jalan", 200, 183, 250),
]
ORDER = ["nomor", "123", "nama", "ratna", "tempat", "alamat", "jalan"]


def line(text: str, x: float, y: float, width: float, degrees: float = 0.0) -> TextLine:
    """A line 24 pixels high, on a page turned about its origin."""
    slope = np.radians(degrees)
    turn = np.array([[np.cos(slope), np.sin(slope)], [-np.sin(slope), np.cos(slope)]])
    points = np.array([[x, y], [x + width, y], [x + width, y + 24], [x, y + 24]]) @ turn
    first, second, third, fourth = ((float(a), float(b)) for a, b in points)
    return TextLine(text, 1.0, (first, second, third, fourth))


@pytest.mark.parametrize("degrees", [-10, -3, 0, 3, 10])
def test_rows_are_read_from_top_to_bottom_and_each_from_left_to_right(degrees: int) -> None:
    lines = [line(*place, degrees=degrees) for place in FORM]

    ordered = in_reading_order(lines[::-1])

    assert [piece.text for piece in ordered] == ORDER


def test_a_page_without_lines_has_no_order() -> None:
    assert in_reading_order([]) == []
