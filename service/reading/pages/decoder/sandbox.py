"""Restricts the decoder process before it handles untrusted files."""

import contextlib
import fcntl
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

from .limits import CPU_TIME, MEMORY

#: File descriptor of a pipe whose other end the worker holds and never writes to.
WORKER_PIPE = 0


def restrict_process() -> None:
    """Limit memory, forbid writing files, and end this process when the worker ends for any reason."""
    # If the machine runs out of memory, the kernel kills this process rather than the worker.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The worker decides when to stop: a signal to the process group must not interrupt a file.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # The kernel sends SIGIO when the worker's end of the pipe closes, which interrupts C code as well.
    fcntl.fcntl(WORKER_PIPE, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(WORKER_PIPE, fcntl.F_SETFL, fcntl.fcntl(WORKER_PIPE, fcntl.F_GETFL) | os.O_ASYNC)


@contextlib.contextmanager
def limited_time() -> Iterator[None]:
    """Make the kernel end this process with SIGPROF if the block uses more than ``CPU_TIME``."""
    signal.setitimer(signal.ITIMER_PROF, CPU_TIME)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
