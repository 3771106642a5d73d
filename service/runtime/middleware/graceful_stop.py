"""Stops fetching at SIGTERM, and returns jobs that cannot finish in time."""

import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from dramatiq import Broker, Middleware

from service.queue.active_jobs import ActiveJobs
from service.runtime.supervisor import EXIT_CONFIGURATION

#: s within which signals count as one: a signal to the process group arrives directly and from the master.
SIGNAL_WINDOW = 1.0


class GracefulStop(Middleware):
    """Acts in the signal handler itself; Dramatiq only sets a flag there and reads it up to a second later.

    It must be the first middleware, so that its hook is the last one at shutdown.

    Parameters:
        active_jobs: stops fetching, and returns jobs
        timeout: s that jobs may take to finish
    """

    def __init__(self, active_jobs: ActiveJobs, timeout: float) -> None:
        self.active_jobs = active_jobs
        self.timeout = timeout
        self._first_signal: float | None = None
        self._exit_code = 0
        #: Whether Dramatiq's command runs this process, so that we may end it.
        self._own_process = False

    def request(self, exit_code: int) -> None:
        """Stop this process as at SIGTERM, with an exit code for the supervisor."""
        self._exit_code = exit_code
        os.kill(os.getpid(), signal.SIGTERM)

    def refuse_configuration(self) -> None:
        """Stop this process for good, as its configuration cannot work; one that embeds a worker goes on."""
        if self._own_process and not self.active_jobs.stopping:
            self.request(EXIT_CONFIGURATION)

    def after_process_boot(self, broker: Broker) -> None:
        """Install our handler before Dramatiq's, in the process and thread that has it."""
        self._own_process = True
        dramatiq_handler = signal.getsignal(signal.SIGTERM)

        def stop(number: int, frame: FrameType | None) -> None:
            if self._is_new_signal() and callable(dramatiq_handler):
                dramatiq_handler(number, frame)

        signal.signal(signal.SIGTERM, stop)

    def _is_new_signal(self) -> bool:
        """React to a signal; False for the duplicate of one that was handled."""
        now = time.monotonic()
        if self._first_signal is None:
            self._first_signal = now
            self.active_jobs.stop_fetching()
            deadline = threading.Timer(self.timeout, self.active_jobs.give_back)
            deadline.daemon = True
            deadline.start()
            return True
        if now - self._first_signal < SIGNAL_WINDOW:
            return False
        # At the second signal Dramatiq exits without closing the broker.
        self.active_jobs.give_back()
        return True

    def before_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop fetching, also where no signal was received."""
        self.active_jobs.stop_fetching()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """End the process with the requested exit code; Dramatiq itself knows only 0."""
        if self._exit_code:
            broker.close()
            sys.exit(self._exit_code)
