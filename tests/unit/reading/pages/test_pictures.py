"""Pictures of every kind to upright pages in grey."""

import cv2
import numpy as np
import PIL.Image
import pytest

from service.reading.ocr.engine import Image
from service.reading.pages import MAX_SIDE, read_pages
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

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def encoded(picture: PIL.Image.Image, file_format: str) -> bytes:
    if file_format == "HEIC":
        return heic(picture)
    options = {"compression": "tiff_lzw"} if file_format == "TIFF" else {"quality": 95}
    return saved(picture, file_format, **options)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIC"])
def test_a_picture_becomes_one_page_of_its_size_in_grey(file_format: str) -> None:
    content = encoded(sample(), file_format)

    pages = grey_pages(content)

    assert [page.shape for page in pages] == [(200, 300)]
    assert_quarters(pages[0], RED, GREEN, BLUE, GREY)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIC"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (RED, GREEN, BLUE, GREY)),
        (2, (GREEN, RED, GREY, BLUE)),
        (3, (BLUE, GREY, RED, GREEN)),
        (4, (GREY, BLUE, GREEN, RED)),
        (5, (RED, GREY, BLUE, GREEN)),
        (6, (GREY, RED, GREEN, BLUE)),
        (7, (BLUE, GREEN, RED, GREY)),
        (8, (GREEN, BLUE, GREY, RED)),
    ],
)
def test_a_picture_is_rotated_by_its_exif_orientation(
    orientation: int, expected: tuple[tuple[int, int, int], ...], file_format: str
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    if file_format == "HEIC":
        content = heic(sample(), exif=exif.tobytes())
    else:
        content = saved(sample(), file_format, quality=95, exif=exif)

    (page,) = grey_pages(content)

    assert page.shape == ((200, 300) if orientation < 5 else (300, 200))
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
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("1", "TIFF"),
        ("P", "TIFF"),
        ("I", "TIFF"),
        ("F", "TIFF"),
        ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"),
    ],
)
@pytest.mark.parametrize("size", [(300, 200), (2700, 1800)])
def test_every_kind_of_colour_becomes_grey(mode: str, file_format: str, size: tuple[int, int]) -> None:
    picture = PIL.Image.new("RGB", size, "white")
    picture.paste("black", (0, 0, size[0] // 2, size[1]))
    content = saved(
        picture.convert("L").convert(mode) if mode in "IF" else picture.convert(mode), file_format
    )

    (page,) = grey_pages(content)

    assert_quarters(page, BLACK, WHITE, WHITE, BLACK)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_keep_their_contrast(file_format: str) -> None:
    depth = np.full((200, 300), 60_000, np.uint16)
    depth[:, :150] = 300
    content = saved(PIL.Image.fromarray(depth), file_format)

    (page,) = grey_pages(content)

    assert_quarters(page, BLACK, WHITE, WHITE, BLACK)


@pytest.mark.parametrize("file_format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_of_colour_are_read(channels: int, file_format: str) -> None:
    picture = np.asarray(sample().convert("RGBA"))[:, :, [2, 1, 0, 3][:channels]]
    content = cv2.imencode(f".{file_format}", picture.astype(np.uint16) * 257)[1].tobytes()

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_tiff_is_read_however_it_is_packed(compression: str) -> None:
    content = saved(sample(), "TIFF", compression=compression)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_a_fax_is_read(compression: str) -> None:
    picture = PIL.Image.new("1", (300, 200), 1)
    picture.paste(0, (0, 0, 150, 200))
    content = saved(picture, "TIFF", compression=compression)

    (page,) = grey_pages(content)

    assert_quarters(page, BLACK, WHITE, WHITE, BLACK)


@pytest.mark.parametrize("level", [float("nan"), float("inf"), 7.0])
def test_fractions_without_any_contrast_are_survived(level: float) -> None:
    content = saved(PIL.Image.fromarray(np.full((200, 300), level, np.float32)), "TIFF")

    (page,) = grey_pages(content)

    assert page.shape == (200, 300)


@pytest.mark.parametrize("size", [(300, 200), (2700, 1800)])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_shows_white_paper(file_format: str, size: tuple[int, int]) -> None:
    picture = sample(*size).convert("RGBA")
    picture.putalpha(PIL.Image.new("L", picture.size, 0))
    content = saved(picture, file_format)

    (page,) = grey_pages(content)

    assert_quarters(page, *[WHITE] * 4)


def test_a_colour_of_a_palette_may_be_transparent() -> None:
    picture = PIL.Image.new("P", (300, 200), 1)
    picture.putpalette([200, 30, 30, 0, 0, 0])
    picture.paste(0, (0, 0, 150, 200))
    content = saved(picture, "PNG", transparency=1)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, WHITE, WHITE, RED)


@pytest.mark.parametrize(
    ("file_format", "size"),
    [
        ("JPEG", (3900, 2600)),
        ("JPEG", (7200, 4800)),
        ("PNG", (3900, 2600)),
        ("WEBP", (3900, 2600)),
        ("TIFF", (3900, 2600)),
        ("HEIC", (3900, 2600)),
    ],
)
def test_a_large_photo_is_brought_down_to_the_longest_side(file_format: str, size: tuple[int, int]) -> None:
    content = encoded(sample(*size), file_format)

    (page,) = grey_pages(content)

    assert page.shape == (MAX_SIDE * 2 // 3, MAX_SIDE)
    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_the_largest_pictures_of_phones_are_read() -> None:
    content = saved(PIL.Image.new("L", (12_000, 9_000), 90), "JPEG")

    (page,) = grey_pages(content)

    assert page.shape[1] <= MAX_SIDE
    assert page.mean() == 90


def test_a_tiff_gives_its_first_two_pages() -> None:
    others = [sample(400, 260), sample(500, 320)]
    content = saved(sample(), "TIFF", save_all=True, append_images=others)

    pages = grey_pages(content)

    assert [page.shape for page in pages] == [(200, 300), (260, 400)]


def test_a_small_copy_of_a_page_is_not_a_page() -> None:
    small = sample(90, 60)
    small.encoderinfo = {"tiffinfo": {254: 1}}
    content = saved(sample(), "TIFF", save_all=True, append_images=[small])

    pages = grey_pages(content)

    assert [page.shape for page in pages] == [(200, 300)]


def test_a_tiff_whose_second_page_is_damaged_is_read_by_its_first() -> None:
    noise = PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8))
    content = saved(noise, "TIFF", save_all=True, append_images=[noise], compression="tiff_adobe_deflate")

    pages = grey_pages(content[: len(content) * 3 // 4])

    assert [page.shape for page in pages] == [(200, 300)]


def test_of_a_moving_picture_the_first_moment_counts() -> None:
    content = saved(sample(), "WEBP", save_all=True, append_images=[sample().rotate(180)], lossless=True)

    (page,) = grey_pages(content)

    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_of_several_pictures_in_a_jpeg_the_first_counts() -> None:
    content = saved(sample(), "MPO", save_all=True, append_images=[sample(90, 60)], quality=95)

    (page,) = grey_pages(content)

    assert page.shape == (200, 300)
    assert_quarters(page, RED, GREEN, BLUE, GREY)


def test_notes_of_the_camera_that_cannot_be_read_do_not_matter() -> None:
    content = saved(sample(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")

    (page,) = grey_pages(content)

    assert page.shape == (200, 300)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIC"])
@pytest.mark.parametrize(("size", "copied"), [((300, 225), (300, 225)), ((3000, 2250), (360, 270))])
def test_a_page_has_a_small_copy_in_colour(
    file_format: str, size: tuple[int, int], copied: tuple[int, int]
) -> None:
    (page,) = read_pages(encoded(sample(*size), file_format))

    copy = page.in_colour()

    assert copy is not None
    height, width, _ = copy.shape
    assert (width, height) == copied
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, 3 * width // 4)]
    shown = [copy[place][::-1].tolist() for place in places]
    assert np.array(shown) == pytest.approx(np.array([RED, GREEN, BLUE]), abs=12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_copy_in_colour_is_turned_as_its_page(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    (page,) = read_pages(saved(sample(1600, 1200), "JPEG", quality=95, exif=exif))

    copy = page.in_colour()

    assert copy is not None
    small = cv2.resize(page.image, copy.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - cv2.cvtColor(copy, cv2.COLOR_BGR2GRAY)).mean() < 2


def test_every_page_of_a_file_has_its_own_copy_in_colour() -> None:
    other = PIL.Image.new("RGB", (400, 300), GREEN)

    first, second = read_pages(saved(sample(), "TIFF", save_all=True, append_images=[other]))

    copies = [page.in_colour() for page in (first, second)]
    assert [copy.shape if copy is not None else None for copy in copies] == [(200, 300, 3), (270, 360, 3)]


def test_pages_belong_to_the_caller() -> None:
    content = saved(sample(), "PNG")

    (page,) = grey_pages(content)
    copy: Image = page.copy()
    grey_pages(saved(PIL.Image.new("RGB", (300, 200)), "PNG"))
    page[0] += 1

    assert np.array_equal(page[1:], copy[1:])
