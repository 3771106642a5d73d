"""Probes the GPU before the first document is fetched, and periodically afterwards."""

import os
import signal
from typing import Any

import structlog
from dramatiq import Broker, Middleware

from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices

log = structlog.get_logger(__name__)

#: Source of the pause while there is no GPU and the CPU may not be used.
PAUSE_SOURCE = "gpu"


class GpuDetection(Middleware):
    """Probes the GPU; pauses fetching while there is none and the CPU may not be used.

    A process that lost the GPU's context can never use the GPU again. It reads on the CPU until the next
    probe is due, then stops as at SIGTERM; the supervisor starts another process, which probes for itself.
    It does not stop earlier, so that a GPU that keeps failing costs no more than one restart a minute.

    Parameters:
        devices: what is probed
        active_jobs: what is paused
        auto_fallback: whether the CPU may be used
    """

    def __init__(self, devices: Devices, active_jobs: ActiveJobs, *, auto_fallback: bool) -> None:
        self.devices = devices
        self.active_jobs = active_jobs
        self.auto_fallback = auto_fallback
        #: Whether Dramatiq's command runs this process, so that we may end it.
        self._own_process = False

    def after_process_boot(self, broker: Broker) -> None:
        """Note that Dramatiq runs this process; one that embeds a worker is not ours to end."""
        self._own_process = True

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Probe before the first consumer starts, so that no document meets a cold engine."""
        self.probe()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Release the GPU."""
        self.devices.close()

    def probe(self) -> None:
        """Look for a GPU, or check the one in use; called at boot and by the scheduler."""
        if self.devices.gpu_lost and self._own_process:
            if not self.active_jobs.stopping:
                log.warning("gpu_restart", reason=self.devices.gpu_absence)
                os.kill(os.getpid(), signal.SIGTERM)
            return
        self.devices.probe()
        self.update_pause()

    def update_pause(self) -> None:
        """Pause or resume fetching, depending on the GPU's state."""
        if self.devices.gpu_available or self.auto_fallback:
            self.active_jobs.resume(PAUSE_SOURCE)
        else:
            self.active_jobs.pause(
                PAUSE_SOURCE, f"no GPU ({self.devices.gpu_absence}) and OCR_GPU_AUTOFALLBACK is false"
            )
