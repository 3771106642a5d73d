"""Keeps a worker running: Dramatiq's own master ends when its child dies, and starts no other."""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

import structlog

from service.settings import Settings

log = structlog.get_logger(__name__)

#: Exit code of a worker that cannot run as configured (sysexits.h: EX_CONFIG): starting it again is no use.
EXIT_CONFIGURATION = 78

#: s before a worker is started again: the first time, and at most when it dies again and again.
FIRST_DELAY, MAX_DELAY = 0.5, 30.0

#: s that a worker must live for its death to count as the first one.
STEADY = 60.0

#: What the worker's libraries are told, where the operator has not said otherwise: jobs have one core each.
#: And glibc (mallopt(3), bytes): one heap for all threads, for one of its own for each keeps what its largest
#: page took; and pages stay out of that heap, where nothing fits into the holes that they leave.
LIBRARY_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "8388608",
}


def supervise(settings: Settings) -> int:
    """Run the worker, again whenever it dies, until SIGTERM or Ctrl-C; returns its exit code.

    SIGTERM is passed on, so a second one hurries the worker; Ctrl-C reaches it by itself.
    """
    supervisor = _Supervisor(_worker_command(settings))
    signal.signal(signal.SIGTERM, supervisor.on_signal)
    signal.signal(signal.SIGINT, supervisor.on_signal)
    return supervisor.run()


class _Supervisor:
    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.stopping = False
        self.worker: subprocess.Popen[bytes] | None = None

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        if number == signal.SIGTERM and self.worker is not None:
            self.worker.send_signal(number)

    def run(self) -> int:
        delay = FIRST_DELAY
        while True:
            started = time.monotonic()
            self.worker = subprocess.Popen(self.command, env={**LIBRARY_SETTINGS, **os.environ})
            if self.stopping:
                # The signal came while there was no worker to pass it on to.
                self.worker.send_signal(signal.SIGTERM)
            code = self.worker.wait()
            if self.stopping or code == EXIT_CONFIGURATION:
                return code
            delay = FIRST_DELAY if time.monotonic() - started > STEADY else min(delay * 2, MAX_DELAY)
            log.error("worker_died", exit_code=code, next_start_in_s=delay)
            if self._stopped_within(delay):
                return 0

    def _stopped_within(self, delay: float) -> bool:
        deadline = time.monotonic() + delay
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.stopping


def _worker_command(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "dramatiq", "service.worker", "--processes=1", "--skip-logging"),
        # One thread more than jobs: a review must never wait for, or take, a document's thread.
        f"--threads={settings.concurrency + 1}",
        f"--worker-shutdown-timeout={round(settings.shutdown_timeout * 1000)}",
    ]
