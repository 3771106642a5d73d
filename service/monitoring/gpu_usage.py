"""GPU memory and utilisation, from NVIDIA's management library (NVML)."""

import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from service.errors import DeviceError
from service.reading.ocr.nvml import find_gpu


@dataclass(frozen=True, slots=True)
class GpuUse:
    """Use of the GPU that CUDA uses, by all programs, at one moment."""

    #: Bytes.
    memory_used: int
    memory_total: int
    #: Share of the driver's last sample period in which it was computing, 0 to 1.
    utilisation: float


class GpuMeter:
    """Reads the GPU's use from its driver.

    Parameters:
        visible: ``CUDA_VISIBLE_DEVICES``
    """

    def __init__(self, visible: str | None = None) -> None:
        self._visible = visible
        self._nvml: Any = None
        self._device: Any = None

    def read(self) -> GpuUse | None:
        """Read once; None where there is no driver, or while it does not work."""
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
            # A handle does not survive its device: the next reading starts anew.
            self._device = None
            with suppress(nvml.NVMLError):
                nvml.nvmlShutdown()
            return None
        return GpuUse(memory.used, memory.total, rates.gpu / 100)
