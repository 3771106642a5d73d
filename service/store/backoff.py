"""Exponential backoff with jitter."""

import random


def backoff(failures: int, first: float, longest: float) -> float:
    """Return a delay in the unit of ``first`` and ``longest``, doubled with each earlier failure.

    Jitter over its upper half keeps what failed together from retrying together.
    """
    ceiling = min(longest, first * 2.0 ** min(failures, 20))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret
