import numpy as np
import pytest

from service.reading.ocr.engine import PageText
from service.reading.quality import faults
from tests.unit.reading.quality.pages import degraded, printed, with_reflection


def test_a_reflection_that_overlaps_print_is_glare() -> None:
    page = printed()

    for radius in (25, 60):
        picture = with_reflection(page.image, 520, 195, radius)

        assert faults(PageText(picture, page.lines, "cpu")) == ("glare",)


@pytest.mark.parametrize("place", [(800, 470), (880, 150)])
def test_a_reflection_beside_the_print_is_not_glare(place: tuple[int, int]) -> None:
    page = printed()

    assert faults(degraded(page, lambda picture: with_reflection(picture, *place, 40))) == ()


def test_a_picture_that_is_too_bright_as_a_whole_has_no_glare() -> None:
    page = printed()

    assert faults(degraded(page, lambda picture: np.clip(picture * 1.4, 0, 255))) == ()
