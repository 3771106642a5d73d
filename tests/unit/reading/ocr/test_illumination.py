import numpy as np
import pytest

from service.reading.ocr.engine import Image
from service.reading.ocr.illumination import even_illumination


def shaded(form: Image, shade: float) -> Image:
    """The form with its left half in a shadow that leaves this share of the light."""
    light = np.where(np.arange(form.shape[1]) < form.shape[1] // 2, shade, 1.0)
    return np.asarray(form * light, np.uint8)


@pytest.mark.parametrize("shade", [1.0, 0.6])
def test_a_page_that_is_light_enough_is_left_alone(form: Image, shade: float) -> None:
    page = shaded(form, shade)

    assert even_illumination(page) is page


def test_a_dark_half_becomes_as_light_as_the_other_and_keeps_its_print(form: Image) -> None:
    page = shaded(form, 0.2)

    lit = even_illumination(page)

    dark, bright = lit[:, : form.shape[1] // 2 - 60], lit[:, form.shape[1] // 2 + 60 :]
    assert np.median(dark) > 120
    assert np.median(bright) == pytest.approx(np.median(form[:, form.shape[1] // 2 + 60 :]), abs=5)
    assert dark.min() < 60
