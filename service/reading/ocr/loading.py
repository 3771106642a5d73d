"""Opens and warms up the engine that the settings name."""

from importlib import import_module
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from service.errors import SettingsError
from service.reading.ocr.engine import Engine, Page
from service.reading.ocr.tuning import GpuTuning

if TYPE_CHECKING:
    from service.reading.ocr.gpu_engine import GpuEngine

#: Text of the warm-up picture.
WARM_UP_TEXT = ("KARTU CONTOH", "3171 0123 4567 8900")


def load_engine(driver: Literal["tesseract", "onnx"]) -> Engine:
    """Open an engine on the CPU.

    Raises:
        SettingsError: a part of the engine is missing; the message is one line that says what to install.
    """
    # Jobs run in parallel, one core each: OpenCV's own threads would compete with them.
    cv2.setNumThreads(1)
    engine: Engine
    # Imported on demand: an installation for one driver need not have the other's libraries.
    if driver == "tesseract":
        engine = import_module("service.reading.ocr.tesseract").TesseractEngine()
        return engine
    try:
        onnx = import_module("service.reading.ocr.onnx")
    except ImportError as error:
        raise SettingsError(
            "OCR_GPU_DRIVER=onnx, but ONNX Runtime is missing: install this package with extra `cpu` or `gpu`"
        ) from error
    engine = onnx.OnnxEngine()
    return engine


def runtime_cuda_version() -> str:
    """Return the CUDA version that the installed ONNX Runtime is built for, such as ``12.8``.

    Raises:
        DeviceError: it is built without CUDA.
    """
    version: str = import_module("service.reading.ocr.cuda").require_cuda()
    return version


def load_gpu_engine(tuning: GpuTuning) -> "GpuEngine":
    """Open the ``onnx`` driver on the GPU and compute every input shape once.

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA cannot be used.
    """
    cv2.setNumThreads(1)
    engine: GpuEngine = import_module("service.reading.ocr.gpu_engine").GpuEngine(tuning)
    return engine


def warm_up(engine: Engine) -> str:
    """Read the warm-up picture, so that the first document is not slow, and return its text.

    Raises:
        EngineError: as ``Engine.read``.
    """
    return "\n".join(line.text for line in engine.read(warm_up_page()).lines)


def warm_up_page() -> Page:
    """Return a small page with ``WARM_UP_TEXT`` on it."""
    image = np.full((160, 640), 235, np.uint8)
    for row, text in enumerate(WARM_UP_TEXT):
        cv2.putText(image, text, (30, 60 + 60 * row), cv2.FONT_HERSHEY_DUPLEX, 1.2, (40,), 2)
    return Page(image)
