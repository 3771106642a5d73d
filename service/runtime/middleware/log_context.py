"""Every log line of a job says which job it is."""

import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.queue.document_queue import Job
from service.reading.ocr.devices import Devices
from service.store.outbox import OutboxEntry


class LogContext(Middleware):
    """Binds ids, never contents, to the log lines of the thread that works on a message, until it is settled.

    Parameters:
        devices: which device will read a document
    """

    def __init__(self, devices: Devices) -> None:
        self.devices = devices

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind what is known of the job."""
        job: Job | OutboxEntry = message.options.get("job") or message.options["entry"]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**job.named())
        if isinstance(job, Job):
            structlog.contextvars.bind_contextvars(device=self.devices.device_of(job.device))

    def after_ack(self, broker: Broker, message: MessageProxy) -> None:
        """Forget the job."""
        structlog.contextvars.clear_contextvars()

    after_nack = after_ack
