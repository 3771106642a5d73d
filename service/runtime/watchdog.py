"""A job that hangs takes its process with it: nothing less ends C code that does not return."""

import faulthandler
import os
import threading

import structlog

from service.queue.active_jobs import ActiveJobs

log = structlog.get_logger(__name__)

#: s between two looks.
INTERVAL = 1.0

#: File descriptor; Dramatiq puts a pipe without one in the place of `sys.stderr`.
STDERR = 2

#: Exit code of a process that was ended because a job hung (sysexits.h: EX_SOFTWARE).
HUNG = 70


class Watchdog:
    """Ends the process when a job is in work for too long; the supervisor starts another.

    Its thread needs Python's interpreter lock, which the hanging code may hold. So each look also winds up
    a timer of faulthandler's, which needs no lock and ends the process unless the next look winds it up.

    Parameters:
        in_hand: whose jobs are watched
        limit: s that a job may take
    """

    def __init__(self, active_jobs: ActiveJobs, limit: float) -> None:
        self.active_jobs = active_jobs
        self.limit = limit
        self._stopped = threading.Event()

    def start(self) -> None:
        """Watch from a thread of its own, from before the first document on."""
        self._wind_up()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _wind_up(self) -> None:
        faulthandler.dump_traceback_later(self.limit + INTERVAL, exit=True, file=STDERR)

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._wind_up()
            age = self.active_jobs.oldest_age()
            if age > self.limit:
                log.error("job_hung", seconds=round(age))
                os._exit(HUNG)
        faulthandler.cancel_dump_traceback_later()
