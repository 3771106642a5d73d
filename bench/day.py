"""The shape of a day's traffic, which the simulations share."""

import math

#: Minutes of a day.
DAY = 24 * 60


def light(minute: int) -> float:
    """Up to 40 documents a minute at two in the afternoon, next to none at night."""
    return 1 + 39 * max(0.0, math.sin(math.pi * ((minute % DAY) / 60 - 6) / 16))
