"""Waiting for something to become true."""

import time
from collections.abc import Callable

#: s; far more than anything needs, for a loaded machine.
TIMEOUT = 120.0

#: s between two looks.
INTERVAL = 0.02


def wait_until(condition: Callable[[], object], timeout: float = TIMEOUT) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {timeout:.0f} s")
        time.sleep(INTERVAL)
