"""What lasts is said in the log at once, and then ever more seldom."""

import threading
import time

#: s until it is said for the second time, doubled from then on, and s between two times at most.
FIRST_PAUSE, MAX_PAUSE = 10.0, 600.0


class LogThrottle:
    """Paces the lines about one thing that lasts, such as an outage. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._next = 0.0
        self._pause = FIRST_PAUSE

    def should_log(self) -> bool:
        """Note that it is so now; returns whether that should be said."""
        with self._lock:
            now = time.monotonic()
            if self._since is None:
                self._since, self._next, self._pause = now, now, FIRST_PAUSE
            if now < self._next:
                return False
            self._next = now + self._pause
            self._pause = min(self._pause * 2, MAX_PAUSE)
            return True

    def reset(self) -> float | None:
        """Note that it is so no more; returns s that it lasted, None when it was not so before."""
        with self._lock:
            since, self._since = self._since, None
            return None if since is None else time.monotonic() - since
