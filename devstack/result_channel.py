"""Subscriber of the channel that results are published on."""

import json
import time
from typing import Any

from redis.client import PubSub

#: Seconds for Redis to confirm a subscription.
CONFIRM_TIMEOUT = 10.0


class ResultChannel:
    """Collects published results in the order they came.

    Results wait in the connection until `wait_for` takes them, so nothing runs beside the caller.
    """

    def __init__(self, subscription: PubSub) -> None:
        self._subscription = subscription
        self.results: list[dict[str, Any]] = []

    def subscribe(self, name: str) -> None:
        """Subscribe; return when Redis has confirmed it."""
        self._subscription.subscribe(name)
        # The confirmation itself; it is consumed and not returned.
        self._subscription.get_message(timeout=CONFIRM_TIMEOUT)

    def wait_for(self, count: int, timeout: float = 120.0) -> list[dict[str, Any]]:
        """Wait for at least `count` results and return all so far.

        Args:
            count: of results since the subscription, not since the last call.
            timeout: seconds.

        Raises:
            TimeoutError: fewer came in time.
        """
        deadline = time.monotonic() + timeout
        while len(self.results) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(self.results)} of {count} results after {timeout:g} s")
            message = self._subscription.get_message(timeout=left)
            if message is not None:
                self.results.append(json.loads(message["data"]))
        return list(self.results)
