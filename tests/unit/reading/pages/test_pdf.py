"""Pages of a PDF, drawn as pictures."""

import io

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from service.reading.pages import MAX_SIDE, read_pages
from tests.unit.reading.pages.hostile import pdf_with_image
from tests.unit.reading.pages.samples import (
    BLUE,
    GREEN,
    GREY,
    RED,
    assert_quarters,
    grey_pages,
    pdf_of,
    pdf_page,
    sample,
    saved,
    stream,
)


def blank_pdf(pages: int = 1, size: tuple[float, float] = (240, 150)) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def test_a_pdf_gives_its_first_two_pages_in_print_resolution() -> None:
    scans = [sample(600, 400) for _ in range(3)]
    content = saved(scans[0], "PDF", save_all=True, append_images=scans[1:], resolution=150)

    pages = grey_pages(content)

    assert [page.shape for page in pages] == [(800, 1200)] * 2


@pytest.mark.parametrize("width", [241, 242, 243, 244])
def test_the_scan_inside_a_pdf_is_drawn_whatever_its_width(width: int) -> None:
    content = saved(sample(width * 3, 600), "PDF", resolution=216, quality=95)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_a_page_has_a_small_copy_in_colour() -> None:
    (page,) = read_pages(saved(sample(900, 600), "PDF", resolution=216, quality=95))

    copy = page.in_colour()

    assert copy is not None
    assert copy.shape == (240, 360, 3)
    assert copy[60, 90][::-1] == pytest.approx(np.array(RED), abs=8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_scans_of_every_kind_of_colour_are_drawn(mode: str) -> None:
    picture = PIL.Image.new("RGB", (900, 600), "white")
    picture.paste("black", (0, 0, 450, 600))
    content = saved(picture.convert(mode), "PDF", resolution=216)

    (page,) = grey_pages(content)

    # Ink of three colours without black is not quite black.
    assert page[:, :600].max() < 80
    assert page[:, 650:].min() > 240


def test_text_inside_a_pdf_is_drawn_as_anything_else() -> None:
    font = b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    text = stream(b"BT /F 60 Tf 10 50 Td (NIK 317) Tj ET")
    content = pdf_of(pdf_page(content=text, resources=font))

    (page,) = grey_pages(content)

    assert 0.02 < (page < 128).mean() < 0.5


def test_a_page_that_the_file_says_is_turned_is_turned() -> None:
    page_objects = pdf_page(content=stream(b"0 0 120 150 re f"))
    page_objects[2] = page_objects[2].replace(b"/Contents", b"/Rotate 90 /Contents")
    content = pdf_of(page_objects)

    (page,) = grey_pages(content)

    assert page.shape[0] > page.shape[1]
    assert_quarters(page, (0, 0, 0), (0, 0, 0), (255, 255, 255), (255, 255, 255))


@pytest.mark.parametrize("longest", [842, 845, 850, 864.5, 1080, 1440, 2016, 4032.7, 14_400])
def test_no_page_is_drawn_a_pixel_too_long(longest: float) -> None:
    """Of every ten lengths, one came to ``MAX_SIDE`` and a trace, was rounded up, and was refused."""
    content = blank_pdf(size=(longest, 400))

    (page,) = grey_pages(content)

    assert MAX_SIDE - 20 < page.shape[1] <= MAX_SIDE


def test_a_poster_in_a_pdf_is_drawn_no_larger_than_a_photo() -> None:
    content = blank_pdf(size=(14_400, 9_000))

    (page,) = grey_pages(content)

    assert page.shape == (MAX_SIDE * 5 // 8, MAX_SIDE)


@pytest.mark.parametrize(
    "second",
    [
        b"null",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 2000 4] >>",
        pdf_page(content=b"", resources=b"/XObject << /I 6 0 R >>")[2].replace(b"4 0 R", b"7 0 R"),
    ],
    ids=["missing", "too small", "too large"],
)
def test_a_pdf_whose_second_page_cannot_be_read_is_read_by_its_first(second: bytes) -> None:
    first = pdf_page(content=stream(b"0 0 240 75 re f"))
    first[1] = b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>"
    image = b"/Type /XObject /Subtype /Image /Width 90000 /Height 90000 /ColorSpace /DeviceGray"
    more = [second, stream(b"x", image + b" /BitsPerComponent 8"), stream(b"240 0 0 150 0 0 cm /I Do")]
    content = pdf_of([*first, *more])

    pages = grey_pages(content)

    assert len(pages) == 1
    assert_quarters(pages[0], (255, 255, 255), (255, 255, 255), (0, 0, 0), (0, 0, 0))


def test_a_pdf_without_its_table_of_objects_is_read_all_the_same() -> None:
    content = saved(sample(900, 600), "PDF", resolution=200, quality=95)

    (page,) = grey_pages(content[: content.rindex(b"xref\n")].replace(b"%%EOF", b"") + b"%%EOF")

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_a_pdf_may_begin_after_some_other_bytes() -> None:
    content = b"\r\n" * 20 + blank_pdf()

    assert len(grey_pages(content)) == 1


def test_a_scan_of_a_whole_sheet_in_black_and_white_is_not_too_large() -> None:
    content = pdf_with_image(4960, 7016, b"\x00" * 64, b"/RunLengthDecode")

    assert len(grey_pages(content)) == 1
