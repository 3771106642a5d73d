"""Ends the programs of a sandbox when the process that opened it is gone.

Run by its path, with a directory as argument. Standard input is a pipe that the watched process holds the
other end of: a line `123` names a process group to end, `-123` one that has ended already. When the input
ends, the watched process is gone or has finished: every group gets SIGINT, then SIGKILL, and the directory
is removed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

#: Seconds that processes have to end after SIGINT, and the directory after SIGKILL.
GRACE = 5.0
#: Seconds between looks.
INTERVAL = 0.02


def main() -> None:
    """Watch until the input ends, then clean up."""
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line)
        if number > 0:
            groups.add(number)
        else:
            groups.discard(-number)
    _end(groups)
    _remove(sys.argv[1])


def _end(groups: set[int]) -> None:
    left = {group for group in groups if _signal(group, signal.SIGINT)}
    deadline = time.monotonic() + GRACE
    while left and time.monotonic() < deadline:
        time.sleep(INTERVAL)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Whether the group was still there to get the signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _remove(directory: str) -> None:
    deadline = time.monotonic() + GRACE
    while os.path.exists(directory) and time.monotonic() < deadline:
        # A process that is just ending may still write.
        with contextlib.suppress(OSError):
            shutil.rmtree(directory)
            break
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
