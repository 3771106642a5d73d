"""Dynamic batching: one thread owns the GPU and computes the inputs of all jobs in common batches.

``batch_queue`` decides which inputs are due, ``batch_runner`` computes them and handles failures.
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
from service.reading.ocr.batch_runner import (
    BatchRunner,
    BatchStats,
    Shapes,
    as_device_error,
    copy_error,
    fail_requests,
)
from service.reading.ocr.sessions import Network, Outputs, Tensor
from service.reading.ocr.shapes import BUCKETS, Sizes


class Batcher:
    """Computes inputs from any thread, together with others of the same network and shape.

    Parameters:
        open_networks: opens the networks by name; called in the GPU's thread
        shapes: input shapes that each network is warmed up with
        max_batch: largest number of inputs in a batch
        max_wait: seconds that an input waits at most for others while the GPU is idle
        clock: monotonic time in seconds

    Raises:
        DeviceError: opening or warming up failed.
        SettingsError: raised by ``open_networks``.
    """

    def __init__(
        self,
        open_networks: Callable[[], Mapping[str, Network]],
        shapes: Shapes,
        max_batch: int,
        max_wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = BatchRunner(max_batch)
        self._queue = BatchQueue(max_wait, self._runner.max_batch)
        self._clock = clock
        self._changed = threading.Condition()
        self._active_threads = 0
        self._closed_by: DeviceError | None = None
        opened: Future[Mapping[str, Network]] = Future()
        self._gpu_thread = threading.Thread(
            target=self._run_gpu, args=(open_networks, shapes, opened), name="gpu", daemon=True
        )
        self._gpu_thread.start()
        self._networks = opened.result()

    @property
    def stats(self) -> BatchStats:
        """Counters of the work done so far."""
        return self._runner.stats

    @property
    def queued(self) -> int:
        """Number of inputs that wait to be computed."""
        with self._changed:
            return len(self._queue)

    def network(self, name: str) -> "BatchedNetwork":
        """Return an opened network that any thread may use."""
        return BatchedNetwork(self, name, self._networks[name])

    @contextmanager
    def active(self) -> Iterator[None]:
        """Register the calling thread as one that submits inputs.

        Incomplete batches wait for registered threads, except for those that wait for outputs themselves.
        """
        with self._changed:
            self._active_threads += 1
        try:
            yield
        finally:
            with self._changed:
                self._active_threads -= 1
                self._changed.notify_all()

    def run(self, name: str, inputs: Iterable[Tensor]) -> list[Outputs]:
        """Compute inputs of batch size 1; outputs are in the same order.

        Raises:
            DeviceRefusalError: one of these inputs cannot be computed.
            DeviceLostError: the GPU's context is lost for good.
            DeviceError: the batcher was closed, or its thread ended unexpectedly.
        """
        requests = [Request(name, tensor) for tensor in inputs]
        with self._changed:
            if self._closed_by is not None:
                raise copy_error(self._closed_by)
            self._queue.add(requests, self._clock())
            self._changed.notify_all()
        return [request.outputs.result() for request in requests]

    def check_healthy(self) -> None:
        """Check that the GPU's context is not lost, whichever thread's input caused it.

        Raises:
            DeviceLostError: it is lost; outputs computed shortly before may be wrong as well.
        """
        with self._changed:
            if isinstance(self._closed_by, DeviceLostError):
                raise copy_error(self._closed_by)

    def close(self, reason: DeviceError) -> None:
        """Stop after the running batch; waiting threads get ``reason``. Idempotent."""
        with self._changed:
            self._closed_by = self._closed_by or reason
            pending = self._queue.drain()
            self._changed.notify_all()
        fail_requests(pending, self._closed_by)

    def _run_gpu(
        self,
        open_networks: Callable[[], Mapping[str, Network]],
        shapes: Shapes,
        opened: "Future[Mapping[str, Network]]",
    ) -> None:
        """Open the networks, warm up, and compute batches until closed.

        Any error closes the batcher: no thread may wait for a GPU thread that is gone.
        """
        try:
            networks = open_networks()
            self._runner.warm_up(networks, shapes)
            opened.set_result(networks)
            while batch := self._next_batch():
                self._runner.compute(networks[batch[0].network], batch)
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            self.close(as_device_error(error))

    def _next_batch(self) -> list[Request]:
        """Wait for a batch; an empty one means that the batcher is closed."""
        with self._changed:
            while self._closed_by is None:
                all_wait = self._queue.waiting_threads() >= self._active_threads
                batch = self._queue.pop_due(self._clock(), flush=all_wait)
                if batch:
                    return batch
                self._changed.wait(self._queue.time_until_due(self._clock()))
        return []


@dataclass(frozen=True, slots=True)
class BatchedNetwork:
    """A network of a ``Batcher``, with the interface of ``Network``."""

    batcher: Batcher
    name: str
    opened: Network
    sizes: Sizes = BUCKETS

    def run(self, batch: Tensor) -> Outputs:
        """As ``Network.run``; the inputs of the batch may be computed in different batches."""
        outputs = self.run_all(batch[index : index + 1] for index in range(len(batch)))
        return [np.concatenate(output) for output in zip(*outputs, strict=True)]

    def run_all(self, inputs: Iterable[Tensor]) -> list[Outputs]:
        """As ``Network.run_all``; submitted together, and computed with inputs of other jobs."""
        return self.batcher.run(self.name, inputs)

    def metadata(self, key: str) -> str:
        """As ``Network.metadata``."""
        return self.opened.metadata(key)
