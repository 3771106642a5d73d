"""Finds out whether a GPU can be used, by computing on it: drivers, libraries and flags prove too little."""

from service.errors import DeviceError, DeviceLostError
from service.reading.ocr.engine import Device, Page, PageText
from service.reading.ocr.loading import load_gpu_engine, runtime_cuda_version, warm_up
from service.reading.ocr.nvml import MIB, DriverView
from service.reading.ocr.tuning import GpuTuning
from service.settings import Settings

#: Free GPU memory needed for the models and one batch, in bytes.
MIN_FREE_MEMORY = 1024 * MIB


class VerifiedGpu:
    """GPU engine that is checked against the CPU's text and the driver's fault reports.

    Parameters:
        tuning: GPU options
        view: the driver's view of the GPU, opened before; closed with this engine
        expected: the CPU's text of the warm-up picture

    Raises:
        DeviceError: the GPU cannot be used.
    """

    name = "onnx"
    device: Device = "cuda"

    def __init__(self, tuning: GpuTuning, view: DriverView, expected: str) -> None:
        self._view = view
        self._expected = expected
        self._engine = load_gpu_engine(tuning)

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page.

        Raises:
            DeviceError: the GPU failed, or its driver reports a fault; the text is discarded.
        """
        text = self._engine.read(page)
        self._view.check_healthy()
        return text

    def check(self) -> None:
        """Read the warm-up picture.

        Raises:
            DeviceError: the GPU failed.
            DeviceLostError: the text differs from the CPU's, so no result of this GPU can be trusted.
        """
        if warm_up(self) != self._expected:
            raise DeviceLostError("the GPU and the CPU read different text on the warm-up picture")

    def close(self, reason: DeviceError) -> None:
        """Stop reading; threads that wait for the GPU get ``reason``."""
        self._engine.close(reason)
        self._view.close()


def probe_gpu(settings: Settings, expected: str) -> VerifiedGpu:
    """Open an engine on the GPU and check that it reads ``expected`` on the warm-up picture.

    Raises:
        DeviceError: no GPU can be used; the message is one sentence that says why.
        SettingsError: a model file is missing or altered.
    """
    if not settings.gpu_enabled:
        raise DeviceError("OCR_GPU_ENABLED is false")
    if settings.nvidia_visible_devices in ("none", "void"):
        raise DeviceError(f"NVIDIA_VISIBLE_DEVICES={settings.nvidia_visible_devices} hides every GPU")
    if settings.driver == "tesseract":
        raise DeviceError("Tesseract has no GPU mode: set OCR_GPU_DRIVER=onnx")
    view = DriverView(settings.cuda_visible_devices)
    try:
        view.check_repairs()
        view.check_memory(MIN_FREE_MEMORY)
        view.check_driver(runtime_cuda_version())
        gpu = VerifiedGpu(gpu_tuning(settings), view, expected)
    except BaseException:
        view.close()
        raise
    try:
        gpu.check()
    except DeviceError as error:
        gpu.close(error)
        raise
    return gpu


def gpu_tuning(settings: Settings) -> GpuTuning:
    """Return the GPU options of the settings."""
    return GpuTuning(
        max_inputs=settings.gpu_max_batch,
        max_wait=settings.gpu_max_wait,
        search=settings.gpu_search,
        arena=settings.gpu_arena,
        memory_limit=settings.gpu_memory_limit * MIB or None,
    )
