"""Bytes to pages: what is accepted, and how everything else is refused."""

import io
import struct
import threading
import zlib
from typing import Any

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from service.errors import DocumentError
from service.ocr.engine import Image
from service.pages import LONGEST_SIDE, REFUSALS, read_pages

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 180, 30), (30, 30, 200), (220, 220, 220)


def sample(width: int = 300, height: int = 200) -> PIL.Image.Image:
    """Quarters of red, green, blue and grey, clockwise: turns and swapped channels show."""
    picture = PIL.Image.new("RGB", (width, height), GREY)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (width // 2, height // 2, width, height))
    return picture


def saved(picture: PIL.Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def quarters(page: Image) -> list[tuple[int, ...]]:
    """The colours (red, green, blue) in the middle of a page's quarters, clockwise from the top left."""
    height, width = page.shape[:2]
    places = ((1, 1), (1, 3), (3, 3), (3, 1))
    return [tuple(map(int, page[height * y // 4, width * x // 4, ::-1])) for y, x in places]


def assert_quarters(page: Image, *expected: tuple[int, int, int]) -> None:
    assert np.abs(np.array(quarters(page)) - np.array(expected)).max() <= 6


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


def pdf(pages: int = 1, size: tuple[float, float] = (240, 150)) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


ENCRYPTED_PDF = b"""%%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 240 150] >> endobj
4 0 obj << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> endobj
trailer << /Root 1 0 R /Encrypt 4 0 R /ID [<00> <00>] /Size 5 >>
%%%%EOF""" % (b"11" * 32, b"22" * 32)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_becomes_one_page_of_its_size_in_blue_green_red(file_format: str) -> None:
    content = saved(sample(), file_format, quality=95)

    pages = read_pages(content)

    assert [page.shape for page in pages] == [(200, 300, 3)]
    assert_quarters(pages[0], RED, GREEN, BLUE, GREY)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (RED, GREEN, BLUE, GREY)),
        (3, (BLUE, GREY, RED, GREEN)),
        (6, (GREY, RED, GREEN, BLUE)),
        (8, (GREEN, BLUE, GREY, RED)),
    ],
)
def test_a_photo_is_turned_as_the_camera_noted(
    orientation: int, expected: tuple[tuple[int, int, int], ...]
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    content = saved(sample(), "JPEG", quality=95, exif=exif)

    (page,) = read_pages(content)

    assert page.shape[:2] == ((200, 300) if orientation < 5 else (300, 200))
    assert_quarters(page, *expected)


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("L", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("CMYK", "TIFF"),
    ],
)
def test_every_kind_of_colour_becomes_three_channels(mode: str, file_format: str) -> None:
    picture = PIL.Image.new("RGB", (300, 200), "white")
    picture.paste("black", (0, 0, 150, 200))
    content = saved(picture.convert(mode), file_format)

    (page,) = read_pages(content)

    assert_quarters(page, (0, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))


def test_sixteen_bits_of_grey_keep_their_contrast() -> None:
    depth = np.full((200, 300), 60_000, np.uint16)
    depth[:, :150] = 300
    content = saved(PIL.Image.fromarray(depth), "PNG")

    (page,) = read_pages(content)

    assert_quarters(page, (0, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))


def test_what_is_transparent_shows_white_paper() -> None:
    picture = sample().convert("RGBA")
    picture.putalpha(PIL.Image.new("L", picture.size, 0))
    content = saved(picture, "PNG")

    (page,) = read_pages(content)

    assert_quarters(page, *[(255, 255, 255)] * 4)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_large_photo_is_brought_down_to_the_longest_side(file_format: str) -> None:
    content = saved(sample(4200, 2800), file_format)

    (page,) = read_pages(content)

    assert page.shape == (LONGEST_SIDE * 2 // 3, LONGEST_SIDE, 3)
    assert_quarters(page, RED, GREEN, BLUE, GREY)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_notes_of_the_camera_that_cannot_be_read_do_not_matter() -> None:
    content = saved(sample(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")

    (page,) = read_pages(content)

    assert page.shape == (200, 300, 3)


def test_a_pdf_gives_its_first_two_pages_in_print_resolution() -> None:
    content = pdf(pages=3, size=(288, 192))

    pages = read_pages(content)

    assert [page.shape for page in pages] == [(800, 1200, 3)] * 2


def test_a_pdf_shows_the_scan_inside_it() -> None:
    content = saved(sample(900, 600), "PDF", resolution=200, quality=95)

    (page,) = read_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_a_poster_in_a_pdf_is_drawn_no_larger_than_a_photo() -> None:
    content = pdf(size=(14_400, 9_000))

    (page,) = read_pages(content)

    assert page.shape == (LONGEST_SIDE * 5 // 8, LONGEST_SIDE, 3)


def test_a_photo_whose_notes_mention_pdf_is_still_a_photo() -> None:
    content = saved(sample(), "JPEG", comment=b"%PDF-1.7", quality=95)

    (page,) = read_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_several_threads_may_read_pdfs_at_once() -> None:
    content = saved(sample(900, 600), "PDF", resolution=200, quality=95)
    read: list[Image] = []
    threads = [threading.Thread(target=lambda: read.extend(read_pages(content))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(read) == 4
    assert all(np.array_equal(page, read[0]) for page in read)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"Ini bukan gambar, ini surat.", "not_an_image"),
        (b"<html><body>403</body></html>", "not_an_image"),
        (b"PK\x03\x04" + bytes(200), "not_an_image"),
        (saved(sample(), "GIF"), "not_an_image"),
        (b"\xff\xd8\xff\xe0", "truncated_image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "truncated_image"),
        (png_header(300, 200), "truncated_image"),
        (png_header(9000, 9000), "image_too_large"),
        (png_header(10_000, 10_000), "image_too_large"),
        (png_header(60_000, 60_000), "image_too_large"),
        (saved(sample(30, 30), "PNG"), "image_too_small"),
        (saved(sample(6000, 60), "PNG"), "image_too_small"),
        (ENCRYPTED_PDF, "encrypted_pdf"),
        (b"%PDF-1.7\n", "broken_pdf"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 8, "broken_pdf"),
        (pdf(pages=0), "broken_pdf"),
        (pdf(size=(2000, 4)), "image_too_small"),
        (saved(PIL.Image.new("1", (7000, 6000)), "PDF"), "image_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(content: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_pages(content)

    assert caught.value.code == code


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("size", [(300, 200), (4200, 2800)])
def test_a_truncated_jpeg_is_refused_rather_than_read_in_part(
    size: tuple[int, int], part: float, progressive: bool
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (50, 75, 3), np.uint8)
    picture = PIL.Image.fromarray(noise).resize(size)
    content = saved(picture, "JPEG", progressive=progressive)

    with pytest.raises(DocumentError) as caught:
        read_pages(content[: int(len(content) * part)])

    assert caught.value.code == "truncated_image"


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_other_truncated_pictures_are_refused_too(file_format: str) -> None:
    content = saved(sample(), file_format)

    with pytest.raises(DocumentError) as caught:
        read_pages(content[: len(content) * 2 // 3])

    assert caught.value.code in {"truncated_image", "not_an_image"}


def test_damage_anywhere_in_a_file_is_survived_or_refused() -> None:
    random = np.random.default_rng(7)
    originals = [
        saved(sample(), "JPEG"),
        saved(sample(), "PNG"),
        saved(sample(), "WEBP"),
        saved(sample(), "TIFF"),
        saved(sample(), "PDF"),
    ]
    damaged = []
    for original in originals:
        for _ in range(40):
            copy = bytearray(original)
            for place in random.integers(0, min(len(copy), 600), 6):
                copy[place] = random.integers(0, 256)
            damaged.append(bytes(copy))

    outcomes = []
    for content in damaged:
        try:
            outcomes.append(read_pages(content)[0].ndim)
        except DocumentError as error:
            outcomes.append(error.code in REFUSALS)

    assert set(outcomes) <= {3, True}


def test_refusals_speak_indonesian_and_english_and_say_what_to_do() -> None:
    sentences = [str(DocumentError(code, *texts)) for code, texts in REFUSALS.items()]

    assert all("unggah" in sentence and "upload" in sentence for sentence in sentences)
