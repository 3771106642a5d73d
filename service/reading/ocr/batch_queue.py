"""The inputs that wait for the GPU, and which of them are due: full batches at once, others after a while.

No threads and no clock here: whoever calls says what time it is.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from service.reading.ocr.sessions import Outputs, Tensor

#: A network's name, and the shape of one input: channels x height x width.
Group: TypeAlias = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One input of batch size 1, and where its outputs are awaited."""

    network: str
    tensor: Tensor
    outputs: "Future[Outputs]" = field(default_factory=Future)
    #: Who waits for it.
    reader: int = field(default_factory=threading.get_ident)

    @property
    def group(self) -> Group:
        """What it can be computed together with."""
        return self.network, tuple(self.tensor.shape[1:])


class BatchQueue:
    """Inputs in groups that can be computed together.

    Parameters:
        patience: s that an input waits at most for others
        largest: how many inputs of a group make a full batch
    """

    def __init__(self, max_wait: float, largest: Callable[[Group], int]) -> None:
        self._patience = max_wait
        self._largest = largest
        self._groups: dict[Group, deque[tuple[float, Request]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def readers(self) -> int:
        """How many different readers have inputs here."""
        return len({request.reader for group in self._groups.values() for _, request in group})

    def add(self, requests: Iterable[Request], now: float) -> None:
        """Let requests wait from ``now`` on, in s."""
        for request in requests:
            self._groups.setdefault(request.group, deque()).append((now, request))

    def due(self, now: float, *, nobody_else: bool) -> list[Request]:
        """Take the batch that has waited longest of those that are due; empty when none is.

        With ``nobody_else`` who could still add to them, all are: waiting would be in vain.
        """
        due = [
            (waiting[0][0], group)
            for group, waiting in self._groups.items()
            if nobody_else or self._is_due(group, now)
        ]
        if not due:
            return []
        _, group = min(due, key=lambda pair: pair[0])
        waiting = self._groups[group]
        batch = [waiting.popleft()[1] for _ in range(min(len(waiting), self._largest(group)))]
        if not waiting:
            del self._groups[group]
        return batch

    def _is_due(self, group: Group, now: float) -> bool:
        waiting = self._groups[group]
        return len(waiting) >= self._largest(group) or waiting[0][0] + self._patience <= now

    def until_due(self, now: float) -> float | None:
        """Return the s until a group is due for its age; None when nothing waits."""
        oldest = min((waiting[0][0] for waiting in self._groups.values()), default=None)
        return None if oldest is None else max(0.0, oldest + self._patience - now)

    def clear(self) -> list[Request]:
        """Take everything."""
        left = [request for waiting in self._groups.values() for _, request in waiting]
        self._groups.clear()
        return left
