"""Publishes a result as soon as it is stored."""

from contextlib import suppress
from typing import Any

import redis
import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.errors import OcrWorkerError
from service.queue.job_context import JobContext
from service.store.publisher import Publisher
from service.store.result import EarlierResult
from service.store.server_problems import describe_outage

log = structlog.get_logger(__name__)


class ResultPublishing(Middleware):
    """Publishes before the job is settled; what fails here, the scheduler publishes later from the outbox.

    Parameters:
        publisher: publishes from the outbox
    """

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Publish; a failure never keeps the job from being settled."""
        context = JobContext.of(message)
        if context.job is None or exception is not None:
            return
        try:
            if context.result is None or isinstance(context.result, EarlierResult):
                # Stored before, and perhaps delivered since.
                self.publisher.publish_job(context.job.job_id)
            else:
                self.publisher.publish_stored(context.result)
        except (redis.RedisError, OcrWorkerError) as error:
            log.warning("result_not_published_yet", reason=describe_outage(error))

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Mark what was published since the last time; what stays unmarked is published again by a sweep."""
        with suppress(OcrWorkerError):
            self.publisher.mark_delivered()
