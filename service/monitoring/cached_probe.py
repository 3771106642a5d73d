"""A question to one server, asked once however many want to know, and never waited for long."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import redis
import structlog

from service.errors import DatabaseRefusedError, OcrWorkerError, UnavailableError
from service.store.server_problems import redis_problem

log = structlog.get_logger(__name__)

#: s after which an earlier answer no longer stands in for one that does not come.
STALE = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProbeResult(Generic[T]):
    """The outcome of one question."""

    #: None: there was no answer, because of ``problem``.
    value: T | None
    #: A few words without personal data.
    problem: str = ""
    #: What to do about it; may be empty.
    advice: str = ""


class CachedProbe(Generic[T]):
    """Caches the latest answer of a server. Safe to use from several threads.

    Parameters:
        name: names the thread that asks
        read: asks once; may take as long as the client's own limits let it
        max_age: s for which an answer is recent enough for everybody
    """

    def __init__(self, name: str, read: Callable[[], T], max_age: float) -> None:
        self.name = name
        self.read = read
        self.max_age = max_age
        self._changed = threading.Condition()
        self._asked_at: float | None = None
        self._result: ProbeResult[T] | None = None
        self._result_at = -math.inf

    @property
    def result(self) -> ProbeResult[T] | None:
        """The latest answer, however old; None: there was none yet."""
        return self._result

    def pending_for(self) -> float:
        """s for which a question has been open; 0 when none is."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def ask(self) -> None:
        """Begin to ask in a thread of its own, unless an answer is recent or on its way."""
        if self._begin():
            threading.Thread(target=self._ask, name=f"status-{self.name}", daemon=True).start()

    def refresh(self) -> None:
        """Ask in this thread, unless an answer is recent or on its way; returns when there is one."""
        if self._begin():
            self._ask()
        else:
            with self._changed:
                self._changed.wait_for(lambda: self._asked_at is None)

    def latest(self, timeout: float) -> ProbeResult[T]:
        """Return the recent answer or the one on its way.

        When that takes longer than ``timeout`` s: an earlier one that is not stale, or the reason.
        """
        self.ask()
        with self._changed:
            if self._changed.wait_for(lambda: self._asked_at is None, timeout) and self._result is not None:
                return self._result
            earlier = self._result
            if earlier and earlier.value is not None and time.monotonic() - self._result_at < STALE:
                return earlier
            return ProbeResult(None, f"no answer for {self.pending_for():.0f} s")

    def _begin(self) -> bool:
        with self._changed:
            due = self._asked_at is None and time.monotonic() - self._result_at >= self.max_age
            if due:
                self._asked_at = time.monotonic()
            return due

    def _ask(self) -> None:
        result: ProbeResult[T] = ProbeResult(None, "the check failed")
        try:
            result = ProbeResult(self.read())
        except (redis.RedisError, OcrWorkerError) as error:
            result = ProbeResult(None, *_cause(error))
        except Exception as error:
            log.exception("status_not_read", error=type(error).__name__)
        finally:
            with self._changed:
                self._result, self._result_at, self._asked_at = result, time.monotonic(), None
                self._changed.notify_all()


def _cause(error: redis.RedisError | OcrWorkerError) -> tuple[str, str]:
    """Say the cause in few words, and what to do."""
    match error:
        case DatabaseRefusedError():
            return error.sentence, ""
        case UnavailableError():
            return error.cause or str(error), error.advice
        case OcrWorkerError():
            return str(error), ""
        case _:
            return redis_problem(error)
