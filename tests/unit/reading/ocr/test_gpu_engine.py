"""The engine on a GPU, with a stand-in for the networks."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from service.errors import DeviceLostError
from service.reading.ocr.engine import Page, PageText, TextLine
from service.reading.ocr.gpu_engine import GpuEngine
from service.reading.ocr.onnx import OnnxEngine
from service.reading.ocr.sessions import Outputs, Tensor
from service.reading.ocr.shapes import BUCKETS, Sizes
from service.reading.ocr.tuning import GpuTuning

LINE = TextLine("BUDI", 0.9, ((0, 0), (40, 0), (40, 10), (0, 10)))


class _Network:
    sizes: Sizes = BUCKETS

    def run(self, batch: Tensor) -> Outputs:
        return [np.zeros(len(batch), np.float32)]

    def run_all(self, inputs: object) -> list[Outputs]:
        raise NotImplementedError

    def metadata(self, _key: str) -> str:
        return "A\nB"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[GpuEngine]:
    def read(_self: OnnxEngine, page: Page) -> PageText:
        def look_again(lines: Sequence[TextLine]) -> Sequence[TextLine]:
            return lines

        card = PageText(page.image, (LINE,), "cuda", look_again=look_again)
        return PageText(page.image, (LINE,), "cuda", (card,), look_again=look_again)

    monkeypatch.setattr(OnnxEngine, "read", read)
    engine = GpuEngine(GpuTuning(max_inputs=1), lambda _name: _Network())
    yield engine
    engine.close(DeviceLostError("the test is over"))


def test_a_second_look_is_dropped_when_the_context_was_lost_meanwhile(engine: GpuEngine) -> None:
    page = engine.read(Page(np.zeros((20, 40), np.uint8)))
    looks = [each.look_again for each in (page, *page.other_cards)]
    assert [look([LINE]) for look in looks if look] == [[LINE], [LINE]]

    engine.close(DeviceLostError("the GPU's context is lost"))

    for look in looks:
        assert look is not None
        with pytest.raises(DeviceLostError, match="context is lost"):
            look([LINE])
