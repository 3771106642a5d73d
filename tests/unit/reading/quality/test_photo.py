import random
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont

import devstack
from devstack.cards import sample_cards
from devstack.degrade import encode_jpeg
from service.reading.ocr.engine import Box, Engine, Image, PageText, TextLine
from service.reading.ocr.geometry import level_page
from service.reading.ocr.loading import load_engine
from service.reading.pages import read_pages
from service.reading.quality import faults
from service.reading.reader import read_document

FONT = Path(devstack.__file__).parent / "fonts" / "Arimo-Regular.ttf"

#: What stands on the page, and at which x and y, in pixels of letters 24 pixels high.
ROWS = [
    *[("PROVINSI CONTOH TENGAH", 280, 30), ("NIK 3301024507890003", 60, 80), ("NAMA", 60, 140)],
    *[("RATNA DEWI KUSUMA", 300, 140), ("TEMPAT LAHIR", 60, 180), ("SEMARANG, 05-07-1989", 300, 180)],
    *[("JENIS KELAMIN", 60, 220), ("PEREMPUAN", 300, 220), ("ALAMAT", 60, 260)],
    *[("JALAN MERPATI NOMOR 17", 300, 260), ("PEKERJAAN", 60, 300), ("KARYAWAN SWASTA", 300, 300)],
    *[("BERLAKU HINGGA", 60, 340), ("SEUMUR HIDUP", 300, 340)],
]

#: Grey levels of the card, of white paper and of a table.
CARD, PAPER, TABLE = 220, 255, 102

#: Pixels of a line's box as the engine finds it, above and below letters of 24 pixels.
LINE = 32


def box(points: Iterable[tuple[float, float]]) -> Box:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth


def printed(height: int = 24, ground: int = CARD, ink: int = 25) -> PageText:
    """A card in the middle of a table, as an engine reads it; ``height`` is the font's in pixels."""
    scale = height / 24
    picture = PIL.Image.new("L", (round(1000 * scale), round(640 * scale)), TABLE)
    pen = ImageDraw.Draw(picture)
    pen.rectangle([round(v * scale) for v in (20, 10, 980, 620)], fill=ground)
    font = ImageFont.truetype(FONT, height)
    lines = []
    for text, x, y in ROWS:
        pen.text((x * scale, y * scale), text, font=font, fill=ink)
        left, top, right, bottom = pen.textbbox((x * scale, y * scale), text, font=font)
        margin = 7 * scale
        left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
        lines.append(TextLine(text, 0.99, ((left, top), (right, top), (right, bottom), (left, bottom))))
    return PageText(np.array(picture), tuple(lines), "cpu")


def spoilt(page: PageText, spoil: Callable[[Image], object], noise: float = 3) -> PageText:
    """The page after something happened to its picture, with a camera's noise on top."""
    grain = np.random.default_rng(1).normal(0, noise, page.image.shape)
    picture = np.asarray(spoil(page.image), np.float32) + grain
    return PageText(np.clip(np.rint(picture), 0, 255).astype(np.uint8), page.lines, page.device)


def shaken(picture: Image, length: int, degrees: float) -> Image:
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * length / 2
    start, end = np.rint(length - way).astype(int), np.rint(length + way).astype(int)
    cv2.line(kernel, [*map(int, start)], [*map(int, end)], 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def reflected(picture: Image, x: int, y: int, radius: float) -> Image:
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    light = 330 * np.exp(-(((across - x) / (1.6 * radius)) ** 2) - ((down - y) / radius) ** 2)
    return np.asarray(np.clip(picture + light, 0, 255), np.uint8)


def cut(page: PageText, left: int = 0, top: int = 0, right: int = 1000, bottom: int = 640) -> PageText:
    """The page as if the camera had seen only this much of it: lines outside were not read."""
    seen = [
        TextLine(
            line.text,
            line.confidence,
            box((min(max(x, left), right) - left, min(max(y, top), bottom) - top) for x, y in line.box),
        )
        for line in page.lines
        if line.right > left + LINE and line.left < right - LINE and line.bottom > top + LINE
        if line.top < bottom - LINE
    ]
    return PageText(page.image[top:bottom, left:right], tuple(seen), page.device)


@pytest.mark.parametrize("height", [18, 24, 40])
@pytest.mark.parametrize("ground", [CARD, PAPER])
def test_clear_print_of_any_size_on_any_ground_has_no_faults(height: int, ground: int) -> None:
    page = printed(height, ground)

    assert faults(page) == ()
    assert faults(spoilt(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), height / 30))) == ()


@pytest.mark.parametrize("height", [18, 24, 40])
def test_blur_counts_by_the_height_of_the_letters(height: int) -> None:
    page = printed(height)

    blurred = spoilt(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), height / 7))

    assert faults(blurred) == ("blurred",)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
def test_a_hand_that_shook_blurs_whichever_way_it_went(degrees: float) -> None:
    page = printed()

    moved = spoilt(page, lambda picture: shaken(picture, 12, degrees))

    assert faults(moved) == ("blurred",)


def test_faint_print_is_not_blurred() -> None:
    page = printed(ink=150)

    assert faults(spoilt(page, lambda picture: picture, noise=2)) == ()


def test_print_that_hardly_stands_out_from_the_dark_is_too_dark() -> None:
    page = printed()

    assert faults(spoilt(page, lambda picture: picture * 0.07)) == ("too_dark",)
    assert faults(spoilt(page, lambda picture: picture * 0.35)) == ()


