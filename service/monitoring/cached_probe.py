"""One server, asked now and then however many want to know, and never waited for for long."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import redis
import structlog

from service.errors import OcrWorkerError

log = structlog.get_logger(__name__)

#: s after which an earlier answer no longer stands in for one that does not come.
STALE = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProbeResult(Generic[T]):
    """What a server said."""

    #: None: it said nothing, because of ``problem``.
    value: T | None
    #: A few words without personal data.
    problem: str = ""


class CachedProbe(Generic[T]):
    """Asks from a thread of its own while somebody wants to know; nobody asks, nothing happens.

    Parameters:
        name: of that thread
        read: asks once; may take as long as the client's own limits let it
        fresh: s for which an answer is good enough for everybody
        patience: s that one who looks waits for an answer
    """

    def __init__(self, name: str, read: Callable[[], T], fresh: float, timeout: float) -> None:
        self.name = name
        self.read = read
        self.fresh = fresh
        self.timeout = timeout
        self._changed = threading.Condition()
        self._asked_at: float | None = None
        self._result: ProbeResult[T] = ProbeResult(None, "not asked yet")
        self._result_at = -math.inf

    def ask(self) -> None:
        """Begin to ask, unless an answer is on its way or fresh."""
        with self._changed:
            if self._asked_at is None and time.monotonic() - self._result_at >= self.fresh:
                self._asked_at = time.monotonic()
                threading.Thread(target=self._ask, name=f"status-{self.name}", daemon=True).start()

    def latest(self) -> ProbeResult[T]:
        """The answer that is fresh or on its way; an earlier one or a reason when that takes long."""
        self.ask()
        with self._changed:
            if self._changed.wait_for(lambda: self._asked_at is None, self.timeout):
                return self._result
            if time.monotonic() - self._result_at < STALE and self._result.value is not None:
                return self._result
            assert self._asked_at is not None
            return ProbeResult(None, f"no answer for {time.monotonic() - self._asked_at:.0f} s")

    def _ask(self) -> None:
        result: ProbeResult[T] = ProbeResult(None, "the look failed")
        try:
            result = ProbeResult(self.read())
        except (redis.RedisError, OcrWorkerError) as error:
            result = ProbeResult(None, _words(error))
        except Exception as error:
            log.exception("status_not_read", error=type(error).__name__)
        finally:
            with self._changed:
                self._result, self._result_at, self._asked_at = result, time.monotonic(), None
                self._changed.notify_all()


def _words(error: Exception) -> str:
    """The cause in few words: our own errors end in it; a client's may quote what it was given."""
    if isinstance(error, redis.AuthenticationError):
        return "it refuses the password"
    return str(error).rpartition(": ")[2] if isinstance(error, OcrWorkerError) else type(error).__name__
