"""What runs beside the worker threads starts and stops with them."""

from typing import Any

from dramatiq import Broker, Middleware

from service.health import Health
from service.schedule import Schedule


class Companions(Middleware):
    """Starts and stops the health server and the scheduler.

    Parameters:
        health: answers from before the engines are warm, to say that they are not
        schedule: runs once they are
    """

    def __init__(self, health: Health, schedule: Schedule) -> None:
        self.health = health
        self.schedule = schedule

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Answer."""
        self.health.start()

    def after_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Run by the clock."""
        self.schedule.start()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """End both."""
        self.schedule.stop()
        self.health.stop()
