import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reading.ocr.recognition import STEP
from service.reading.ocr.shapes import (
    BUCKETS,
    EXACT,
    LINE_WIDTHS,
    MAX_BATCH_PIXELS,
    PAGE_SIDES,
    STRIDE,
    batch_sizes,
    page_sizes,
)


@given(st.integers(8, 3200))
def test_a_line_is_stretched_to_a_known_width_by_no_more_than_a_fifth(width: int) -> None:
    drawn = BUCKETS.line(width)

    assert drawn in LINE_WIDTHS
    assert drawn % STEP == 0
    assert width < 14 or 0.8 < drawn / width < 1.25


@given(st.floats(1, 736), st.floats(1, 736))
def test_a_page_has_a_known_size_and_lies_as_before(width: float, height: float) -> None:
    drawn = BUCKETS.page(width, height)

    assert drawn in page_sizes()
    assert (drawn[0] >= drawn[1]) == (width >= height) or drawn[0] == drawn[1]
    assert all(side % STRIDE == 0 for side in drawn)


@given(st.floats(0.3, 1), st.sampled_from(PAGE_SIDES))
def test_the_shape_of_a_photo_or_card_is_kept_but_for_a_quarter(aspect: float, longest: int) -> None:
    width, height = BUCKETS.page(longest, longest * aspect)

    assert width == longest
    assert height / width == pytest.approx(aspect, rel=0.25)


@given(st.integers(8, 3200))
def test_the_cpu_sees_every_line_as_wide_as_it_is(width: int) -> None:
    assert EXACT.line(width) == width


@pytest.mark.parametrize(
    ("shape", "most", "sizes"),
    [
        ((48, 320), 1, (1,)),
        ((48, 320), 4, (1, 4)),
        ((48, 320), 16, (1, 4, 16)),
        ((48, 320), 24, (1, 4, 16, 24)),
        ((48, 320), 64, (1, 4, 16, 64)),
        ((384, 576), 64, (1, 4, 9)),
        ((4000, 4000), 64, (1,)),
    ],
)
def test_batches_come_in_a_few_sizes_that_fit_into_bounded_memory(
    shape: tuple[int, int], most: int, sizes: tuple[int, ...]
) -> None:
    assert batch_sizes(shape, most) == sizes
    assert sizes[-1] == 1 or sizes[-1] * shape[0] * shape[1] <= MAX_BATCH_PIXELS
