"""Publishes a result as soon as it is stored."""

from typing import Any

import redis
import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.errors import OcrWorkerError
from service.queue.job_context import JobContext
from service.store.publisher import Publisher
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
        job = JobContext.of(message).job
        if job is None or exception is not None:
            return
        try:
            self.publisher.publish_job(job.job_id)
        except (redis.RedisError, OcrWorkerError) as error:
            log.warning("result_not_published_yet", reason=describe_outage(error))
