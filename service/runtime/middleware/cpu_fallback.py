"""Retries a document on the CPU when the GPU fails on it."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import DeviceError
from service.queue.document_queue import RETURN_UNCOUNTED, Settlement
from service.queue.job_context import JobContext
from service.reading.ocr.devices import Devices
from service.runtime.middleware.gpu_detection import GpuDetection


class CpuFallback(Middleware):
    """Requeues the job for the CPU without counting an attempt, and reports the failure to the devices.

    Parameters:
        devices: notified of the failure
        detection: decides whether fetching must pause
        auto_fallback: whether the CPU may be used; if not, the job goes back unchanged and waits for a GPU
    """

    def __init__(self, devices: Devices, detection: GpuDetection, *, auto_fallback: bool) -> None:
        self.devices = devices
        self.detection = detection
        self.settlement = (
            Settlement("requeue", counts=False, device="cpu") if auto_fallback else RETURN_UNCOUNTED
        )

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Settle a job on which the GPU failed."""
        if isinstance(exception, DeviceError):
            self.devices.document_failed(exception)
            self.detection.update_pause()
            JobContext.of(message).settlement = self.settlement
