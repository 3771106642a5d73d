"""Keeps a worker running: Dramatiq's master process ends when its child dies, and starts no other.

Processes, each the parent of the next: this supervisor; Dramatiq's master; the worker process, which reads
documents and starts the decoders and Tesseract.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from types import FrameType

import structlog

from service.runtime.process_control import (
    adopt_orphans,
    end_children,
    forbid_core_dumps,
    terminate_with_parent,
)
from service.runtime.temp_folder import TempFolder
from service.settings import Settings

log = structlog.get_logger(__name__)

#: Exit code of a worker that cannot run as configured (sysexits.h: EX_CONFIG): a restart would not help.
EXIT_CONFIGURATION = 78

#: Exit code of a worker process that lost its GPU and is to be started again (EX_TEMPFAIL).
EXIT_GPU_LOST = 75

#: Exit code of a worker whose GPU did not come back (EX_UNAVAILABLE): only another machine can help.
EXIT_GPU_GONE = 69

#: s before a worker is started again: the first time, and at most when it dies repeatedly.
FIRST_DELAY, MAX_DELAY = 0.5, 30.0

#: s that a worker must live for its death to count as the first one again.
STABLE_AFTER = 60.0

#: s beyond its own time-out that a worker process may take to stop when its master was killed.
STOP_MARGIN = 10.0

#: Variables for the worker process, both `time.monotonic()`, which Linux counts for all processes alike: when
#: the supervisor started, and when an earlier worker process lost the GPU.
STARTED_VARIABLE, GPU_LOST_VARIABLE = "FILOT_OCR_STARTED", "FILOT_OCR_GPU_LOST"

#: Settings of libraries, where the operator has not set them: jobs have one core each. For glibc (mallopt(3),
#: bytes): one heap for all threads, because a heap per thread keeps the memory of that thread's largest page;
#: and pages are allocated outside the heap, where they would leave holes that nothing else fits into.
LIBRARY_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "8388608",
}


def supervise(settings: Settings) -> int:
    """Run the worker, and restart it when it dies, until SIGTERM or Ctrl-C; returns its exit code.

    SIGTERM is forwarded, so a second one hurries the worker; Ctrl-C reaches the worker by itself.
    """
    forbid_core_dumps()
    adopt_orphans()
    with ExitStack() as resources:
        folder = _temp_folder(resources)
        supervisor = _Supervisor(_worker_command(settings), folder, settings.shutdown_timeout + STOP_MARGIN)
        signal.signal(signal.SIGTERM, supervisor.on_signal)
        signal.signal(signal.SIGINT, supervisor.on_signal)
        return supervisor.run()


def _temp_folder(resources: ExitStack) -> TempFolder | None:
    try:
        return resources.enter_context(TempFolder())
    except OSError as error:
        # Only the driver `tesseract` writes files; `filot-ocr doctor` says what to do.
        log.warning("no_temp_folder", reason=error.strerror)
        return None


class _Supervisor:
    """Starts one worker after the other.

    Parameters:
        command: starts Dramatiq's master
        folder: for the worker's temporary files, emptied before each start
        timeout: s that a worker process may take to stop when its master was killed
    """

    def __init__(self, command: list[str], folder: TempFolder | None, timeout: float) -> None:
        self.command = command
        self.folder = folder
        self.timeout = timeout
        self.started_at = time.monotonic()
        self.gpu_lost_at: float | None = None
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
            code = self._run_worker()
            if self.stopping or code in (EXIT_CONFIGURATION, EXIT_GPU_GONE):
                return code
            if code == EXIT_GPU_LOST:
                self.gpu_lost_at = time.monotonic()
            delay = FIRST_DELAY if time.monotonic() - started > STABLE_AFTER else min(delay * 2, MAX_DELAY)
            log.error("worker_died", exit_code=code, next_start_in_s=delay)
            if self._stopped_within(delay):
                return 0

    def _run_worker(self) -> int:
        """Start a worker and wait for its end, and for that of every process that it left behind."""
        self.worker = subprocess.Popen(
            self.command,
            env=self._environment(),
            # Safe: this process has one thread.
            preexec_fn=partial(terminate_with_parent, os.getpid()),  # noqa: PLW1509
        )
        if self.stopping:
            # The signal came before there was a worker to forward it to.
            self.worker.send_signal(signal.SIGTERM)
        code = self.worker.wait()
        end_children(self.timeout)
        if self.folder is not None:
            self.folder.empty()
        return code

    def _environment(self) -> dict[str, str]:
        own = {STARTED_VARIABLE: str(self.started_at)}
        if self.gpu_lost_at is not None:
            own[GPU_LOST_VARIABLE] = str(self.gpu_lost_at)
        if self.folder is not None:
            own["TMPDIR"] = str(self.folder.path)
        return {**LIBRARY_SETTINGS, **os.environ, **own}

    def _stopped_within(self, delay: float) -> bool:
        deadline = time.monotonic() + delay
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.stopping


def _worker_command(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "service.runtime.master", "service.worker"),
        *("--processes=1", "--skip-logging"),
        # One thread more than jobs, so that a review neither waits for nor takes a document's thread.
        f"--threads={settings.concurrency + 1}",
        f"--worker-shutdown-timeout={round(settings.shutdown_timeout * 1000)}",
    ]
