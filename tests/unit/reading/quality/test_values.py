from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

from service.reading.ocr.engine import Box, Image, TextLine
from service.reading.quality import ValuePrint, measure_value
from tests.unit.reading.quality.pages import FONT, printed

BOX: Box = ((20, 20), (620, 20), (620, 60), (20, 60))


def words(*texts: str, gap: float, face: Path = FONT) -> Image:
    """Print words with gaps of so many pixels of ink-free background between their letters' advances."""
    picture = PIL.Image.new("L", (640, 80), 220)
    pen, font = ImageDraw.Draw(picture), ImageFont.truetype(face, 30)
    x = 30.0
    for text in texts:
        pen.text((x, 24), text, font=font, fill=25)
        x += font.getlength(text) + gap
    return np.array(picture)


def measured(page: Image, text: str) -> ValuePrint:
    value = measure_value(page, [TextLine(text, 0.99, BOX, 0.9)], BOX, gaps=True)
    assert value is not None
    return value


def test_a_gap_as_wide_as_a_blank_within_a_word_that_was_read_stands_out() -> None:
    page = words("BUDI", "SANTOSO", gap=9)

    right, joined = measured(page, "BUDI SANTOSO"), measured(page, "BUDISANTOSO")

    assert right.spacing.widest_joint < 0.3 < right.spacing.narrowest_blank
    assert joined.spacing.widest_joint == right.spacing.narrowest_blank
    assert joined.spacing.narrowest_blank == np.inf


@pytest.mark.parametrize("prefix", [":", ": ", ""])
def test_the_colon_before_a_value_is_no_word(prefix: str) -> None:
    page = words(":", "BUDI", "SANTOSO", gap=9)

    value = measured(page, f"{prefix}BUDI SANTOSO")

    assert value.spacing.widest_joint < 0.3 < value.spacing.narrowest_blank


def test_the_gap_behind_a_one_is_no_blank() -> None:
    page = words("BLOK ", "G1", "3", gap=5, face=FONT.with_name("Roboto-Regular.ttf"))

    assert measured(page, "BLOK G13").spacing.widest_joint < 0.3
    assert measured(page, "BLOK GT3").spacing.widest_joint > 0.3


def test_a_speck_before_the_colon_is_no_word_either() -> None:
    value = measured(words(".", "  :", "BUDI", "SANTOSO", gap=9), ": BUDI SANTOSO")

    assert value.spacing.widest_joint < 0.3 < value.spacing.narrowest_blank


def test_the_gap_behind_a_mark_counts_neither_as_joint_nor_as_blank() -> None:
    # The full stop stands under the arm of the T.
    page = words("RT.", "5,", "KM.", "7", gap=9)

    apart, together = measured(page, "RT. 5, KM. 7").spacing, measured(page, "RT.5,KM.7").spacing

    assert apart.widest_joint < 0.3
    assert together.widest_joint < 0.3


@pytest.mark.parametrize(
    ("printed_text", "read", "unread"),
    [
        ("JL. MELATI NO. 5", "JL. MELATI NO. 5", 0),
        ("JL. MELATI NO. 5", "JL MELATI NO. 5", 1),
        ("JL. MELATI NO. 5", "JL MELATI NO 5", 2),
        ("SYAFI'I, S.H.", "SYAFII, S.H.", 1),
        ("JL MELATI NO 5", "JL MELATI NO 5", 0),
    ],
)
def test_marks_that_are_printed_and_were_not_read_are_counted(
    printed_text: str, read: str, unread: int
) -> None:
    assert measured(words(printed_text, gap=0), read).spacing.unread_marks == unread


def test_only_lines_in_its_place_belong_to_a_value() -> None:
    page = printed()
    name = next(line for line in page.lines if line.text.startswith("RATNA"))

    value = measure_value(page.image, page.lines, name.box, gaps=True)

    assert value is not None
    assert (value.confidence, value.is_cut, value.burnt) == (0.99, False, 0.0)
    assert (
        measure_value(page.image, page.lines, ((700, 560), (900, 560), (900, 600), (700, 600)), gaps=True)
        is None
    )
