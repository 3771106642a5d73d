"""The GPU is probed before the first document is taken."""

from typing import Any

from dramatiq import Broker, Middleware

from service.devices import Devices
from service.intake.in_hand import InHand
from service.settings import Settings

#: The source of the hold that is put on taking while there is no GPU and none may be done without.
HOLD = "gpu"


class GpuDetection(Middleware):
    """Probes the GPU when the worker boots; holds the queue when there is none and the CPU is not allowed.

    Parameters:
        devices: what is probed
        in_hand: what is held
        settings: whether the CPU may stand in
    """

    def __init__(self, devices: Devices, in_hand: InHand, settings: Settings) -> None:
        self.devices = devices
        self.in_hand = in_hand
        self.settings = settings

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Probe before the first consumer starts: no document meets a cold engine."""
        self.probe()

    def probe(self) -> None:
        """Look for the GPU again; run at boot, by schedule and after a failure."""
        self.devices.probe()
        self.check_hold()

    def check_hold(self) -> None:
        """Hold the queue, or let go of it."""
        if self.devices.gpu_available or self.settings.auto_fallback:
            self.in_hand.release(HOLD)
        else:
            self.in_hand.hold(HOLD, f"no GPU ({self.devices.gpu_absence}) and OCR_GPU_AUTOFALLBACK is false")
