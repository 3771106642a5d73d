"""A straight line through points of which some are wrong."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


def fit_line(
    x: Sequence[float] | npt.NDArray[Any],
    y: Sequence[float] | npt.NDArray[Any],
    tolerance: float,
    weights: Sequence[float] | npt.NDArray[Any] | None = None,
) -> tuple[float, float]:
    """Return slope and start (y at x = 0) of the line through most points.

    The median slope of all pairs of points (Theil and Sen), then least squares without points that are
    further than ``tolerance`` from that line. Points at one x have no slope: it is 0.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    one, other = _pairs(len(x))
    apart = np.abs(x[one] - x[other]) > np.ptp(x) / 10
    if not apart.any():
        return 0.0, float(np.median(y))
    one, other = one[apart], other[apart]
    slope = float(np.median((y[one] - y[other]) / (x[one] - x[other])))
    starts = y - slope * x
    kept = np.abs(starts - np.median(starts)) < tolerance
    if not kept.any() or np.ptp(x[kept]) <= np.ptp(x) / 10:
        return slope, float(np.median(starts))
    x, y = x[kept], y[kept]
    weight = np.ones(len(x)) if weights is None else np.square(weights)[kept]
    middle, height = float(np.average(x, weights=weight)), float(np.average(y, weights=weight))
    slope = float((weight * (x - middle) * (y - height)).sum() / (weight * (x - middle) ** 2).sum())
    return slope, height - slope * middle


@cache
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(count, 1)
