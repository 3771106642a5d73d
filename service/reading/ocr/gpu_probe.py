"""Is there a GPU? Only a computation answers that: drivers, libraries and flags all say yes too easily."""

from service.errors import DeviceError, DeviceLostError
from service.reading.ocr.engine import Device, Page, PageText
from service.reading.ocr.loading import cuda_of_runtime, load_gpu_engine, warm_up
from service.reading.ocr.nvml import MIB, DriverView
from service.reading.ocr.tuning import GpuTuning
from service.settings import Settings

#: Bytes of GPU memory that must be free for the models and one batch.
MIN_FREE_MEMORY = 1024 * MIB


class ProvenGpu:
    """An engine on a GPU that gives the CPU's text, and whose driver reports no fault.

    Parameters:
        tuning: how the GPU is used
        view: the driver's view of it, opened before; closed with this
        expected: what the CPU reads off the warm-up picture

    Raises:
        DeviceError: it cannot be used.
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
            DeviceError: the GPU failed, or its driver reports that it did; what was read is dropped.
        """
        text = self._engine.read(page)
        self._view.check_sound()
        return text

    def check(self) -> None:
        """Read the warm-up picture.

        Raises:
            DeviceError: the GPU failed.
            DeviceLostError: it reads something else: nothing that it says can be trusted.
        """
        if warm_up(self) != self._expected:
            raise DeviceLostError("the GPU read other text off the warm-up picture than the CPU")

    def close(self, reason: DeviceError) -> None:
        """Read nothing more; whoever waits for the GPU gets ``reason``."""
        self._engine.close(reason)
        self._view.close()


def probe_gpu(settings: Settings, expected: str) -> ProvenGpu:
    """An engine on the GPU that has computed every shape, and just read ``expected`` off the warm-up picture.

    Raises:
        DeviceError: there is none; the message is one sentence that says why.
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
        view.check_driver(cuda_of_runtime())
        gpu = ProvenGpu(gpu_tuning(settings), view, expected)
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
    """How the settings want the GPU to be used."""
    return GpuTuning(
        max_inputs=settings.gpu_max_batch,
        max_wait=settings.gpu_max_wait,
        search=settings.gpu_search,
        arena=settings.gpu_arena,
        memory_limit=settings.gpu_memory_limit * MIB or None,
    )
