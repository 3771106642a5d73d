"""Samples the GPU's utilisation and memory through its driver."""

import os
import threading
from dataclasses import dataclass, field
from statistics import fmean

from service.monitoring.gpu_usage import GpuMeter, GpuUse

#: s between two looks; the driver itself averages over about as long.
INTERVAL = 0.1


@dataclass
class Gauge:
    """Samples in a thread of its own while it is open, and once at each end."""

    uses: list[GpuUse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._meter = GpuMeter(os.environ.get("CUDA_VISIBLE_DEVICES"))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gauge", daemon=True)

    def __enter__(self) -> "Gauge":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._look()

    @property
    def busy(self) -> float:
        """Mean share of time in which the GPU computed, 0 to 1."""
        return fmean(use.utilisation for use in self.uses) if self.uses else 0.0

    @property
    def most_memory(self) -> int:
        """Bytes taken at most, by everything that runs on the GPU."""
        return max((use.memory_used for use in self.uses), default=0)

    def memory_at(self, share: float) -> int:
        """Return the bytes taken after that share of the time, from 0 to 1."""
        return self.uses[round(share * (len(self.uses) - 1))].memory_used if self.uses else 0

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        use = self._meter.read()
        if use is not None:
            self.uses.append(use)
