"""The parts of a job, each timed for the metrics and shown as a span of its trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from service import tracing
from service.metrics.instruments import STAGE

Stage: TypeAlias = Literal["download", "decode", "ocr", "parse", "store", "publish", "review"]


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Time what happens inside, whether or not it succeeds."""
    started = time.perf_counter()
    with tracing.span(name):
        try:
            yield
        finally:
            STAGE.labels(name).observe(time.perf_counter() - started)
