"""Which engine the settings ask for, opened and warmed up."""

from importlib import import_module
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from service.errors import SettingsError
from service.reading.ocr.engine import Engine, Page
from service.reading.ocr.tuning import GpuTuning

if TYPE_CHECKING:
    from service.reading.ocr.gpu_engine import GpuEngine

#: Printed on the picture that engines read first.
SPECIMEN = ("KARTU CONTOH", "3171 0123 4567 8900")


def load_engine(driver: Literal["tesseract", "onnx"]) -> Engine:
    """Open an engine on the CPU.

    Raises:
        SettingsError: something that the engine needs is missing; one line says what to install or make.
    """
    # Jobs run side by side on a core each: OpenCV's own threads would only crowd them.
    cv2.setNumThreads(1)
    engine: Engine
    # Imported when asked for: an installation for one driver need not hold the other's libraries.
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


def cuda_of_runtime() -> str:
    """Return the CUDA that the installed ONNX Runtime is built for, such as ``12.8``.

    Raises:
        DeviceError: it is built without.
    """
    version: str = import_module("service.reading.ocr.cuda").require_cuda()
    return version


def load_gpu_engine(tuning: GpuTuning) -> "GpuEngine":
    """Open the ``onnx`` driver on the GPU and compute every shape that it will ever see.

    Raises:
        SettingsError: a model file is missing or altered.
        DeviceError: CUDA cannot be used.
    """
    cv2.setNumThreads(1)
    engine: GpuEngine = import_module("service.reading.ocr.gpu_engine").GpuEngine(tuning)
    return engine


def warm_up(engine: Engine) -> str:
    """Let an engine read a small picture, so that the first document is not slow, and return what it read.

    Raises:
        EngineError: as ``Engine.read``.
    """
    return "\n".join(line.text for line in engine.read(specimen()).lines)


def specimen() -> Page:
    """Draw a small page with the text of ``SPECIMEN``."""
    image = np.full((160, 640), 235, np.uint8)
    for row, text in enumerate(SPECIMEN):
        cv2.putText(image, text, (30, 60 + 60 * row), cv2.FONT_HERSHEY_DUPLEX, 1.2, (40,), 2)
    return Page(image)
