"""What runs beside the worker threads starts and stops with them."""

from typing import Any, Protocol

from dramatiq import Broker, Middleware


class Companion(Protocol):
    """Something with threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


class Companions(Middleware):
    """Starts its companions before the worker boots and stops them after it has shut down.

    Parameters:
        companions: started in this order
    """

    def __init__(self, *companions: Companion) -> None:
        self.companions = companions

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Start them."""
        for companion in self.companions:
            companion.start()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop them, last started first."""
        for companion in reversed(self.companions):
            companion.stop()
