import random

import numpy as np

from service.reading.ocr.engine import PageText, TextLine
from service.reading.quality import faults
from tests.unit.reading.quality.pages import box


def test_boxes_that_extend_beyond_a_small_page_are_clipped() -> None:
    rng = random.Random(4)
    for side in (1, 3, 48, 200):
        page = np.full((side, side), 200, np.uint8)
        boxes = [box((rng.uniform(-300, 300), rng.uniform(-300, 300)) for _ in range(4)) for _ in range(5)]

        # The page is one even grey: nothing is clear on it.
        found = faults(PageText(page, tuple(TextLine("A", 0.9, place) for place in boxes), "cpu"))
        assert found == ("unclear",)
