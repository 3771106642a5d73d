"""Queue of inputs that wait for the GPU, grouped by network and shape.

A group is due when it fills a batch, or when its oldest input has waited for the longest allowed time. The
queue has no lock, no thread and no clock: callers pass the time.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from service.reading.ocr.sessions import Outputs, Tensor

#: Inputs with the same key can be computed in one batch: network name, and input shape as channels x height x
#: width.
BatchKey: TypeAlias = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One input of batch size 1, with the future of its outputs."""

    network: str
    tensor: Tensor
    outputs: "Future[Outputs]" = field(default_factory=Future)
    #: Thread that waits for the outputs.
    thread_id: int = field(default_factory=threading.get_ident)

    @property
    def key(self) -> BatchKey:
        """Group of inputs that this one can be computed with."""
        return self.network, tuple(self.tensor.shape[1:])


class BatchQueue:
    """Requests in groups of the same ``BatchKey``.

    Parameters:
        max_wait: seconds that a request waits at most for others
        max_batch: returns how many requests of a group make a full batch
    """

    def __init__(self, max_wait: float, max_batch: Callable[[BatchKey], int]) -> None:
        self._max_wait = max_wait
        self._max_batch = max_batch
        #: Requests by group, oldest first, each with the time it was added.
        self._groups: dict[BatchKey, deque[tuple[float, Request]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def waiting_threads(self) -> int:
        """Return how many different threads wait for a request in this queue."""
        return len({request.thread_id for group in self._groups.values() for _, request in group})

    def add(self, requests: Iterable[Request], now: float) -> None:
        """Queue requests; ``now`` is in seconds."""
        for request in requests:
            self._groups.setdefault(request.key, deque()).append((now, request))

    def pop_due(self, now: float, *, flush: bool) -> list[Request]:
        """Remove and return the due batch that has waited longest, or an empty list.

        With ``flush`` every group counts as due: no other thread can add to it.
        """
        due = [(group[0][0], key) for key, group in self._groups.items() if flush or self._is_due(key, now)]
        if not due:
            return []
        _, key = min(due, key=lambda pair: pair[0])
        group = self._groups[key]
        batch = [group.popleft()[1] for _ in range(min(len(group), self._max_batch(key)))]
        if not group:
            del self._groups[key]
        return batch

    def _is_due(self, key: BatchKey, now: float) -> bool:
        group = self._groups[key]
        return len(group) >= self._max_batch(key) or group[0][0] + self._max_wait <= now

    def time_until_due(self, now: float) -> float | None:
        """Return the seconds until the oldest request is due; None when the queue is empty."""
        oldest = min((group[0][0] for group in self._groups.values()), default=None)
        return None if oldest is None else max(0.0, oldest + self._max_wait - now)

    def drain(self) -> list[Request]:
        """Remove and return every request."""
        requests = [request for group in self._groups.values() for _, request in group]
        self._groups.clear()
        return requests
