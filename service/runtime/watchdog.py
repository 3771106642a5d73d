"""Ends the process when reading hangs: nothing less stops C code that does not return."""

import faulthandler
import os
import threading

import structlog

from service.telemetry.stages import READING, longest

log = structlog.get_logger(__name__)

#: s between two checks.
INTERVAL = 1.0

#: File descriptor of standard error; Dramatiq replaces `sys.stderr` by a pipe that faulthandler cannot use.
STDERR = 2

#: Exit code of a process that was ended because a job hung (sysexits.h: EX_SOFTWARE).
HUNG = 70


class Watchdog:
    """Ends the process when a stage of reading takes too long; the supervisor starts another process.

    Waiting for a server does not count, however long: to end the process would cost the document an attempt.

    The watchdog's thread needs Python's interpreter lock, which the hanging code may hold. So each check also
    rearms a timer of faulthandler, which needs no lock and ends the process unless it is rearmed in time.

    Parameters:
        timeout: s that a stage of reading may take
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch from a thread, from before the first document is fetched."""
        self._rearm_timer()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the timer. Safe to repeat."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _rearm_timer(self) -> None:
        faulthandler.dump_traceback_later(self.timeout + INTERVAL, exit=True, file=STDERR)

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._rearm_timer()
            seconds = longest(*READING)
            if seconds > self.timeout:
                log.error("job_hung", seconds=round(seconds))
                os._exit(HUNG)
        faulthandler.cancel_dump_traceback_later()
