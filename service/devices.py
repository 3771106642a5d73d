"""Which engine reads a document: the GPU's while it computes, the CPU's otherwise."""

import threading

import structlog

from service.errors import DeviceError
from service.gpu import probe_gpu
from service.ocr.engine import Device, Engine
from service.ocr.loading import load_engine, warm_up
from service.settings import Settings

log = structlog.get_logger(__name__)


class Devices:
    """The engines of this process, and why there is no GPU when there is none.

    Parameters:
        settings: driver, and whether a GPU is wanted

    Raises:
        SettingsError: the CPU engine can't be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cpu = load_engine(settings.driver)
        self._gpu: Engine | None = None
        self._probing = threading.Lock()
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
        """Warm the CPU engine up, and, while no GPU is in use, find out whether one gives the same text."""
        with self._probing:
            expected = self._expected or warm_up(self._cpu)
            if self._gpu is None:
                try:
                    self._gpu = probe_gpu(self.settings, expected)
                    self.gpu_absence = ""
                    log.info("gpu_in_use")
                except DeviceError as error:
                    self._note_absence(str(error))
            self._expected = expected

    def _note_absence(self, reason: str) -> None:
        if reason != self.gpu_absence:
            log.info("gpu_not_in_use", reason=reason)
        self.gpu_absence = reason

    def engine(self, device: Device | None) -> Engine:
        """The engine for one document: the GPU's unless there is none or ``device`` says ``cpu``."""
        gpu = self._gpu
        return self._cpu if gpu is None or device == "cpu" else gpu

    def gpu_failed(self, reason: str) -> None:
        """Use the CPU until a probe finds that the GPU computes again."""
        self._gpu = None
        self.gpu_absence = reason
        log.warning("gpu_failed", reason=reason)
