"""Batches on the GPU: filled up to sizes that it knows, made smaller when they do not fit, taken apart to
find the input that is at fault.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from service.errors import DeviceError, DeviceRefusalError
from service.reading.ocr.batch_queue import Group, Request
from service.reading.ocr.failures import OutOfMemoryError
from service.reading.ocr.sessions import Network, Tensor
from service.reading.ocr.shapes import batch_sizes

#: The shapes, channels x height x width, that each network is run with.
Shapes: TypeAlias = Mapping[str, Sequence[tuple[int, int, int]]]


@dataclass(slots=True)
class Tally:
    """What was computed so far, by network. Written by the GPU's thread alone."""

    inputs: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    #: s of wall time in ``Network.run``, transfers included.
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    #: How often a batch did not fit into the GPU's memory.
    too_large: int = 0


class BatchRunner:
    """How many inputs fit into a batch, and what becomes of one.

    Parameters:
        most: inputs that a batch has at most
    """

    def __init__(self, most: int) -> None:
        self._most = most
        #: What turned out to fit, where that is less.
        self._fitting: dict[Group, int] = {}
        self.tally = Tally()

    def largest(self, group: Group) -> int:
        """Return how many inputs of a group make a full batch."""
        return self._sizes(group)[-1]

    def warm_up(self, networks: Mapping[str, Network], shapes: Shapes) -> None:
        """Compute each shape once in each batch size: the first time takes much longer than any later.

        Raises:
            DeviceError: a network fails, or has no memory for even one input.
        """
        for name, known in shapes.items():
            for shape in known:
                for size in self._sizes((name, shape)):
                    try:
                        networks[name].run(np.zeros((size, *shape), np.float32))
                    except OutOfMemoryError:
                        if size == 1:
                            raise
                        self._shrink((name, shape), size)
                        break

    def compute(self, network: Network, batch: Sequence[Request]) -> None:
        """Run a batch and hand its outputs out, or the error to those whose input is at fault.

        Raises:
            DeviceError: the GPU failed; everyone in the batch has been told.
        """
        try:
            self._attempt(network, batch)
        except BaseException as error:
            fail(batch, end_of_thread(error))
            raise

    def _attempt(self, network: Network, batch: Sequence[Request]) -> None:
        group = batch[0].group
        size = next(size for size in self._sizes(group) if size >= len(batch))
        began = time.monotonic()
        try:
            outputs = network.run(_filled([request.tensor for request in batch], size))
        except OutOfMemoryError as error:
            if size == 1:
                fail(batch, error)
                return
            self._shrink(group, size)
            self._attempt_in_parts(network, batch, self.largest(group))
        except DeviceRefusalError as error:
            if len(batch) == 1:
                fail(batch, error)
                return
            # One of them is at fault; the others shall not pay for it.
            self._attempt_in_parts(network, batch, 1)
        else:
            self._count(group[0], len(batch), time.monotonic() - began)
            for place, request in enumerate(batch):
                request.outputs.set_result([output[place : place + 1] for output in outputs])

    def _attempt_in_parts(self, network: Network, batch: Sequence[Request], most: int) -> None:
        for start in range(0, len(batch), most):
            self._attempt(network, batch[start : start + most])

    def _sizes(self, group: Group) -> tuple[int, ...]:
        _, shape = group
        return batch_sizes((shape[-2], shape[-1]), self._fitting.get(group, self._most))

    def _shrink(self, group: Group, size: int) -> None:
        """Remember for as long as this process lives that ``size`` inputs were too many."""
        self.tally.too_large += 1
        self._fitting[group] = max(smaller for smaller in self._sizes(group) if smaller < size)

    def _count(self, name: str, inputs: int, seconds: float) -> None:
        self.tally.inputs[name] += inputs
        self.tally.batches[name] += 1
        self.tally.seconds[name] += seconds


def fail(requests: Iterable[Request], error: DeviceError) -> None:
    """Give an error to all who still wait."""
    for request in requests:
        if not request.outputs.done():
            request.outputs.set_exception(again(error))


def end_of_thread(error: BaseException) -> DeviceError:
    """Return what those who wait for the GPU are told of the error that ended its thread."""
    if isinstance(error, DeviceError):
        return error
    return DeviceError(f"the GPU's thread ended: {type(error).__name__}")


def again(error: DeviceError) -> DeviceError:
    """Return the same error to be raised in another thread: its traceback is not to be shared."""
    another = type(error)(str(error))
    another.__cause__ = error
    return another


def _filled(tensors: Sequence[Tensor], size: int) -> Tensor:
    """Return one batch, filled up with copies of its last input to a size that the GPU knows."""
    return np.concatenate([*tensors, *[tensors[-1]] * (size - len(tensors))])
