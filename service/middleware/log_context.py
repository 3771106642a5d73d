"""Every log line of a job says which job it is."""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.intake.ledger import Job
from service.outbox import Telling


class LogContext(Middleware):
    """Binds ids, never contents, to the log lines of the thread that works on a message."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind what is known of the job."""
        job: Job | Telling = message.options.get("job") or message.options["telling"]
        structlog.contextvars.bind_contextvars(
            document_id=job.document_id, job_id=job.job_id, correlation_id=job.correlation_id
        )
        if isinstance(job, Job):
            structlog.contextvars.bind_contextvars(attempt=job.attempt)

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Forget the job."""
        structlog.contextvars.clear_contextvars()

    after_skip_message = after_process_message
