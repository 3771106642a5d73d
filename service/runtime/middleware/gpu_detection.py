"""The GPU is probed before the first document is taken, and by the clock afterwards."""

import os
import signal
from typing import Any

import structlog
from dramatiq import Broker, Middleware

from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.settings import Settings

log = structlog.get_logger(__name__)

#: The source of the hold that is put on taking while there is no GPU and none may be done without.
PAUSE_SOURCE = "gpu"


class GpuDetection(Middleware):
    """Probes the GPU; holds the queue when there is none and the CPU is not allowed.

    A process that lost the GPU's context can never use it again. It reads on the CPU until the next probe is
    due and ends then, as at SIGTERM: the supervisor starts another, whose own probe decides. Not earlier,
    so that a GPU that fails again and again costs no more than a start a minute.

    Parameters:
        devices: what is probed
        in_hand: what is held
        settings: whether the CPU may stand in
    """

    def __init__(self, devices: Devices, active_jobs: ActiveJobs, settings: Settings) -> None:
        self.devices = devices
        self.active_jobs = active_jobs
        self.settings = settings
        #: Whether the process is a worker's own, which may be ended.
        self._own_process = False

    def after_process_boot(self, broker: Broker) -> None:
        """Note that Dramatiq runs this process: one that only embeds a worker is not ours to end."""
        self._own_process = True

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Probe before the first consumer starts: no document meets a cold engine."""
        self.probe()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Let go of the GPU."""
        self.devices.close()

    def probe(self) -> None:
        """Look for the GPU again, or at the one in use; run at boot and by schedule."""
        if self.devices.gpu_lost and self._own_process:
            if not self.active_jobs.stopping:
                log.warning("gpu_restart", reason=self.devices.gpu_absence)
                os.kill(os.getpid(), signal.SIGTERM)
            return
        self.devices.probe()
        self.check_hold()

    def check_hold(self) -> None:
        """Hold the queue, or let go of it."""
        if self.devices.gpu_available or self.settings.auto_fallback:
            self.active_jobs.resume(PAUSE_SOURCE)
        else:
            self.active_jobs.pause(
                PAUSE_SOURCE, f"no GPU ({self.devices.gpu_absence}) and OCR_GPU_AUTOFALLBACK is false"
            )
