import cv2
import numpy as np
import pytest

from service.reading.ocr.detection import corners, find_boxes


def probability_map(*cores: tuple[int, int, int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A map of 100 x 200 pixels with certain cores, each left, top, right, bottom."""
    probability = np.zeros((100, 200), np.float32)
    for left, top, right, bottom in cores:
        probability[top:bottom, left:right] = 0.9
    return probability


def test_each_core_gives_one_box_grown_by_its_own_size() -> None:
    probability = probability_map((20, 20, 120, 30), (50, 60, 90, 72))

    boxes = sorted(find_boxes(probability), key=lambda box: box[0][1])

    middles = [box[0] for box in boxes]
    assert middles == [pytest.approx((70, 25), abs=1), pytest.approx((70, 66), abs=1)]
    # Growth on each side: area x 1.6 / perimeter.
    assert sorted(boxes[0][1]) == pytest.approx([10 + 2 * 7.3, 100 + 2 * 7.3], abs=2)


def test_a_blank_map_gives_no_boxes() -> None:
    assert find_boxes(np.zeros((100, 200), np.float32)) == []


def test_specks_and_faint_areas_are_no_lines() -> None:
    probability = probability_map((10, 10, 12, 12))
    probability[50:70, 20:150] = 0.4

    boxes = find_boxes(probability)

    assert boxes == []


def test_a_core_broken_by_one_pixel_stays_one_line() -> None:
    probability = probability_map((20, 40, 80, 50), (81, 40, 140, 50))

    boxes = find_boxes(probability)

    assert len(boxes) == 1


@pytest.mark.parametrize("angle", [-44, -20, 0, 20, 44])
@pytest.mark.parametrize("turned", [0, 90])
def test_corners_begin_top_left_and_go_clockwise_however_the_box_lies(angle: int, turned: int) -> None:
    box = ((100.0, 100.0), (80.0, 20.0), float(angle + turned))

    top_left, top_right, bottom_right, bottom_left = corners([box])[0]

    along, across = top_right - top_left, bottom_left - top_left
    assert along[0] > abs(along[1])
    assert across[1] > abs(across[0])
    assert bottom_right == pytest.approx(top_left + along + across, abs=1e-3)
    assert cv2.contourArea(np.array([top_left, top_right, bottom_right, bottom_left])) == pytest.approx(1600)
