"""A straight line through points of which some are wrong."""

from collections.abc import Sequence
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
    one, other = np.triu_indices(len(x), 1)
    apart = np.abs(x[one] - x[other]) > np.ptp(x) / 10
    if not apart.any():
        return 0.0, float(np.median(y))
    one, other = one[apart], other[apart]
    slope = np.median((y[one] - y[other]) / (x[one] - x[other]))
    starts = y - slope * x
    kept = np.abs(starts - np.median(starts)) < tolerance
    if np.ptp(x[kept]) <= np.ptp(x) / 10:
        return float(slope), float(np.median(starts))
    slope, start = np.polyfit(x[kept], y[kept], 1, w=None if weights is None else np.asarray(weights)[kept])
    return float(slope), float(start)
