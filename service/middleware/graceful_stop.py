"""After SIGTERM no document is taken any more."""

import signal
import time
from types import FrameType
from typing import Any

from dramatiq import Broker, Middleware

from service.intake.in_hand import InHand

#: s within which signals count as one: a signal to the whole process group comes directly and passed on.
ONE_SIGNAL = 1.0


class GracefulStop(Middleware):
    """Stops taking at the signal itself: Dramatiq's own handler only notes it, up to a second before it acts.

    Parameters:
        in_hand: stops taking
    """

    def __init__(self, in_hand: InHand) -> None:
        self.in_hand = in_hand

    def after_process_boot(self, broker: Broker) -> None:
        """Put ourselves before Dramatiq's handler, in the process and thread that have it."""
        dramatiq_handler = signal.getsignal(signal.SIGTERM)

        first: float | None = None

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal first
            if first is not None and time.monotonic() - first < ONE_SIGNAL:
                return
            first = first or time.monotonic()
            self.in_hand.stop_taking()
            if callable(dramatiq_handler):
                dramatiq_handler(number, frame)

        signal.signal(signal.SIGTERM, stop)

    def before_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop taking also where no signal said so."""
        self.in_hand.stop_taking()
