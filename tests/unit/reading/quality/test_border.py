import cv2
import numpy as np
import pytest

from service.reading.ocr.engine import PageText, TextLine
from service.reading.ocr.geometry import level_page
from service.reading.quality import faults
from tests.unit.reading.quality.pages import box, cropped, degraded, printed


@pytest.mark.parametrize(
    "visible",
    [{"left": 72}, {"right": 500}, {"top": 42}, {"bottom": 352}],
    ids=lambda visible: next(iter(visible)),
)
def test_letters_across_an_edge_of_the_picture_are_cut_off(visible: dict[str, int]) -> None:
    page = printed()

    assert faults(cropped(page, **visible)) == ("cut_off",)


def test_letters_across_an_edge_are_also_cut_off_on_a_levelled_page() -> None:
    page = cropped(printed(), left=72)
    quads = [np.array(line.box, np.float32) for line in page.lines]

    level, turned = level_page(page.image, quads, 4.0)
    lines = [TextLine(line.text, 0.99, box(quad)) for line, quad in zip(page.lines, turned, strict=True)]

    assert faults(PageText(level, tuple(lines), "cpu")) == ("cut_off",)


@pytest.mark.parametrize("visible", [{"left": 52}, {"right": 800}, {"top": 28}, {"bottom": 372}])
def test_a_card_cropped_close_to_its_print_is_not_cut_off(visible: dict[str, int]) -> None:
    page = printed()

    assert faults(cropped(page, **visible)) == ()


def test_blurred_letters_across_an_edge_are_cut_off() -> None:
    page = cropped(printed(), top=42)

    assert faults(degraded(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5))) == ("cut_off",)


def test_a_striped_cloth_below_the_card_is_not_print() -> None:
    page = printed()
    picture = page.image.copy()
    for border in (picture[:10], picture[620:]):
        border[:] = 130
        border[:, ::14] = border[:, 1::14] = border[:, 2::14] = 20

    assert faults(PageText(picture, page.lines, "cpu")) == ()


def test_a_hair_across_the_edge_is_not_print() -> None:
    page = cropped(printed(), top=28)
    picture = page.image.copy()
    cv2.line(picture, (420, 0), (460, 60), (20,), 2)

    assert faults(PageText(picture, page.lines, "cpu")) == ()


def test_noise_of_a_dim_picture_is_not_print() -> None:
    page = cropped(printed(), top=28)

    assert "cut_off" not in faults(degraded(page, lambda picture: picture * 0.14, noise=8))
