"""How long to wait before trying again."""

import random


def backoff(failures: int, first: float, longest: float) -> float:
    """A delay in the unit of ``first`` and ``longest``: doubled with each failure before this one.

    It is spread over its upper half, so that what failed together does not come back together.
    """
    ceiling = min(longest, first * 2.0 ** min(failures, 20))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret
