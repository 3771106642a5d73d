"""The shape of a day's traffic, which the simulations share."""

import math

#: Minutes of a day.
DAY = 24 * 60


def light(minute: int) -> float:
    """Up to 40 documents a minute at two in the afternoon, next to none at night."""
    return 1 + 39 * max(0.0, math.sin(math.pi * ((minute % DAY) / 60 - 6) / 16))


def peak_factor() -> float:
    """How many times the day's mean arrives in its busiest hour."""
    hours = [sum(light(60 * hour + minute) for minute in range(60)) for hour in range(24)]
    return 24 * max(hours) / sum(hours)
