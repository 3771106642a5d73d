"""The ``onnx`` driver on a GPU: the same reading, with networks that all jobs share through one batcher."""

from collections.abc import Callable
from functools import partial

from service.errors import DeviceError
from service.reading.ocr.batcher import Batcher
from service.reading.ocr.engine import Device, Page, PageText
from service.reading.ocr.onnx import OnnxEngine
from service.reading.ocr.orientation import CLASSIFIER_SIZE
from service.reading.ocr.sessions import Network, load_network
from service.reading.ocr.shapes import LINE_HEIGHT, LINE_WIDTHS, page_sizes
from service.reading.ocr.tuning import GpuTuning

#: Every shape, channels x height x width, that a network on the GPU ever sees.
SHAPES = {
    "detector": [(1, height, width) for width, height in page_sizes()],
    "direction": [(1, *CLASSIFIER_SIZE)],
    "recogniser": [(1, LINE_HEIGHT, width) for width in LINE_WIDTHS],
}


class GpuEngine:
    """Reads pages on a GPU that has computed each shape once.

    Parameters:
        tuning: how the GPU is used
        load: opens a network by its name; by default on CUDA

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
            DeviceError: as ``Batcher.run``.
            DeviceLostError: the context was lost meanwhile, on whoever's input: this page's text is dropped.
        """
        with self.batcher.reading():
            text = self._engine.read(page)
        self.batcher.check_sound()
        return text

    def close(self, reason: DeviceError) -> None:
        """Read nothing more; whoever waits for the GPU gets ``reason``."""
        self.batcher.close(reason)
