"""What runs beside the worker threads starts and stops with them."""

from typing import Any

import structlog
from dramatiq import Broker, Middleware

from service.monitoring.health import Health
from service.runtime.scheduler import Schedule
from service.runtime.watchdog import Watchdog

log = structlog.get_logger(__name__)


class Lifecycle(Middleware):
    """Starts and stops the health server, the watchdog and the scheduler.

    Parameters:
        watchdog: ends the process when a job hangs
        health: answers from before the engines are warm, to say that they are not
        schedule: runs once they are
    """

    def __init__(self, health: Health, watchdog: Watchdog, schedule: Schedule) -> None:
        self.health = health
        self.watchdog = watchdog
        self.schedule = schedule

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Answer, and watch."""
        settings = self.health.devices.settings
        log.info(
            "worker_starts",
            engine=settings.driver,
            port=self.health.port or "none",
            jobs=settings.concurrency,
        )
        self.health.start()
        self.watchdog.start()

    def after_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Run by the clock."""
        self.schedule.start()
        log.info("worker_ready", device="cuda" if self.health.devices.gpu_available else "cpu")

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """End all three."""
        self.schedule.stop()
        self.watchdog.stop()
        self.health.stop()
