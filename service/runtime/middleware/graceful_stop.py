"""After SIGTERM no document is taken any more, and what can't be finished in time goes back."""

import signal
import threading
import time
from types import FrameType
from typing import Any

from dramatiq import Broker, Middleware

from service.queue.active_jobs import ActiveJobs

#: s within which signals count as one: a signal to the whole process group comes directly and passed on.
ONE_SIGNAL = 1.0


class GracefulStop(Middleware):
    """Acts at the signal itself: Dramatiq's own handler only notes it, up to a second before it acts.

    Parameters:
        in_hand: stops taking, and gives back
        patience: s that jobs may take to finish
    """

    def __init__(self, active_jobs: ActiveJobs, patience: float) -> None:
        self.active_jobs = active_jobs
        self.patience = patience
        self._first_signal: float | None = None

    def after_process_boot(self, broker: Broker) -> None:
        """Put ourselves before Dramatiq's handler, in the process and thread that have it."""
        dramatiq_handler = signal.getsignal(signal.SIGTERM)

        def stop(number: int, frame: FrameType | None) -> None:
            if self._is_news() and callable(dramatiq_handler):
                dramatiq_handler(number, frame)

        signal.signal(signal.SIGTERM, stop)

    def _is_news(self) -> bool:
        now = time.monotonic()
        if self._first_signal is None:
            self._first_signal = now
            self.active_jobs.stop_fetching()
            deadline = threading.Timer(self.patience, self.active_jobs.give_back)
            deadline.daemon = True
            deadline.start()
            return True
        if now - self._first_signal < ONE_SIGNAL:
            return False
        # Dramatiq ends the process at a second signal, with no word to the broker.
        self.active_jobs.give_back()
        return True

    def before_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop taking also where no signal said so."""
        self.active_jobs.stop_fetching()
