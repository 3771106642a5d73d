"""Adds the job's ids to every log line of the thread that works on it."""

import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.queue.job_context import JobContext
from service.reading.ocr.devices import Devices


class LogContext(Middleware):
    """Binds ids, never contents, from the start of a message until it is acknowledged.

    Parameters:
        devices: which device will read a document
    """

    def __init__(self, devices: Devices) -> None:
        self.devices = devices

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind the job's ids, attempt and device."""
        context = JobContext.of(message)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**context.source.named())
        if context.job is not None:
            structlog.contextvars.bind_contextvars(device=self.devices.device_of(context.job.device))

    def after_ack(self, broker: Broker, message: MessageProxy) -> None:
        """Unbind them."""
        structlog.contextvars.clear_contextvars()

    after_nack = after_ack
