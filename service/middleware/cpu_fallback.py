"""A document on which the GPU fails is read on the CPU."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.devices import Devices
from service.errors import DeviceError, DeviceRefusalError
from service.intake.ledger import UNHARMED, Settlement
from service.middleware.gpu_detection import GpuDetection
from service.settings import Settings


class CpuFallback(Middleware):
    """Sends the job back for the CPU, uncounted, and stops trusting the GPU until it has been probed.

    A GPU that only could not take this one document stays in use, unless the document has nowhere else to go.

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
            if not (isinstance(exception, DeviceRefusalError) and self.settings.auto_fallback):
                self.devices.gpu_failed(exception)
                self.detection.check_hold()
            on_cpu = Settlement("back", counts=False, device="cpu")
            message.options["settlement"] = on_cpu if self.settings.auto_fallback else UNHARMED
