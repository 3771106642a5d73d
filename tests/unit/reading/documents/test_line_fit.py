import numpy as np
import pytest

from service.reading.documents.line_fit import fit_line


@pytest.mark.parametrize("wrong", [0, 3])
def test_a_line_goes_through_most_points_whatever_the_others_are(wrong: int) -> None:
    x = np.arange(10.0)
    y = 2 * x + 5
    y[:wrong] += (40, -30, 60)[:wrong]

    assert fit_line(x, y, tolerance=1.0) == pytest.approx((2, 5))


def test_points_with_more_weight_count_more() -> None:
    x, y = [0.0, 0.0, 4.0, 4.0], [0.0, 1.0, 0.0, 1.0]

    slope, start = fit_line(x, y, tolerance=5, weights=[2, 1, 1, 2])

    assert start == pytest.approx(0.2)
    assert 4 * slope + start == pytest.approx(0.8)


def test_points_above_each_other_have_no_slope() -> None:
    assert fit_line([3, 3, 3], [1, 2, 6], tolerance=1) == (0, 2)


def test_points_that_are_all_far_off_have_the_median_line() -> None:
    assert fit_line([0, 0, 10, 10], [0, 10, 0, 10], tolerance=0.1) == (0, 5)
