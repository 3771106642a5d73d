"""Files that cannot be read, and what their senders are told."""

import numpy as np
import PIL.Image
import pytest

from service.errors import DocumentError
from service.reading.pages import MAX_FILE_SIZE, REFUSALS, read_pages
from service.reading.pages.refusals import too_large
from tests.unit.reading.pages.hostile import pdf_with_password, png
from tests.unit.reading.pages.samples import (
    BLUE,
    GREEN,
    GREY,
    RED,
    assert_quarters,
    grey_pages,
    heic,
    sample,
    saved,
)
from tests.unit.reading.pages.test_pdf import blank_pdf


def code_of(content: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read_pages(content)
    return caught.value.code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"Ini bukan gambar, ini surat.", "not_an_image"),
        (b"<html><body>403</body></html>", "not_an_image"),
        (b"PK\x03\x04" + bytes(200), "not_an_image"),
        (saved(sample(), "GIF"), "not_an_image"),
        (saved(sample(), "BMP"), "not_an_image"),
        (bytes(MAX_FILE_SIZE + 1), "file_too_large"),
        (b"\xff\xd8\xff\xe0", "truncated_image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "truncated_image"),
        (b"II*\0" + bytes(50), "truncated_image"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + bytes(50), "truncated_image"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "truncated_image"),
        (png(300, 200), "truncated_image"),
        (png(9000, 9000), "image_too_large"),
        (saved(sample(30, 30), "PNG"), "image_too_small"),
        (saved(sample(6000, 60), "PNG"), "image_too_small"),
        (pdf_with_password(), "encrypted_pdf"),
        (b"%PDF-1.7\n", "broken_pdf"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 8, "broken_pdf"),
        (blank_pdf(pages=0), "broken_pdf"),
        (blank_pdf(size=(2000, 4)), "image_too_small"),
        (saved(PIL.Image.new("1", (8000, 7000)), "PDF"), "image_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(content: bytes, code: str) -> None:
    assert code_of(content) == code


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("size", [(300, 200), (4200, 2800)])
def test_a_truncated_jpeg_is_refused_rather_than_read_in_part(
    size: tuple[int, int], part: float, progressive: bool
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (50, 75, 3), np.uint8)
    picture = PIL.Image.fromarray(noise).resize(size)
    content = saved(picture, "JPEG", progressive=progressive)

    assert code_of(content[: int(len(content) * part)]) == "truncated_image"


@pytest.mark.parametrize("part", [0.3, 0.67, 0.95])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "HEIC"])
def test_other_truncated_pictures_are_refused_too(file_format: str, part: float) -> None:
    noise = PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8))
    content = heic(noise) if file_format == "HEIC" else saved(noise, file_format)

    assert code_of(content[: int(len(content) * part)]) == "truncated_image"


def test_a_photo_whose_notes_mention_pdf_is_still_a_photo() -> None:
    content = saved(sample(), "JPEG", comment=b"%PDF-1.7", quality=95)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


@pytest.mark.parametrize("first", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_file_that_is_a_picture_and_a_pdf_at_once_is_read_as_the_picture(first: str) -> None:
    content = saved(sample(), first, quality=95) + blank_pdf(pages=2)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_a_file_that_is_a_pdf_and_an_archive_at_once_is_read_as_the_pdf() -> None:
    content = b"PK\x03\x04" + bytes(60) + blank_pdf()

    assert len(read_pages(content)) == 1


def test_refusals_advise_in_indonesian_and_english() -> None:
    sentences = [str(DocumentError(code, *texts)) for code, texts in REFUSALS.items()]

    assert all("unggah" in sentence and "upload" in sentence for sentence in sentences)


def test_a_file_that_is_too_large_is_told_the_limit_that_is_kept() -> None:
    assert too_large(5 * 2**20).args == DocumentError("file_too_large", *REFUSALS["file_too_large"]).args
    assert "paling banyak 12 MB." in str(too_large(12 * 2**20))
    assert "at most 12 MB." in str(too_large(12 * 2**20))
