"""Stages of a job: each is timed for the metrics and is a span of the job's trace."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Literal, TypeAlias, get_args

from service.telemetry import tracing
from service.telemetry.metrics import STAGE

Stage: TypeAlias = Literal["download", "decode", "ocr", "parse", "store", "publish", "review"]


#: The stages of reading, which wait for no server: one that takes too long hangs.
READING: tuple[Stage, ...] = ("decode", "ocr", "parse")

#: The latest durations of each stage in this process, in s.
_latest: Mapping[Stage, deque[float]] = {name: deque(maxlen=50) for name in get_args(Stage)}

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
            seconds = time.perf_counter() - started
            _latest[name].append(seconds)
            STAGE.labels(name).observe(seconds)


def medians() -> dict[str, float]:
    """Return the median s of each stage's latest 50 runs in this process; of stages that ran."""
    # Copied first: other threads end stages meanwhile.
    return {name: round(median(list(latest)), 4) for name, latest in _latest.items() if latest}


def longest(*names: Stage) -> float:
    """Return s that the longest running stage of these names has run in this process; 0: none runs."""
    # Copied first: other threads start and end stages meanwhile.
    starts = [started for each, started in list(_running.values()) if each in names]
    return time.perf_counter() - min(starts) if starts else 0.0
