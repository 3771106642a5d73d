"""No page asks the GPU for a shape that was not computed at the start: each new one would cost a second."""

import random
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest

from devstack.cards import sample_cards
from service.reading.ocr.engine import Image, Page
from service.reading.ocr.gpu_engine import GpuEngine
from service.reading.ocr.sessions import Network, Outputs, Tensor
from service.reading.ocr.shapes import BUCKETS, Sizes
from service.reading.ocr.tuning import GpuTuning
from service.reading.pages import read_pages

STEP = 8


class Recorder:
    """A network that takes dark patches for lines, and is unsure of what they say; it notes shapes only."""

    sizes: Sizes = BUCKETS

    def __init__(self, name: str, asked: set[tuple[str, tuple[int, ...]]]) -> None:
        self.name, self.asked = name, asked

    def run(self, batch: Tensor) -> Outputs:
        self.asked.add((self.name, batch.shape))
        count, _, _, width = batch.shape
        if self.name == "detector":
            return [np.where(batch < 0, 0.9, 0.0).astype(np.float32)]
        if self.name == "direction":
            return [np.tile(np.array([0.9, 0.1], np.float32), (count, 1))]
        steps = (count, width // STEP)
        return [np.ones(steps, np.int64), np.full(steps, 0.6, np.float32), np.zeros(steps, np.float32)]

    def run_all(self, inputs: Sequence[Tensor]) -> list[Outputs]:
        return [self.run(each) for each in inputs]

    def metadata(self, key: str) -> str:
        return "A"


def drawn_page(rng: random.Random) -> Image:
    """A light page of any size and shape with dark lines of any length and height."""
    page = np.full((rng.randint(200, 2600), rng.randint(200, 2600)), 220, np.uint8)
    for _ in range(rng.randint(1, 40)):
        centre = (rng.uniform(0, page.shape[1]), rng.uniform(0, page.shape[0]))
        height = rng.uniform(8, 70)
        size = (height * rng.uniform(1, 30), height)
        corners = cv2.boxPoints((centre, size, rng.choice((0, 0, 3, 12, 90))))
        cv2.fillConvexPoly(page, np.rint(corners).astype(np.int32), (20,))
    return page


def pages() -> Iterator[Page]:
    for level in ("flat", "photo", "poor"):
        for card in sample_cards(seed=3, count=6, level=level):
            yield from read_pages(card.content)
    rng = random.Random(5)
    yield from (Page(drawn_page(rng)) for _ in range(182))


@pytest.mark.slow
def test_200_mixed_pages_ask_for_no_shape_that_was_not_warmed_up() -> None:
    asked: set[tuple[str, tuple[int, ...]]] = set()

    def load(name: str) -> Network:
        return Recorder(name, asked)

    engine = GpuEngine(GpuTuning(max_wait=0.0), load)
    warmed = frozenset(asked)
    asked.clear()

    for page in pages():
        engine.read(page)

    assert asked <= warmed
    # Enough of them for the check to mean something.
    assert len({shape for name, shape in asked if name == "detector"}) > 10
    assert len({shape for name, shape in asked if name == "recogniser"}) > 30
