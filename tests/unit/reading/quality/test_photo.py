import cv2
import numpy as np
import pytest

from devstack.cards import sample_cards
from devstack.degrade import encode_jpeg
from service.reading.ocr.engine import Engine
from service.reading.ocr.loading import load_engine
from service.reading.pages import read_pages
from service.reading.quality import faults
from service.reading.reader import read_document
from tests.unit.reading.quality.pages import CARD, PAPER, degraded, printed


@pytest.mark.parametrize("height", [18, 24, 40])
@pytest.mark.parametrize("background", [CARD, PAPER])
def test_sharp_print_of_any_size_on_any_background_has_no_faults(height: int, background: int) -> None:
    page = printed(height, background)

    assert faults(page) == ()
    assert faults(degraded(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), height / 30))) == ()


def test_print_with_low_contrast_in_the_dark_is_too_dark() -> None:
    page = printed()

    assert faults(degraded(page, lambda picture: picture * 0.07)) == ("too_dark",)
    assert faults(degraded(page, lambda picture: picture * 0.35)) == ()


def test_a_deep_shadow_on_half_of_the_card_is_too_dark() -> None:
    page = printed()
    shadow = np.where(np.arange(1000) < 280, 0.07, 1.0)

    assert faults(degraded(page, lambda picture: picture * shadow)) == ("too_dark",)


@pytest.mark.parametrize(
    ("ink", "blur", "expected"),
    [(25, 0, ()), (175, 0, ("unclear",)), (25, 1.7, ("unclear",)), (25, 4, ("blurred",))],
)
def test_pale_or_soft_print_is_unclear_before_it_is_blurred(
    ink: int, blur: float, expected: tuple[str, ...]
) -> None:
    page = printed(ink=ink)
    soft = degraded(page, lambda picture: cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture)

    assert faults(soft) == expected


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("onnx")


def test_a_sharp_photo_is_approved_and_a_blurred_one_goes_to_review(engine: Engine) -> None:
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
