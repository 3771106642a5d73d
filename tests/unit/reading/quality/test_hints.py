"""Hints about how a picture was made, on drawn pictures."""

import random

import cv2
import numpy as np
import pytest

from devstack.cards import render_ktp
from devstack.display import photograph_display
from devstack.people import invent_person
from service.reading.ocr.engine import ColourImage, Page
from service.reading.quality.hints import hints


@pytest.fixture(scope="module")
def card() -> ColourImage:
    rng = random.Random(5)
    return render_ktp(invent_person(rng), rng)


def page(picture: ColourImage) -> Page:
    return Page(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8), lambda: picture)


def grey(picture: ColourImage) -> ColourImage:
    flat = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_GRAY2BGR), np.uint8)


def test_a_picture_of_the_card_itself_gives_no_hint(card: ColourImage) -> None:
    assert hints(page(card)) == ()


def test_a_grey_copy_is_a_photocopy_under_any_lamp(card: ColourImage) -> None:
    warm = np.asarray(grey(card) * np.array([0.8, 0.95, 1.0]), np.uint8)

    assert hints(page(grey(card))) == ("photocopy",)
    assert hints(page(warm)) == ("photocopy",)


def test_a_file_without_colour_is_a_photocopy(card: ColourImage) -> None:
    assert "photocopy" in hints(Page(page(card).image))


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_grid_of_a_display_is_a_screen(card: ColourImage, seed: int) -> None:
    shown = photograph_display(card, random.Random(seed)).image

    assert hints(page(shown)) == ("screen",)


def test_a_picture_smaller_than_a_tile_is_not_searched_for_a_grid() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 200, 3), np.uint8)

    assert "screen" not in hints(page(np.asarray(noise, np.uint8)))
