"""Stages of a job: each is timed for the metrics and is a span of the job's trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from service.telemetry import tracing
from service.telemetry.metrics import STAGE

Stage: TypeAlias = Literal["download", "decode", "ocr", "parse", "store", "publish", "review"]


#: The stages of reading, which wait for no server: one that takes too long hangs.
READING: tuple[Stage, ...] = ("decode", "ocr", "parse")

#: Stages running in this process, by a unique key, with `time.perf_counter()` at their start.
_running: dict[object, tuple[Stage, float]] = {}


@contextmanager
def timed(name: Stage) -> Iterator[None]:
    """Time the block as one stage, whether or not it succeeds."""
    key, started = object(), time.perf_counter()
    _running[key] = (name, started)
    with tracing.span(name):
        try:
            yield
        finally:
            del _running[key]
            STAGE.labels(name).observe(time.perf_counter() - started)


def longest(*names: Stage) -> float:
    """Return s that the longest running stage of these names has run in this process; 0: none runs."""
    # Copied first: other threads start and end stages meanwhile.
    starts = [started for each, started in list(_running.values()) if each in names]
    return time.perf_counter() - min(starts) if starts else 0.0
