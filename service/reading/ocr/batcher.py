"""One thread owns the GPU; the inputs of all jobs meet before it and are computed in batches.

Which of them are due is decided in `waiting.py`; what a failing batch means for its inputs, in `batches.py`.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from service.errors import DeviceError, DeviceLostError
from service.reading.ocr.batch_queue import BatchQueue, Request
from service.reading.ocr.batch_runner import BatchRunner, Shapes, Tally, again, end_of_thread, fail
from service.reading.ocr.sessions import Network, Outputs, Tensor
from service.reading.ocr.shapes import BUCKETS, Sizes


class Batcher:
    """Runs the inputs that any thread hands in, together with others of the same network and shape.

    Parameters:
        open_networks: opens the networks by name; called in the thread that runs them
        shapes: what each of them is run with before the first request
        most: inputs that a batch has at most
        patience: s that an input waits at most for others while the GPU is free
        clock: s from any beginning

    Raises:
        DeviceError: opening or warming up failed.
        SettingsError: as ``open_networks``.
    """

    def __init__(
        self,
        open_networks: Callable[[], Mapping[str, Network]],
        shapes: Shapes,
        most: int,
        max_wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = BatchRunner(most)
        self._queue = BatchQueue(max_wait, self._runner.largest)
        self._clock = clock
        self._changed = threading.Condition()
        self._readers = 0
        self._ended: DeviceError | None = None
        opened: Future[Mapping[str, Network]] = Future()
        self._owner = threading.Thread(
            target=self._own, args=(open_networks, shapes, opened), name="gpu", daemon=True
        )
        self._owner.start()
        self._networks = opened.result()

    @property
    def tally(self) -> Tally:
        """What was computed so far."""
        return self._runner.tally

    @property
    def queued(self) -> int:
        """How many inputs wait to be computed."""
        with self._changed:
            return len(self._queue)

    def network(self, name: str) -> "BatchedNetwork":
        """Return one of the opened networks for use from any thread."""
        return BatchedNetwork(self, name, self._networks[name])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Tell that the calling thread may hand in inputs: batches wait for it unless it waits itself."""
        with self._changed:
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    def run(self, name: str, inputs: Iterable[Tensor]) -> list[Outputs]:
        """Run inputs of batch size 1; outputs in the same order.

        Raises:
            DeviceRefusalError: one of these inputs cannot be computed.
            DeviceLostError: the GPU failed for good.
            DeviceError: the batcher was closed, or its thread came to an unexpected end.
        """
        requests = [Request(name, tensor) for tensor in inputs]
        with self._changed:
            if self._ended is not None:
                raise again(self._ended)
            self._queue.add(requests, self._clock())
            self._changed.notify_all()
        return [request.outputs.result() for request in requests]

    def check_sound(self) -> None:
        """Check that the context was not lost since, be it on another reader's input.

        Raises:
            DeviceLostError: it was: what was computed shortly before may be wrong, too.
        """
        with self._changed:
            if isinstance(self._ended, DeviceLostError):
                raise again(self._ended)

    def close(self, reason: DeviceError) -> None:
        """Run nothing after the batch that runs; whoever waits gets ``reason``. Safe to repeat."""
        with self._changed:
            self._ended = self._ended or reason
            left = self._queue.clear()
            self._changed.notify_all()
        fail(left, self._ended)

    def _own(
        self,
        open_networks: Callable[[], Mapping[str, Network]],
        shapes: Shapes,
        opened: "Future[Mapping[str, Network]]",
    ) -> None:
        """Open, warm up and run until the end, whatever it is: nobody may wait for a thread that is gone."""
        try:
            networks = open_networks()
            self._runner.warm_up(networks, shapes)
            opened.set_result(networks)
            while batch := self._next():
                self._runner.compute(networks[batch[0].network], batch)
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            self.close(end_of_thread(error))

    def _next(self) -> list[Request]:
        """Wait for a batch; an empty one is the end."""
        with self._changed:
            while self._ended is None:
                nobody_else = self._queue.readers() >= self._readers
                batch = self._queue.due(self._clock(), nobody_else=nobody_else)
                if batch:
                    return batch
                self._changed.wait(self._queue.until_due(self._clock()))
        return []


@dataclass(frozen=True, slots=True)
class BatchedNetwork:
    """One of a batcher's networks, as an engine uses networks."""

    batcher: Batcher
    name: str
    opened: Network
    sizes: Sizes = BUCKETS

    def run(self, batch: Tensor) -> Outputs:
        """As ``Network.run``; the inputs of a batch may be computed apart."""
        each = self.run_all(batch[place : place + 1] for place in range(len(batch)))
        return [np.concatenate(output) for output in zip(*each, strict=True)]

    def run_all(self, inputs: Iterable[Tensor]) -> list[Outputs]:
        """As ``Network.run_all``: handed in together, computed with those of other jobs."""
        return self.batcher.run(self.name, inputs)

    def metadata(self, key: str) -> str:
        """As ``Network.metadata``."""
        return self.opened.metadata(key)
