"""Cameras and scanners show a card where they say it lies."""

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest

from devstack.camera import Conditions, map_points, photograph, scaled_to
from devstack.printing import CARD_SIZE
from devstack.scanner import A4_AT_300, Scanner, scan
from service.reading.ocr.engine import ColourImage

#: The middle of a red mark on an otherwise white card, in card pixels.
MARK = (250, 480)

#: Nothing disturbs the picture.
CLEAR = Conditions(light=(1, 1), slope=0, glare=(0, 0), blur=(0, 0), noise=(0, 0))


@pytest.fixture(scope="module")
def card() -> ColourImage:
    card = np.full((CARD_SIZE[1] * 2, CARD_SIZE[0] * 2, 3), 250, np.uint8)
    cv2.circle(card, (MARK[0] * 2, MARK[1] * 2), 40, (0, 0, 255), -1)
    return card


def middle_of_mark(picture: ColourImage) -> tuple[float, float]:
    blue, green, red = cv2.split(picture.astype(int))
    ys, xs = np.nonzero((red > 180) & (green < 80) & (blue < 80))
    return float(xs.mean()), float(ys.mean())


@pytest.mark.parametrize("seed", range(5))
def test_a_photo_shows_the_card_where_it_says(card: ColourImage, seed: int) -> None:
    picture = photograph(card, replace(CLEAR, tilt=30, roll=20), random.Random(seed))

    place = map_points(picture.place, [MARK])[0]

    assert np.allclose(middle_of_mark(picture.image), place, atol=3)


@pytest.mark.parametrize("seed", range(5))
def test_no_photo_cuts_the_card_off(card: ColourImage, seed: int) -> None:
    conditions = replace(CLEAR, tilt=40, roll=30, fill=(0.9, 0.95), sizes=((1200, 1600),))

    picture = photograph(card, conditions, random.Random(seed))

    corners = map_points(picture.place, [(0, 0), (CARD_SIZE[0], 0), CARD_SIZE, (0, CARD_SIZE[1])])
    assert picture.image.shape == (1600, 1200, 3)
    assert corners.min() >= 0
    assert (corners.max(axis=0) <= (1200, 1600)).all()


def test_blur_is_measured_on_the_card_however_large_it_is_in_the_picture(card: ColourImage) -> None:
    blurred = replace(CLEAR, blur=(3, 3), tilt=0, roll=0, fill=(0.8, 0.8))

    small = photograph(card, replace(blurred, sizes=((800, 600),)), random.Random(1)).image
    large = photograph(card, replace(blurred, sizes=((1600, 1200),)), random.Random(1)).image

    shrunk = cv2.resize(large, (800, 600), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(shrunk - small).mean() < 6
    assert np.abs(np.diff(large.astype(int), axis=1)).max() < np.abs(np.diff(small.astype(int), axis=1)).max()


def test_a_shadow_takes_light_from_a_part_of_the_card(card: ColourImage) -> None:
    lit = photograph(card, CLEAR, random.Random(2)).image
    shaded = photograph(card, replace(CLEAR, shade=(0.5, 0.5)), random.Random(2)).image

    share = shaded[::8, ::8].mean(axis=2) / np.maximum(lit[::8, ::8].mean(axis=2), 1)

    assert share.min() < 0.55
    assert share.max() > 0.95


def test_a_glare_bleaches_a_spot(card: ColourImage) -> None:
    grey = np.full_like(card, 90)

    glaring = photograph(grey, replace(CLEAR, glare=(200, 200)), random.Random(3)).image

    assert glaring.min() < 120
    assert glaring.max() == 255


def test_the_same_seed_takes_the_same_picture(card: ColourImage) -> None:
    first, second = (photograph(card, Conditions(), random.Random(5)) for _ in range(2))

    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.place, second.place)


@pytest.mark.parametrize("scanner", [Scanner(noise=0), Scanner(page=A4_AT_300, card_width=(1011, 1011))])
def test_a_scan_shows_the_card_where_it_says(card: ColourImage, scanner: Scanner) -> None:
    picture = scan(card, scanner, random.Random(4))

    place = map_points(picture.place, [MARK])[0]

    assert picture.image.shape == (scanner.page[1], scanner.page[0], 3)
    assert np.allclose(middle_of_mark(picture.image), place, atol=3)


def test_a_grey_scan_has_no_colour(card: ColourImage) -> None:
    page = scan(card, Scanner(grey=True), random.Random(4)).image

    assert np.ptp(page.astype(int), axis=2).max() == 0


def test_an_edge_to_edge_image_is_only_scaled(card: ColourImage) -> None:
    (place,) = map_points(scaled_to(card), [MARK])

    assert tuple(place) == (MARK[0] * 2, MARK[1] * 2)
