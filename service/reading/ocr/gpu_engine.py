"""The ``onnx`` driver on a GPU: the same engine as on the CPU, with networks shared through one batcher."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from service.errors import DeviceError
from service.reading.ocr.batcher import Batcher
from service.reading.ocr.engine import Device, Page, PageText
from service.reading.ocr.onnx import OnnxEngine
from service.reading.ocr.orientation import CLASSIFIER_SIZE
from service.reading.ocr.sessions import Network, load_network
from service.reading.ocr.shapes import LINE_HEIGHT, LINE_WIDTHS, page_sizes
from service.reading.ocr.tuning import GpuTuning

Result = TypeVar("Result")

#: Every input shape (channels x height x width) that a network on the GPU is run with.
SHAPES = {
    "detector": [(1, height, width) for width, height in page_sizes()],
    "direction": [(1, *CLASSIFIER_SIZE)],
    "recogniser": [(1, LINE_HEIGHT, width) for width in LINE_WIDTHS],
}


class GpuEngine:
    """Reads pages on a GPU. Every input shape is computed once when the engine is opened.

    Parameters:
        tuning: GPU options
        load: opens a network by its name; on CUDA by default

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA cannot be used.
    """

    name = "onnx"
    device: Device = "cuda"

    def __init__(self, tuning: GpuTuning, load: Callable[[str], Network] | None = None) -> None:
        load = load or partial(load_network, device="cuda", tuning=tuning)
        self.batcher = Batcher(
            lambda: {name: load(name) for name in SHAPES}, SHAPES, tuning.max_inputs, tuning.max_wait
        )
        self._engine = OnnxEngine("cuda", self.batcher.network)

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page.

        Raises:
            DeviceError: see ``Batcher.run``.
            DeviceLostError: the context was lost meanwhile, on any thread's input; this page's text is
                discarded.
        """
        return self._guarded(self._on_gpu(lambda: self._engine.read(page)))

    def _on_gpu(self, work: Callable[[], Result]) -> Result:
        with self.batcher.active():
            result = work()
        self.batcher.check_healthy()
        return result

    def _guarded(self, text: PageText) -> PageText:
        """Let later looks at the page's lines meet the same checks."""
        look_again = text.look_again
        if look_again is None:
            return text
        return replace(
            text,
            other_cards=tuple(map(self._guarded, text.other_cards)),
            look_again=lambda lines: self._on_gpu(lambda: look_again(lines)),
        )

    def close(self, reason: DeviceError) -> None:
        """Stop reading; threads that wait for the GPU get ``reason``."""
        self.batcher.close(reason)
