"""Probes the GPU before the first document is fetched, and periodically afterwards."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from dramatiq import Broker, Middleware

from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.runtime.supervisor import EXIT_GPU_GONE, EXIT_GPU_LOST

log = structlog.get_logger(__name__)

#: Source of the pause while there is no GPU and the CPU may not be used.
PAUSE_SOURCE = "gpu"

#: s without its GPU after which a worker ends when idle, so that another machine can take its place.
GONE_AFTER = 600.0

#: s that a worker runs before it ends for that reason: a GPU that comes and goes costs one start an hour.
MIN_UPTIME = 3600.0


@dataclass(frozen=True, slots=True)
class WorkerHistory:
    """What the supervisor knows of earlier processes of this worker; times are `time.monotonic()`."""

    started_at: float
    #: When the process before this one lost the GPU; None: no process did.
    gpu_lost_at: float | None


class GpuDetection(Middleware):
    """Probes the GPU; pauses fetching while there is none and the CPU may not be used.

    A process that lost the GPU's context can never use the GPU again. It reads on the CPU until the next
    probe is due, then stops as at SIGTERM; the supervisor starts another process, which probes for itself.
    It does not stop earlier, so that a GPU that keeps failing costs no more than one restart a minute.

    A worker that had a GPU and cannot get it back ends altogether, once it is idle: the container may have
    lost its device, and only a new one on another machine has a GPU again.

    Parameters:
        devices: what is probed
        active_jobs: what is paused
        stop: ends the process gracefully with an exit code; called only where Dramatiq runs it
        history: earlier processes of this worker
        auto_fallback: whether the CPU may be used
        clock: s, as in ``history``
    """

    def __init__(
        self,
        devices: Devices,
        active_jobs: ActiveJobs,
        stop: Callable[[int], None],
        history: WorkerHistory,
        *,
        auto_fallback: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.devices = devices
        self.active_jobs = active_jobs
        self.history = history
        self.auto_fallback = auto_fallback
        self._stop = stop
        self._clock = clock
        #: Whether Dramatiq's command runs this process, so that we may end it.
        self._own_process = False
        #: `time.monotonic()` when the worker last had a GPU; None: never.
        self._gpu_seen_at = history.gpu_lost_at

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
                self._stop(EXIT_GPU_LOST)
            return
        self.devices.probe()
        self.update_pause()
        if self.devices.gpu_available:
            self._gpu_seen_at = self._clock()
        elif self._own_process and self._is_gpu_gone() and self._is_idle():
            log.error("gpu_gone", reason=self.devices.gpu_absence)
            self._stop(EXIT_GPU_GONE)

    def _is_gpu_gone(self) -> bool:
        """Whether the worker had a GPU, and has been without for too long."""
        now = self._clock()
        return (
            self._gpu_seen_at is not None
            and now - self._gpu_seen_at > GONE_AFTER
            and now - self.history.started_at > MIN_UPTIME
        )

    def _is_idle(self) -> bool:
        return not self.active_jobs.tokens() and not self.active_jobs.stopping

    def update_pause(self) -> None:
        """Pause or resume fetching, depending on the GPU's state."""
        if self.devices.gpu_available or self.auto_fallback:
            self.active_jobs.resume(PAUSE_SOURCE)
        else:
            self.active_jobs.pause(
                PAUSE_SOURCE, f"no GPU ({self.devices.gpu_absence}) and OCR_GPU_AUTOFALLBACK is false"
            )