def test_a_deep_shadow_on_half_the_card_is_too_dark() -> None:
    page = printed()
    shadow = np.where(np.arange(1000) < 280, 0.07, 1.0)

    assert faults(spoilt(page, lambda picture: picture * shadow)) == ("too_dark",)


def test_a_reflection_that_runs_into_print_is_glare() -> None:
    page = printed()

    for radius in (25, 60):
        picture = reflected(page.image, 520, 195, radius)

        assert faults(PageText(picture, page.lines, "cpu")) == ("glare",)


@pytest.mark.parametrize("place", [(800, 470), (880, 150)])
def test_a_reflection_beside_the_print_is_no_fault(place: tuple[int, int]) -> None:
    page = printed()

    assert faults(spoilt(page, lambda picture: reflected(picture, *place, 40))) == ()


def test_a_picture_too_bright_all_over_has_no_glare() -> None:
    page = printed()

    assert faults(spoilt(page, lambda picture: np.clip(picture * 1.4, 0, 255))) == ()


@pytest.mark.parametrize(
    "seen", [{"left": 72}, {"right": 500}, {"top": 42}, {"bottom": 352}], ids=lambda seen: next(iter(seen))
)
def test_letters_across_an_edge_of_the_picture_are_cut_off(seen: dict[str, int]) -> None:
    page = printed()

    assert faults(cut(page, **seen)) == ("cut_off",)


def test_letters_across_an_edge_are_cut_off_after_the_page_was_levelled_too() -> None:
    page = cut(printed(), left=72)
    quads = [np.array(line.box, np.float32) for line in page.lines]

    level, turned = level_page(page.image, quads, 4.0)
    lines = [TextLine(line.text, 0.99, box(quad)) for line, quad in zip(page.lines, turned, strict=True)]

    assert faults(PageText(level, tuple(lines), "cpu")) == ("cut_off",)


@pytest.mark.parametrize("seen", [{"left": 52}, {"right": 800}, {"top": 28}, {"bottom": 372}])
def test_a_card_cut_close_to_its_print_is_not_cut_off(seen: dict[str, int]) -> None:
    page = printed()

    assert faults(cut(page, **seen)) == ()


def test_letters_that_are_cut_off_and_softened_still_count() -> None:
    page = cut(printed(), top=42)

    assert faults(spoilt(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5))) == ("cut_off",)


def test_a_striped_cloth_below_the_card_is_not_print() -> None:
    page = printed()
    picture = page.image.copy()
    for rim in (picture[:10], picture[620:]):
        rim[:] = 130
        rim[:, ::14] = rim[:, 1::14] = rim[:, 2::14] = 20

    assert faults(PageText(picture, page.lines, "cpu")) == ()


def test_a_hair_across_the_edge_is_not_print() -> None:
    page = cut(printed(), top=28)
    picture = page.image.copy()
    cv2.line(picture, (420, 0), (460, 60), (20,), 2)

    assert faults(PageText(picture, page.lines, "cpu")) == ()


def test_the_grain_of_a_dim_picture_is_not_print() -> None:
    page = cut(printed(), top=28)

    assert "cut_off" not in faults(spoilt(page, lambda picture: picture * 0.14, noise=8))


@pytest.mark.parametrize(
    ("ink", "blur", "expected"),
    [(25, 0, ()), (175, 0, ("unclear",)), (25, 1.7, ("unclear",)), (25, 4, ("blurred",))],
)
def test_print_that_is_pale_or_soft_is_unclear_before_it_is_blurred(
    ink: int, blur: float, expected: tuple[str, ...]
) -> None:
    page = printed(ink=ink)
    soft = spoilt(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture)

    assert faults(soft) == expected


def test_where_no_line_could_be_read_the_picture_itself_is_measured() -> None:
    page = printed().image

    for spoil, fault in (
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 9), "blurred"),
        (lambda picture: picture * 0.05, "too_dark"),
    ):
        assert fault in faults(PageText(spoilt(PageText(page, (), "cpu"), spoil).image, (), "cpu"))
    assert faults(PageText(page, (), "cpu")) == ()


def test_boxes_that_reach_beyond_a_small_page_do_no_harm() -> None:
    rng = random.Random(4)
    for side in (1, 3, 48, 200):
        page = np.full((side, side), 200, np.uint8)
        boxes = [box((rng.uniform(-300, 300), rng.uniform(-300, 300)) for _ in range(4)) for _ in range(5)]

        # The page is one even grey: nothing is clear on it.
        found = faults(PageText(page, tuple(TextLine("A", 0.9, place) for place in boxes), "cpu"))
        assert found == ("unclear",)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("onnx")


def test_a_photo_is_approved_in_focus_and_named_for_its_blur_out_of_focus(engine: Engine) -> None:
    card = sample_cards(seed=5, count=1, level="photo")[0]
    picture = read_pages(card.content)[0].image

    sharp = read_document(encode_jpeg(picture, 90), card.document_type, engine)
    soft = read_document(
        encode_jpeg(np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.5), np.uint8), 90),
        card.document_type,
        engine,
    )

    assert (sharp.decision, sharp.review_reasons) == ("auto_approve", ())
    assert soft.decision == "needs_review"
    assert "blurred" in soft.review_reasons
