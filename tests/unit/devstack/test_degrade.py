"""What happens to cards on their way keeps to the shapes that the rest expects."""

import io
import random

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from devstack import degrade
from devstack.cards import invent_card
from service.reading.ocr.engine import ColourImage


@pytest.fixture(scope="module")
def card() -> ColourImage:
    return invent_card("one", "KTP", random.Random(3)).image


def test_a_photo_has_the_size_of_a_phones_picture(card: ColourImage) -> None:
    picture = degrade.photo(card, random.Random(1))

    assert picture.shape == (1200, 1600, 3)
    assert picture.dtype == np.uint8


def test_a_scan_is_a_mostly_white_page(card: ColourImage) -> None:
    page = degrade.scan(card, random.Random(1))

    assert page.shape == (2339, 1654, 3)
    assert page.dtype == np.uint8
    assert np.median(page) > 230


def test_a_poor_picture_has_lost_its_fine_print(card: ColourImage) -> None:
    poor = degrade.poor(card, random.Random(1))
    photo = degrade.photo(card, random.Random(1))

    assert poor.dtype == np.uint8
    assert (
        np.abs(np.diff(poor.astype(int), axis=1)).max() < np.abs(np.diff(photo.astype(int), axis=1)).max() / 2
    )


def test_the_same_seed_takes_the_same_picture(card: ColourImage) -> None:
    first, second = degrade.photo(card, random.Random(5)), degrade.photo(card, random.Random(5))

    assert np.array_equal(first, second)


def test_the_card_itself_is_left_alone(card: ColourImage) -> None:
    before = card.copy()

    degrade.photo(card, random.Random(1))
    degrade.scan(card, random.Random(1))

    assert np.array_equal(card, before)


def test_turning_is_clockwise() -> None:
    corner = np.zeros((2, 3, 3), np.uint8)
    corner[0, 0] = 255

    quarter, half = degrade.turned(corner, 90), degrade.turned(corner, 180)

    assert quarter.shape == (3, 2, 3)
    assert quarter[0, 1].all()
    assert half.shape == (2, 3, 3)
    assert half[1, 2].all()


def test_jpeg_and_png_bytes_hold_the_picture_with_its_colours(card: ColourImage) -> None:
    for content, name in ((degrade.encode_jpeg(card, 92), "JPEG"), (degrade.encode_png(card), "PNG")):
        picture = PIL.Image.open(io.BytesIO(content))

        assert picture.format == name
        assert picture.size == (card.shape[1], card.shape[0])
        assert np.abs(np.asarray(picture)[..., ::-1].astype(int) - card).mean() < 3


def test_a_pdf_has_one_page_of_the_pictures_size(card: ColourImage) -> None:
    document = pypdfium2.PdfDocument(degrade.encode_pdf(card))

    width, _ = document[0].get_size()

    assert len(document) == 1
    assert width == pytest.approx(card.shape[1] * 72 / degrade.PAGE_RESOLUTION, abs=1)
    document.close()


def test_the_same_picture_gives_the_same_pdf(card: ColourImage) -> None:
    assert degrade.encode_pdf(card) == degrade.encode_pdf(card)
