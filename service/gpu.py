"""Is there a GPU? Only a computation answers that: drivers, libraries and flags all say yes too easily."""

import importlib

from service.errors import DeviceError
from service.ocr.engine import Engine
from service.ocr.loading import load_engine, warm_up
from service.settings import Settings

#: Bytes of GPU memory that must be free for the models and one batch.
LEAST_FREE_MEMORY = 1024**3


def probe_gpu(settings: Settings, expected: str) -> Engine:
    """An engine on the GPU that has just read ``expected`` off the warm-up picture.

    Raises:
        DeviceError: there is none; the message is one sentence that says why.
    """
    if not settings.gpu_enabled:
        raise DeviceError("OCR_GPU_ENABLED is false")
    if settings.nvidia_visible_devices in ("none", "void"):
        raise DeviceError(f"NVIDIA_VISIBLE_DEVICES={settings.nvidia_visible_devices} hides every GPU")
    if settings.driver == "tesseract":
        raise DeviceError("Tesseract has no GPU mode: set OCR_GPU_DRIVER=onnx")
    _check_memory()
    engine = load_engine(settings.driver, "cuda")
    if warm_up(engine) != expected:
        raise DeviceError("the GPU read other text off the warm-up picture than the CPU")
    return engine


def _check_memory() -> None:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise DeviceError(
            "this installation is without GPU support: nvidia-ml-py is missing, install extra `gpu`"
        ) from None
    try:
        nvml.nvmlInit()
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(nvml.nvmlDeviceGetHandleByIndex(0))
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise DeviceError(f"no usable NVIDIA driver or GPU: {error}") from None
    if memory.free < LEAST_FREE_MEMORY:
        raise DeviceError(
            f"only {memory.free // 2**20} MiB of GPU memory are free, {LEAST_FREE_MEMORY // 2**20} are needed"
        )
