"""Ends the process when a job hangs: nothing less stops C code that does not return."""

import faulthandler
import os
import threading

import structlog

from service.queue.active_jobs import ActiveJobs

log = structlog.get_logger(__name__)

#: s between two checks.
INTERVAL = 1.0

#: File descriptor of standard error; Dramatiq replaces `sys.stderr` by a pipe that faulthandler cannot use.
STDERR = 2

#: Exit code of a process that was ended because a job hung (sysexits.h: EX_SOFTWARE).
HUNG = 70


class Watchdog:
    """Ends the process when a job is active for too long; the supervisor starts another process.

    The watchdog's thread needs Python's interpreter lock, which the hanging code may hold. So each check also
    rearms a timer of faulthandler, which needs no lock and ends the process unless it is rearmed in time.

    Parameters:
        active_jobs: whose jobs are watched
        timeout: s that a job may take
    """

    def __init__(self, active_jobs: ActiveJobs, timeout: float) -> None:
        self.active_jobs = active_jobs
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
            age = self.active_jobs.oldest_age()
            if age > self.timeout:
                log.error("job_hung", seconds=round(age))
                os._exit(HUNG)
        faulthandler.cancel_dump_traceback_later()
