"""Files made to take the worker down: what becomes of each, what the user is told, and what it took.

`make hostile` runs these tests only and writes a table of them into docs/security.md.
"""

import random
from collections.abc import Callable

import numpy as np
import pytest

from service.reading.pages import MAX_FILE_SIZE, MAX_SIDE, process
from service.reading.pages.decoder.limits import DEADLINE
from service.reading.pages.refusals import refusal, too_large
from tests.unit.reading.pages import hostile, hostile_report
from tests.unit.reading.pages.measuring import measured
from tests.unit.reading.pages.samples import heic, sample, saved

pytestmark = pytest.mark.slow

#: MiB that any file may take at its highest.
MAX_MEMORY = 1024

READ = ""

FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "an image of 35,000 x 35,000 in a PDF of a kilobyte": (hostile.pdf_of_packed_image, "image_too_large"),
    "a PNG that claims 100,000 x 100,000": (lambda: hostile.png(100_000, 100_000), "image_too_large"),
    "a PDF of a thousand pages": (lambda: hostile.pdf_of_pages(1000), READ),
    "a PDF page of 30 x 30 inches": (lambda: hostile.pdf_page_of(2160), READ),
    "a PDF page of 35,000 x 35,000": (lambda: hostile.pdf_page_of(35_000), READ),
    "a PDF with a password": (hostile.pdf_with_password, "encrypted_pdf"),
    "a PDF that breaks off": (lambda: hostile.pdf_of_pages(1000)[:9000], "broken_pdf"),
    "a PDF of bytes by chance": (lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(4096), "broken_pdf"),
    "a JPEG with a PDF behind it": (lambda: saved(sample(), "JPEG") + hostile.pdf_of_pages(2), READ),
    "an archive with a PDF behind it": (lambda: b"PK\x03\x04" + bytes(60) + hostile.pdf_of_pages(1), READ),
    "a page of HTML with a PNG behind it": (lambda: b"<html>" + saved(sample(), "PNG"), "not_an_image"),
    "a PNG with a page of HTML behind it": (lambda: saved(sample(), "PNG") + b"<html>", READ),
    "a JPEG without end, at the highest limit": (lambda: hostile.jpeg_without_end(MAX_FILE_SIZE), READ),
    "a JPEG of thousands of scans": (lambda: hostile.jpeg_of_many_scans(3000), "file_takes_too_long"),
    "a JPEG that claims 65,500 x 65,500": (
        lambda: hostile.jpeg_that_claims(65_500, 65_500),
        "image_too_large",
    ),
    "a PNG whose pixels inflate to a gigabyte": (hostile.png_with_swollen_pixels, READ),
    "a PNG whose notes inflate to gigabytes": (hostile.png_with_swollen_notes, READ),
    "a PNG of 49 megapixels, 16 bits, transparent": (
        lambda: hostile.png_of_a_colour(7000, 7000, 4, 16, 6),
        READ,
    ),
    "a TIFF whose pages go in a circle": (hostile.tiff_that_loops, READ),
    "a TIFF that claims 60,000 x 60,000": (
        lambda: hostile.tiff_that_claims(60_000, 60_000),
        "image_too_large",
    ),
    "a TIFF that lacks nearly all of its 49 megapixels": (
        lambda: hostile.tiff_that_claims(7000, 7000),
        "truncated_image",
    ),
    "a WebP that claims 16,383 x 16,383": (
        lambda: hostile.webp_that_claims(16_383, 16_383),
        "image_too_large",
    ),
    "a HEIC that claims 60,000 x 60,000": (
        lambda: hostile.heic_that_claims(60_000, 60_000),
        "image_too_large",
    ),
    "a HEIC that lacks nearly all of its 49 megapixels": (
        lambda: hostile.heic_that_claims(7000, 7000),
        "truncated_image",
    ),
    "a PDF with JPEG 2000 that is larger than it says": (hostile.pdf_with_lying_jpx, "file_breaks_decoder"),
    "a PDF with JBIG2 that is larger than it says": (lambda: hostile.pdf_with_lying_jbig2(30_000), READ),
    "a PDF with a mask of 35,000 x 35,000": (hostile.pdf_with_soft_mask, READ),
    "a PDF whose list of pages goes in a circle": (hostile.pdf_whose_pages_loop, "broken_pdf"),
    "a PDF whose drawing draws itself": (hostile.pdf_that_draws_itself, "file_breaks_decoder"),
    "a PDF of drawings in drawings": (lambda: hostile.pdf_of_forms_in_forms(8, 10), "file_breaks_decoder"),
    "a PDF whose drawing inflates to two gigabytes": (
        lambda: hostile.pdf_with_swollen_content(1 << 31),
        "file_breaks_decoder",
    ),
    "a PDF of two million curves": (lambda: hostile.pdf_of_curves(2_000_000), "file_takes_too_long"),
    "a PDF with a pattern of a million millions": (hostile.pdf_with_dense_pattern, "file_takes_too_long"),
    "a PDF with a pattern of an image of 35,000 x 35,000": (hostile.pdf_with_pattern_of_image, READ),
    "a PDF of three million open brackets": (lambda: hostile.pdf_drawing(b"[" * 3_000_000), READ),
    "a PDF whose second page is one of those": (hostile.pdf_whose_second_page_is_hostile, READ),
    "a file over the highest limit": (
        lambda: saved(sample(), "JPEG") + bytes(MAX_FILE_SIZE),
        "file_too_large",
    ),
    "half a HEIC": (lambda: heic(sample())[:900], "truncated_image"),
}


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit on processor time is a file's; that of the clock, the machine's, is far away."""
    monkeypatch.setattr(process, "DEADLINE", 10 * DEADLINE)


@pytest.mark.parametrize("name", FILES)
def test_no_file_takes_the_worker_down(
    name: str, no_decoder: None, record_property: Callable[[str, object], None]
) -> None:
    build, code = FILES[name]
    content = build()

    result = measured(content)

    record_property(hostile_report.ROW, hostile_report.row(name, len(content), result))
    assert result.code == code
    refused = too_large(MAX_FILE_SIZE) if code == "file_too_large" else refusal(code) if code else ""
    assert result.text == str(refused)
    assert bool(result.pages) == (code == READ)
    assert all(max(page.image.shape) <= MAX_SIDE for page in result.pages)
    assert result.peak < MAX_MEMORY


def test_after_a_hostile_file_the_next_one_is_read(no_decoder: None) -> None:
    before = measured(saved(sample(), "PNG")).pages

    measured(hostile.pdf_with_lying_jpx())

    (after,) = measured(saved(sample(), "PNG")).pages
    assert np.array_equal(after.image, before[0].image)
