from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from service.reading.ocr.card_detection import (
    find_card,
    find_other_card,
    has_print_beside,
    is_card_shaped,
    without_card,
)
from service.reading.ocr.engine import Image, Page
from service.reading.ocr.flattening import flatten
from service.reading.ocr.geometry import Quad

#: Where a card seen at a slant has its corners, clockwise from its top left, in pixels.
SLANTED = ((210, 190), (830, 160), (850, 560), (190, 570))

#: Grey level of a brown table.
TABLE = 93


def on_table(card: Image, corners: Sequence[tuple[int, int]], size: tuple[int, int] = (1000, 750)) -> Image:
    """A photo of the card on a brown table with some noise."""
    height, width = card.shape
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, np.array(corners, np.float32))
    table = np.full((size[1], size[0]), TABLE, np.uint8)
    photo = cv2.warpPerspective(card, matrix, size, table, borderMode=cv2.BORDER_TRANSPARENT)
    grain = np.random.default_rng(5).normal(0, 3, photo.shape)
    return np.asarray(np.clip(photo + grain, 0, 255), np.uint8)


def far(one: Quad, other: Quad) -> float:
    """Pixels between the corners that lie farthest apart."""
    return float(np.linalg.norm(one - other, axis=1).max())


def test_the_corners_of_a_slanted_card_are_found(form: Image) -> None:
    card = find_card(Page(on_table(form, SLANTED)))

    assert card is not None
    assert far(card, np.array(SLANTED, np.float32)) < 12


def test_a_card_as_light_as_its_table_is_found_by_its_colour(form: Image) -> None:
    corners = np.array(SLANTED, np.float32)
    height, width = form.shape
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    table = np.full((750, 1000, 3), (180, 229, 220), np.uint8)
    photo = cv2.warpPerspective(
        cv2.cvtColor(form, cv2.COLOR_GRAY2BGR),
        cv2.getPerspectiveTransform(flat, corners),
        (1000, 750),
        table,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), np.uint8)
    copy = np.asarray(cv2.resize(photo, (360, 270), interpolation=cv2.INTER_AREA), np.uint8)

    card = find_card(Page(grey, lambda: copy))

    assert find_card(Page(grey)) is None
    assert card is not None
    assert far(card, corners) < 12


def test_a_card_that_stands_is_laid_on_a_long_side(form: Image) -> None:
    standing = [(300, 80), (680, 90), (670, 690), (290, 680)]

    card = find_card(Page(on_table(np.rot90(form).copy(), standing)))

    assert card is not None
    flat = flatten(on_table(np.rot90(form).copy(), standing), card)
    assert flat.shape[1] > flat.shape[0]


def test_a_flat_card_looks_as_if_scanned(form: Image) -> None:
    photo = on_table(form, SLANTED)
    card = find_card(Page(photo))
    assert card is not None

    flat = flatten(photo, card)

    wanted = cv2.resize(form, flat.shape[1::-1], interpolation=cv2.INTER_AREA)
    ink, wanted_ink = (picture[20:-20, 20:-20] < 130 for picture in (flat, wanted))
    near = np.asarray(cv2.dilate(wanted_ink.astype(np.uint8), np.ones((9, 9), np.uint8)), np.bool_)
    assert ink.sum() > 0.5 * wanted_ink.sum()
    assert (ink & near).sum() > 0.95 * ink.sum()


def test_a_card_seen_from_well_to_one_side_is_found(form: Image) -> None:
    steep = [(240, 140), (760, 210), (760, 500), (240, 600)]

    card = find_card(Page(on_table(form, steep)))

    assert card is not None
    assert far(card, np.array(steep, np.float32)) < 12


def test_a_card_turned_and_tilted_far_is_found_despite_its_sharp_corner(form: Image) -> None:
    # Its sharpest corner has 58 degrees.
    skewed = [(132, 374), (550, 42), (848, 272), (121, 698)]

    card = find_card(Page(on_table(form, skewed)))

    assert card is not None
    assert far(card, np.array(skewed, np.float32)) < 12


def test_a_shape_with_a_sharp_corner_is_no_card(form: Image) -> None:
    # Sides and aspect ratio are those of a card seen from one side.
    sharp = [(440, 210), (850, 60), (870, 570), (130, 600)]

    assert find_card(Page(on_table(form, sharp))) is None


