"""The parts of a job, each timed for the metrics and shown as a span of its trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from service.telemetry import tracing
from service.telemetry.metrics import STAGE

Stage: TypeAlias = Literal["download", "decode", "ocr", "parse", "store", "publish", "review"]


#: The stages of reading, which wait for no server: what takes too long there is a hang.
READING: tuple[Stage, ...] = ("decode", "ocr", "parse")

#: The stages that go on in this process, each by a key of its own, with `time.perf_counter()` of its begin.
_going_on: dict[object, tuple[Stage, float]] = {}


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Time what happens inside, whether or not it succeeds."""
    key, started = object(), time.perf_counter()
    _going_on[key] = (name, started)
    with tracing.span(name):
        try:
            yield
        finally:
            del _going_on[key]
            STAGE.labels(name).observe(time.perf_counter() - started)


def longest(*names: Stage) -> float:
    """s that the longest stage of these names has gone on for in this process; 0 when none does."""
    # A copy first: other threads begin and end stages meanwhile.
    begins = [started for each, started in list(_going_on.values()) if each in names]
    return time.perf_counter() - min(begins) if begins else 0.0
