"""How much of the GPU is in use, as NVIDIA's management library says."""

import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from service.errors import DeviceError
from service.reading.ocr.nvml import find_gpu


@dataclass(frozen=True, slots=True)
class GpuUse:
    """The GPU that CUDA uses at one moment, with whatever else runs on it."""

    #: Bytes.
    memory_used: int
    memory_total: int
    #: Share of the last moments in which it computed anything, 0 to 1.
    utilisation: float


class GpuMeter:
    """Asks the driver; None is the answer where there is none, or while it does not work.

    Parameters:
        visible: ``CUDA_VISIBLE_DEVICES``
    """

    def __init__(self, visible: str | None = None) -> None:
        self._visible = visible
        self._nvml: Any = None
        self._device: Any = None

    def read(self) -> GpuUse | None:
        """Look once."""
        try:
            nvml = self._nvml = self._nvml or importlib.import_module("pynvml")
        except ImportError:
            return None
        try:
            if self._device is None:
                nvml.nvmlInit()
                self._device = find_gpu(nvml, self._visible)
            memory = nvml.nvmlDeviceGetMemoryInfo(self._device)
            rates = nvml.nvmlDeviceGetUtilizationRates(self._device)
        except (nvml.NVMLError, DeviceError):
            # A handle does not survive its device; the next look begins anew.
            self._device = None
            with suppress(nvml.NVMLError):
                nvml.nvmlShutdown()
            return None
        return GpuUse(memory.used, memory.total, rates.gpu / 100)
