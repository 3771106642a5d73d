"""Which engine reads a document: the GPU's while it computes, the CPU's otherwise."""

import threading

import structlog

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.engine import Device, Engine
from service.reading.ocr.gpu_probe import ProvenGpu, probe_gpu
from service.reading.ocr.loading import load_engine, warm_up
from service.settings import Settings

log = structlog.get_logger(__name__)


class Devices:
    """The engines of this process, and why there is no GPU when there is none.

    Parameters:
        settings: driver, whether a GPU is wanted, and whether the CPU may stand in for it

    Raises:
        SettingsError: the CPU engine can't be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cpu = load_engine(settings.driver)
        self._gpu: ProvenGpu | None = None
        # Kept, not used: to take CUDA's sessions apart after their context is lost can end the process.
        self._lost_gpu: ProvenGpu | None = None
        self._had_gpu = False
        self._probing = threading.Lock()
        self._failing = threading.Lock()
        #: Whether this process can never use the GPU again, and another one may.
        self.gpu_lost = False
        #: One sentence; empty while the GPU is in use.
        self.gpu_absence = "the GPU was not looked for yet"
        self._expected: str | None = None

    @property
    def warm(self) -> bool:
        """Whether the engines have read their first picture."""
        return self._expected is not None

    @property
    def gpu_available(self) -> bool:
        """Whether a GPU computed, and has not failed since."""
        return self._gpu is not None

    def probe(self) -> None:
        """Find out whether a GPU gives the same text as the CPU; one in use has to show it again."""
        with self._probing:
            expected = self._expected or warm_up(self._cpu)
            try:
                self._check_or_open(expected)
            except DeviceError as error:
                self.gpu_failed(error)
            self._expected = expected

    def _check_or_open(self, expected: str) -> None:
        gpu = self._gpu
        if gpu is not None:
            gpu.check()
        elif not self.gpu_lost:
            self._gpu = probe_gpu(self.settings, expected)
            self._had_gpu, self.gpu_absence = True, ""
            log.info("gpu_in_use")

    def engine(self, device: Device | None) -> Engine:
        """The engine for one document: the GPU's unless there is none or ``device`` says ``cpu``.

        Raises:
            DeviceError: there is none, and the CPU may not stand in; so it is where the GPU failed on another
                document after this one was taken.
        """
        gpu = self._gpu
        if device != "cpu" and gpu is not None:
            return gpu
        if device is None and not self.settings.auto_fallback:
            raise DeviceError(self.gpu_absence)
        return self._cpu

    def device_of(self, device: Device | None) -> Device:
        """Where ``engine`` computes for one document, as the log says it; raises nothing."""
        return "cuda" if self.gpu_available and device != "cpu" else "cpu"

    def document_failed(self, error: DeviceError) -> None:
        """Stop trusting a GPU that failed on a document.

        One that only could not take this document stays in use, unless the document has nowhere else to go.
        """
        if not (isinstance(error, DeviceRefusalError) and self.settings.auto_fallback):
            self.gpu_failed(error)

    def gpu_failed(self, error: DeviceError) -> None:
        """Use the CPU until a probe finds that the GPU computes again; who waits for it gets ``error``."""
        with self._failing:
            gpu, self._gpu = self._gpu, None
            # Where it never computed, it is the machine that fails: a new process would meet the same.
            if isinstance(error, DeviceLostError) and self._had_gpu:
                self.gpu_lost, self._lost_gpu = True, self._lost_gpu or gpu
            # The jobs that fail with the first one have nothing to add.
            if gpu is not None:
                log.warning("gpu_failed", reason=str(error))
            elif str(error) != self.gpu_absence:
                # A GPU that nobody wants is no news; one that is wanted and missing is.
                if self.settings.gpu_enabled:
                    log.warning("gpu_not_in_use", reason=str(error))
                else:
                    log.info("gpu_not_in_use", reason=str(error))
            self.gpu_absence = str(error)
        if gpu is not None:
            gpu.close(error)

    def close(self) -> None:
        """Let go of the GPU at the end of the process' work."""
        gpu, self._gpu = self._gpu, None
        if gpu is not None:
            self.gpu_absence = "the worker is stopping"
            gpu.close(DeviceError(self.gpu_absence))
