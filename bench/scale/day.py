"""A day of arrivals at workers of a measured speed: how many are needed, and how long documents wait.

A model: arrivals are random around the shape of a day, documents take random (exponential) times around the
measured one, workers are alike and there all day.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.day import DAY, light

SEED = 20

#: s of one step.
STEP = 0.1

#: s that 95 of 100 documents may wait at most.
AIM = 10.0

#: Documents of the days that the bench simulates.
DAYS = (1_000_000, 10_000_000, 100_000_000)

Steps = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Day:
    """What a simulated day came to."""

    documents: int
    #: Documents a second in the busiest hour.
    peak: float
    workers: int
    #: Share of the day that a worker reads.
    busy: float
    #: s that documents waited for a worker.
    median: float
    percentile_95: float
    #: Documents.
    longest_queue: int


def needed(documents: int, rate: float) -> Day:
    """The day with the fewest workers that keep the aim.

    Parameters:
        documents: of the day, on average
        rate: documents a second of one worker
    """
    arrivals = _arrivals(documents)
    least = math.ceil(documents / (DAY * 60) / rate)
    # Twice the peak is enough for any draw.
    most = 2 * math.ceil(arrivals.max() / STEP / rate)
    while least < most:
        middle = (least + most) // 2
        if simulate(arrivals, middle, rate).percentile_95 <= AIM:
            most = middle
        else:
            least = middle + 1
    return simulate(arrivals, least, rate)


def simulate(arrivals: Steps, workers: int, rate: float) -> Day:
    """Let so many workers read what arrives, the oldest first."""
    speed = workers * rate
    read = np.random.default_rng(SEED + 1).poisson(speed * STEP, len(arrivals))
    surplus = np.cumsum(arrivals - read)
    # Never fewer than none: whatever the workers could have read of an empty queue is lost.
    queue = surplus - np.minimum(np.minimum.accumulate(surplus), 0)
    waits = queue / speed
    order = np.argsort(waits)
    so_far = np.cumsum(arrivals[order])

    def percentile(share: float) -> float:
        return float(waits[order[np.searchsorted(so_far, share * so_far[-1])]])

    total = float(arrivals.sum())
    an_hour = arrivals.reshape(24, -1).sum(axis=1)
    return Day(
        documents=round(total),
        peak=float(an_hour.max()) / 3600,
        workers=workers,
        busy=total / (speed * DAY * 60),
        median=percentile(0.5),
        percentile_95=percentile(0.95),
        longest_queue=round(queue.max()),
    )


def _arrivals(documents: int) -> Steps:
    """Documents that arrive in each step of a day."""
    minutes = np.repeat([light(minute) for minute in range(DAY)], round(60 / STEP))
    draw = np.random.default_rng(SEED).poisson(minutes * (documents / minutes.sum()))
    return np.asarray(draw, np.float64)


def as_markdown(days: Sequence[Day]) -> str:
    """The table."""
    rows: list[tuple[str, ...]] = [
        (
            *("documents a day", "busiest hour, documents/s", "workers", "busy"),
            *("median wait, s", "95th percentile, s", "longest queue"),
        ),
        ("---:",) * 7,
    ]
    rows += [
        (
            f"{day.documents:,}",
            f"{day.peak:,.0f}",
            f"{day.workers:,}",
            f"{day.busy:.0%}",
            f"{day.median:.1f}",
            f"{day.percentile_95:.1f}",
            f"{day.longest_queue:,}",
        )
        for day in days
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
