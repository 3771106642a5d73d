"""Takes from the decoder, before it sees a file, what a file could misuse."""

import contextlib
import fcntl
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

from .limits import CPU_TIME, MEMORY

#: File descriptor of a pipe that the worker holds the other end of and never writes to.
LIFELINE = 0


def confine() -> None:
    """Limit memory, forbid files, and end with the worker, however either of them ends."""
    # Where the machine's memory ends first, the kernel shall end this process rather than the worker.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The worker decides when to stop; a signal to the whole group must not break off the files in work.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # The kernel sends SIGIO when the worker's end of the lifeline closes, and that ends even C code.
    fcntl.fcntl(LIFELINE, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(LIFELINE, fcntl.F_SETFL, fcntl.fcntl(LIFELINE, fcntl.F_GETFL) | os.O_ASYNC)


@contextlib.contextmanager
def limited_time() -> Iterator[None]:
    """Let the kernel end this process by SIGPROF when the block uses more than ``CPU_TIME``."""
    signal.setitimer(signal.ITIMER_PROF, CPU_TIME)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
