"""Starts and stops the background threads together with the worker threads."""

from typing import Any

import structlog
from dramatiq import Broker, Middleware

from service.monitoring.health import Health
from service.reading.ocr.devices import Devices
from service.runtime.scheduler import Scheduler
from service.runtime.watchdog import Watchdog
from service.settings import Settings

log = structlog.get_logger(__name__)


class Lifecycle(Middleware):
    """Starts and stops the health server, the watchdog and the scheduler.

    Parameters:
        health: answers from before the engines are warm, to report that they are not
        watchdog: ends the process when a job hangs
        scheduler: starts once the engines are warm
        devices, settings: what the log says at the start
    """

    def __init__(
        self,
        health: Health,
        watchdog: Watchdog,
        scheduler: Scheduler,
        devices: Devices,
        settings: Settings,
    ) -> None:
        self.health = health
        self.watchdog = watchdog
        self.scheduler = scheduler
        self.devices = devices
        self.settings = settings

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Start the health server and the watchdog."""
        log.info(
            "worker_starts",
            engine=self.settings.driver,
            port=self.settings.health_port or "none",
            jobs=self.settings.concurrency,
        )
        self.health.start()
        self.watchdog.start()

    def after_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Start the scheduler."""
        self.scheduler.start()
        log.info("worker_ready", device="cuda" if self.devices.gpu_available else "cpu")

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop all three."""
        self.scheduler.stop()
        self.watchdog.stop()
        self.health.stop()
