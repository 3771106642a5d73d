"""A document on which the GPU fails is read on the CPU."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import DeviceError
from service.queue.document_queue import RETURN_UNCOUNTED, Settlement
from service.reading.ocr.devices import Devices
from service.runtime.middleware.gpu_detection import GpuDetection
from service.settings import Settings


class CpuFallback(Middleware):
    """Sends the job back for the CPU, uncounted, and lets the devices know of the failure.

    Parameters:
        devices: told of the failure
        detection: decides whether the queue must be held
        settings: whether the CPU may stand in; if not, the job goes back unharmed to wait for a GPU
    """

    def __init__(self, devices: Devices, detection: GpuDetection, settings: Settings) -> None:
        self.devices = devices
        self.detection = detection
        self.settings = settings

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Settle a job that met a failing GPU."""
        if isinstance(exception, DeviceError):
            self.devices.document_failed(exception)
            self.detection.check_hold()
            on_cpu = Settlement("requeue", counts=False, device="cpu")
            message.options["settlement"] = on_cpu if self.settings.auto_fallback else RETURN_UNCOUNTED
