import cv2
import pytest

from service.reading.ocr.engine import PageText
from service.reading.quality import faults
from tests.unit.reading.quality.pages import degraded, printed, with_camera_shake


@pytest.mark.parametrize("height", [18, 24, 40])
def test_blur_is_measured_relative_to_the_height_of_the_letters(height: int) -> None:
    page = printed(height)

    blurred = degraded(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), height / 7))

    assert faults(blurred) == ("blurred",)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
def test_camera_shake_is_blur_in_any_direction(degrees: float) -> None:
    page = printed()

    moved = degraded(page, lambda picture: with_camera_shake(picture, 12, degrees))

    assert faults(moved) == ("blurred",)


def test_faint_print_is_not_blurred() -> None:
    page = printed(ink=150)

    assert faults(degraded(page, lambda picture: picture, noise=2)) == ()


def test_without_any_line_the_picture_itself_is_measured() -> None:
    page = printed().image

    for degrade, fault in (
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 9), "blurred"),
        (lambda picture: picture * 0.05, "too_dark"),
    ):
        assert fault in faults(PageText(degraded(PageText(page, (), "cpu"), degrade).image, (), "cpu"))
    assert faults(PageText(page, (), "cpu")) == ()
