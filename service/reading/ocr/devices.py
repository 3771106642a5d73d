"""Chooses the engine for a document: the GPU's while it works, the CPU's otherwise."""

import threading

import structlog

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.engine import Device, Engine
from service.reading.ocr.gpu_probe import VerifiedGpu, probe_gpu
from service.reading.ocr.loading import load_engine, warm_up
from service.settings import Settings

log = structlog.get_logger(__name__)


class Devices:
    """Engines of this process, and the reason why the GPU is not in use.

    Parameters:
        settings: driver, whether to use a GPU, and whether to fall back to the CPU

    Raises:
        SettingsError: the CPU engine cannot be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cpu = load_engine(settings.driver)
        self._gpu: VerifiedGpu | None = None
        # Kept alive, unused: destroying CUDA sessions after their context is lost can crash the process.
        self._lost_gpu: VerifiedGpu | None = None
        self._had_gpu = False
        self._probe_lock = threading.Lock()
        self._failure_lock = threading.Lock()
        #: Whether this process can never use the GPU again, while a new process may.
        self.gpu_lost = False
        #: Why the GPU is not in use, in one sentence; empty while it is.
        self.gpu_absence = "the GPU has not been probed yet"
        #: The CPU's text of the warm-up picture.
        self._expected: str | None = None

    @property
    def warm(self) -> bool:
        """Whether the engines are warmed up."""
        return self._expected is not None

    @property
    def gpu_available(self) -> bool:
        """Whether the GPU is in use."""
        return self._gpu is not None

    def probe(self) -> None:
        """Check whether the GPU reads the same text as the CPU; a GPU in use is checked again."""
        with self._probe_lock:
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
        """Return the engine for one document: the GPU's, unless it is not in use or ``device`` is ``cpu``.

        Raises:
            DeviceError: the GPU is not in use and falling back to the CPU is off, for example because the GPU
                failed on another document after this one was fetched.
        """
        gpu = self._gpu
        if device != "cpu" and gpu is not None:
            return gpu
        if device is None and not self.settings.auto_fallback:
            raise DeviceError(self.gpu_absence)
        return self._cpu

    def device_of(self, device: Device | None) -> Device:
        """Return the device of ``engine`` for one document, for logs. Never raises."""
        return "cuda" if self.gpu_available and device != "cpu" else "cpu"

    def document_failed(self, error: DeviceError) -> None:
        """Take a GPU out of use that failed on a document.

        A GPU that only refused this document stays in use, unless the document cannot fall back to the CPU.
        """
        if not (isinstance(error, DeviceRefusalError) and self.settings.auto_fallback):
            self.gpu_failed(error)

    def gpu_failed(self, error: DeviceError) -> None:
        """Use the CPU until a probe succeeds; threads that wait for the GPU get ``error``."""
        with self._failure_lock:
            gpu, self._gpu = self._gpu, None
            # A GPU that never worked is the machine's fault: a new process would fail as well.
            if isinstance(error, DeviceLostError) and self._had_gpu:
                self.gpu_lost, self._lost_gpu = True, self._lost_gpu or gpu
            # Logged once: jobs that fail together with the first one add nothing.
            if gpu is not None:
                log.warning("gpu_failed", reason=str(error))
            elif str(error) != self.gpu_absence:
                # A missing GPU is worth a warning only where one is configured.
                if self.settings.gpu_enabled:
                    log.warning("gpu_not_in_use", reason=str(error))
                else:
                    log.info("gpu_not_in_use", reason=str(error))
            self.gpu_absence = str(error)
        if gpu is not None:
            gpu.close(error)

    def close(self) -> None:
        """Release the GPU when the process stops."""
        gpu, self._gpu = self._gpu, None
        if gpu is not None:
            self.gpu_absence = "the worker is stopping"
            gpu.close(DeviceError(self.gpu_absence))
