import numpy as np
import pytest

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import cut_line, level_page, quad_size, turn_page, turn_quad, widen


def quad(*points: tuple[float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(points, np.float32)


def marked_page() -> Image:
    """A dark page of 300 x 200 with a light stripe whose left end is white, at (100..180, 60..80)."""
    page = np.full((200, 300), 20, np.uint8)
    page[60:80, 100:180] = 150
    page[60:80, 100:120] = 255
    return page


STRIPE = quad((100, 60), (179, 60), (179, 79), (100, 79))


def test_a_quadrilateral_is_as_wide_and_high_as_its_longer_sides() -> None:
    assert quad_size(quad((0, 0), (30, 40), (30, 52), (0, 10))) == pytest.approx((51.6, 12), abs=0.1)


def test_a_line_is_widened_at_both_ends_along_its_own_slope() -> None:
    sloping = quad((0, 0), (30, 40), (22, 46), (-8, 6))

    assert widen(sloping, 0.5) == pytest.approx(quad((-3, -4), (33, 44), (25, 50), (-11, 2)))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_line_cut_from_a_turned_page_is_the_line_cut_from_the_upright_one(turns: int) -> None:
    upright = marked_page()
    lying = turn_page(upright, -turns % 4)
    ys, xs = np.nonzero(lying > 100)
    found = quad((xs.min(), ys.min()), (xs.max(), ys.min()), (xs.max(), ys.max()), (xs.min(), ys.max()))

    line = cut_line(lying, turn_quad(found, turns), 20, 1000)

    assert np.abs(line.astype(int) - cut_line(upright, STRIPE, 20, 1000)).max() <= 2


def test_a_line_keeps_its_shape_up_to_the_longest_width() -> None:
    page = marked_page()

    whole, squeezed = cut_line(page, STRIPE, 40, 1000), cut_line(page, STRIPE, 40, 100)

    assert whole.shape == (40, 167)
    assert squeezed.shape == (40, 100)


@pytest.mark.parametrize("skew", [-20.0, 7.0, 35.0])
def test_a_page_made_level_shows_the_same_lines_level(skew: float) -> None:
    slope = np.radians(skew)
    ways = np.array([[np.cos(slope), np.sin(slope)], [-np.sin(slope), np.cos(slope)]])
    corners = np.array([[0, 0], [80.5, 0], [80.5, 20], [0, 20]])
    askew = np.array(corners @ ways + (120, 80), np.float32)
    page = marked_page()

    level, (line,) = level_page(page, [askew], skew)

    assert line[0, 1] == pytest.approx(line[1, 1], abs=0.01)
    assert quad_size(line) == pytest.approx((80.5, 20), abs=0.01)
    assert np.abs(cut_line(level, line, 20, 200).astype(int) - cut_line(page, askew, 20, 200)).mean() < 3


def test_nothing_of_a_page_made_level_is_lost() -> None:
    page = marked_page()
    edges = quad((0, 0), (299, 0), (299, 199), (0, 199))

    level, (moved,) = level_page(page, [edges], 25.0)

    assert moved.min() > -1
    assert (moved.max(axis=0) < level.shape[1::-1]).all()
