"""Linux process controls: no core dumps, no process that outlives its parent, and adoption of orphans."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Options of prctl(2), from <linux/prctl.h>.
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36

#: s between two checks whether an orphan has ended.
INTERVAL = 0.05

_libc = ctypes.CDLL(None, use_errno=True)


def forbid_core_dumps() -> None:
    """Keep this process's memory, with its passwords and cards, out of core files and from debuggers.

    The limit is inherited by child processes; the flag is kept by forks and lost when a program is executed.
    A core pattern that starts a program ignores the limit and respects the flag.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)


def terminate_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent ends, in whatever way.

    Parameters:
        parent: its process id; if it has ended already, this process ends now
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_children(timeout: float) -> None:
    """Send SIGTERM to every child process, then SIGKILL to those that are left after ``timeout`` seconds.

    Returns once all have ended, those included that are adopted meanwhile.
    """
    deadline = time.monotonic() + timeout
    terminated: set[int] = set()
    while _has_children():
        overdue = time.monotonic() > deadline
        for pid in _children():
            if overdue or pid not in terminated:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if overdue else signal.SIGTERM)
                terminated.add(pid)
        time.sleep(INTERVAL)


def _has_children() -> bool:
    """Reap the children that have ended; return whether any is left."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> Iterator[int]:
    own = str(os.getpid())
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The program's name, in brackets, may hold spaces and brackets of its own.
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if parent == own and state != "Z":
                yield int(status.parent.name)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
