"""Runs batches on the GPU: pads them to known sizes, splits those that do not fit, isolates bad inputs."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from service.errors import DeviceError, DeviceRefusalError
from service.reading.ocr.batch_queue import BatchKey, Request
from service.reading.ocr.failures import OutOfMemoryError
from service.reading.ocr.sessions import Network, Tensor
from service.reading.ocr.shapes import batch_sizes

#: Input shapes (channels x height x width) by network.
Shapes: TypeAlias = Mapping[str, Sequence[tuple[int, int, int]]]


@dataclass(slots=True)
class BatchStats:
    """Counters of the work done so far, by network. Only the GPU's thread writes them."""

    inputs: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    #: Wall time in ``Network.run``, in seconds, transfers included.
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    #: Batches that did not fit into the GPU's memory.
    too_large: int = 0


class BatchRunner:
    """Chooses batch sizes and computes batches.

    Parameters:
        max_batch: largest number of inputs in a batch
    """

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        #: Lower limits of groups of which a larger batch ran out of memory.
        self._reduced: dict[BatchKey, int] = {}
        self.stats = BatchStats()

    def max_batch(self, key: BatchKey) -> int:
        """Return how many inputs of a group make a full batch."""
        return self._sizes(key)[-1]

    def warm_up(self, networks: Mapping[str, Network], shapes: Shapes) -> None:
        """Compute each shape once in each batch size: the first run of a shape takes much longer.

        Raises:
            DeviceError: a network fails, or has no memory for even one input.
        """
        for name, network_shapes in shapes.items():
            for shape in network_shapes:
                for size in self._sizes((name, shape)):
                    try:
                        networks[name].run(np.zeros((size, *shape), np.float32))
                    except OutOfMemoryError:
                        if size == 1:
                            raise
                        self._reduce((name, shape), size)
                        break

    def compute(self, network: Network, batch: Sequence[Request]) -> None:
        """Run a batch and resolve its requests: with outputs, or with an error where the input is at fault.

        Raises:
            DeviceError: the GPU failed; every request of the batch has been resolved with the error.
        """
        try:
            self._run(network, batch)
        except BaseException as error:
            fail_requests(batch, as_device_error(error))
            raise

    def _run(self, network: Network, batch: Sequence[Request]) -> None:
        key = batch[0].key
        size = next(size for size in self._sizes(key) if size >= len(batch))
        started = time.monotonic()
        try:
            outputs = network.run(_padded([request.tensor for request in batch], size))
        except OutOfMemoryError as error:
            if size == 1:
                fail_requests(batch, error)
                return
            self._reduce(key, size)
            self._run_split(network, batch, self.max_batch(key))
        except DeviceRefusalError as error:
            if len(batch) == 1:
                fail_requests(batch, error)
                return
            # One of the inputs is at fault: run alone, it fails alone.
            self._run_split(network, batch, 1)
        else:
            self._count(key[0], len(batch), time.monotonic() - started)
            for index, request in enumerate(batch):
                request.outputs.set_result([output[index : index + 1] for output in outputs])

    def _run_split(self, network: Network, batch: Sequence[Request], size: int) -> None:
        for start in range(0, len(batch), size):
            self._run(network, batch[start : start + size])

    def _sizes(self, key: BatchKey) -> tuple[int, ...]:
        _, shape = key
        return batch_sizes((shape[-2], shape[-1]), self._reduced.get(key, self._max_batch))

    def _reduce(self, key: BatchKey, failed_size: int) -> None:
        """Limit a group to batches smaller than ``failed_size`` for the lifetime of this process."""
        self.stats.too_large += 1
        self._reduced[key] = max(size for size in self._sizes(key) if size < failed_size)

    def _count(self, name: str, inputs: int, seconds: float) -> None:
        self.stats.inputs[name] += inputs
        self.stats.batches[name] += 1
        self.stats.seconds[name] += seconds


def fail_requests(requests: Iterable[Request], error: DeviceError) -> None:
    """Resolve pending requests with an error."""
    for request in requests:
        if not request.outputs.done():
            request.outputs.set_exception(copy_error(error))


def as_device_error(error: BaseException) -> DeviceError:
    """Return the error that waiting threads get when ``error`` ended the GPU's thread."""
    if isinstance(error, DeviceError):
        return error
    return DeviceError(f"the GPU's thread ended: {type(error).__name__}")


def copy_error(error: DeviceError) -> DeviceError:
    """Return a copy to raise in another thread: threads must not share one traceback."""
    copy = type(error)(str(error))
    copy.__cause__ = error
    return copy


def _padded(tensors: Sequence[Tensor], size: int) -> Tensor:
    """Return one batch of ``size`` inputs, padded with copies of the last one."""
    return np.concatenate([*tensors, *[tensors[-1]] * (size - len(tensors))])
