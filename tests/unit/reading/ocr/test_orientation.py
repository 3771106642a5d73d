from collections.abc import Callable

import numpy as np
import pytest

from service.reading.ocr.detection import find_lines
from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import turn_page
from service.reading.ocr.orientation import is_upside_down, quarter_turns, runs_down, skew
from service.reading.ocr.sessions import Network, load_network


@pytest.fixture(scope="module")
def direction() -> Network:
    return load_network("direction", "cpu")


def bar(x: float, y: float, width: float, height: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def test_text_runs_down_when_most_of_its_length_does() -> None:
    tall, wide, square = bar(0, 0, 20, 300), bar(50, 0, 200, 20), bar(90, 90, 30, 35)

    assert runs_down([tall, wide, *[square] * 20])
    assert not runs_down([tall, wide, wide, *[square] * 20])
    assert not runs_down([])


def test_skew_is_told_by_the_long_lines() -> None:
    falling = bar(0, 0, 300, 20) + np.array([[0, 0], [0, 30], [0, 30], [0, 0]], np.float32)
    level = bar(0, 0, 40, 20)

    assert skew([falling, falling, level]) == pytest.approx(np.degrees(np.arctan2(30, 300)), abs=0.1)
    assert skew([]) == 0


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_is_turned_upright_from_wherever_it_lies(turns: int, form: Image, direction: Network) -> None:
    lying = turn_page(form, -turns % 4)
    quads = find_lines(load_network("detector", "cpu"), lying)

    needed = quarter_turns(direction, lying, quads)

    assert needed == turns


def test_a_single_line_is_never_flipped(draw: Callable[..., Image], direction: Network) -> None:
    line = turn_page(draw([("SEUMUR HIDUP", (4, 6))], size=(192, 48)), 2)

    assert not is_upside_down(direction, [line])
    assert is_upside_down(direction, [line, line])


def test_a_page_without_text_stays_as_it_is(direction: Network) -> None:
    assert quarter_turns(direction, np.zeros((100, 100), np.uint8), []) == 0
