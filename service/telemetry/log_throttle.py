"""Rate-limits repeated log lines about a lasting condition, with exponential backoff."""

import threading
import time

#: s until the second line, doubled for each further one, and the longest time between two lines.
FIRST_PAUSE, MAX_PAUSE = 10.0, 600.0


class LogThrottle:
    """Rate limit of the log lines about one condition, such as an outage. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._next = 0.0
        self._pause = FIRST_PAUSE

    def should_log(self) -> bool:
        """Record that the condition holds now; return whether to log it."""
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
        """Record that the condition is over; return how long it lasted in s, or None if it did not hold."""
        with self._lock:
            since, self._since = self._since, None
            return None if since is None else time.monotonic() - since