def test_a_card_in_the_dark_is_found(form: Image) -> None:
    dark = np.asarray(on_table(form, SLANTED) * 0.12, np.uint8)

    card = find_card(Page(dark))

    assert card is not None
    assert far(card, np.array(SLANTED, np.float32)) < 12


def test_a_card_of_its_own_size_on_a_page_of_a4_is_found(form: Image) -> None:
    page = np.full((3508, 2480), 250, np.uint8)
    page[400:1038, 300:1311] = cv2.resize(form, (1011, 638))

    card = find_card(Page(page))

    assert card is not None
    assert flatten(page, card).shape[1] == pytest.approx(1011, abs=25)


def test_a_card_much_larger_than_wanted_is_shrunk_without_coarse_grain(form: Image) -> None:
    large = np.asarray(cv2.resize(form, (3200, 2048), interpolation=cv2.INTER_LINEAR), np.uint8)
    grain = np.random.default_rng(2).normal(0, 20, large.shape)
    page = np.asarray(np.clip(large + grain, 0, 255), np.uint8)
    corners = np.array([[0, 0], [3200, 0], [3200, 2048], [0, 2048]], np.float32)

    flat = flatten(page, corners)

    empty = flat[-60:, 20:-20].astype(np.float32)
    assert flat.shape[1] == 1280
    assert empty.std() < 12


def test_print_on_a_page_is_no_card(form: Image) -> None:
    scan = np.full((1400, 1000), 250, np.uint8)
    scan[300:1080, 100:900] = cv2.resize(form, (800, 780))
    scan[scan > 200] = 250

    assert find_card(Page(scan)) is None


def test_a_framed_box_on_a_page_of_print_is_no_card(form: Image) -> None:
    page = np.full((1400, 1000), 250, np.uint8)
    for top in (60, 900):
        page[top : top + 400, 100:900] = np.where(cv2.resize(form, (800, 400)) < 150, 20, 250)
    cv2.rectangle(page, (300, 560), (700, 812), (20,), 3)

    assert find_card(Page(page)) is None


def test_an_empty_table_holds_no_card() -> None:
    assert find_card(Page(np.full((750, 1000), TABLE, np.uint8))) is None


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1011, 638), True), ((638, 1011), True), ((1600, 1200), False), ((595, 842), False)],
)
def test_a_card_edge_to_edge_has_its_shape(size: tuple[int, int], expected: bool) -> None:
    assert is_card_shaped(np.zeros((size[1], size[0]), np.uint8)) is expected


def test_a_second_card_is_found_beside_the_first(form: Image) -> None:
    first = ((60, 120), (560, 110), (565, 430), (55, 440))
    second = ((640, 420), (1140, 430), (1135, 750), (645, 740))
    photo = on_table(form, first, (1200, 900))
    both = np.where(
        on_table(form, second, (1200, 900)) > TABLE + 20, on_table(form, second, (1200, 900)), photo
    )

    found = find_other_card(both, np.array(first, np.float32))

    assert found is not None
    assert far(found, np.array(second, np.float32)) < 12


def test_a_card_alone_has_no_second_one_beside_it(form: Image) -> None:
    corners = ((60, 120), (560, 110), (565, 430), (55, 440))

    assert find_other_card(on_table(form, corners, (1200, 900)), np.array(corners, np.float32)) is None


#: Corners of a card in the upper half of a picture.
UPPER = ((60, 60), (660, 50), (665, 430), (55, 440))


def test_print_beside_a_card_is_noticed_without_an_outline(form: Image) -> None:
    alone = on_table(form, UPPER, (800, 1100))
    print_below = alone.copy()
    for top in range(560, 980, 40):
        cv2.putText(print_below, "NAMA : BUDI SANTOSO", (90, top), cv2.FONT_HERSHEY_SIMPLEX, 1, (20,), 3)

    assert has_print_beside(print_below, np.array(UPPER, np.float32))
    assert not has_print_beside(alone, np.array(UPPER, np.float32))


def test_a_card_that_fills_its_picture_leaves_no_room_for_print(form: Image) -> None:
    corners = ((40, 40), (960, 40), (960, 700), (40, 700))

    assert not has_print_beside(on_table(form, corners), np.array(corners, np.float32))


def test_without_the_card_its_place_is_plain(form: Image) -> None:
    rest = without_card(on_table(form, UPPER, (800, 1100)), np.array(UPPER, np.float32))

    assert rest[100:400, 100:600].std() == 0
    assert rest[200, 300] == pytest.approx(TABLE, abs=2)
