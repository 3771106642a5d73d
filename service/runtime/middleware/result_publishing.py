"""A result is published as soon as it is stored."""

from typing import Any

import redis
import structlog
from dramatiq import Broker, MessageProxy, Middleware

from service.errors import OcrWorkerError
from service.queue.broker import DOCUMENTS
from service.queue.document_queue import Job
from service.store.publisher import Publisher

log = structlog.get_logger(__name__)


class ResultPublishing(Middleware):
    """Tells the backend before the job is settled; what can't be told now, the outbox sweep tells later.

    Parameters:
        publisher: does the telling
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
        """Publish, and never stand in the way of settling."""
        if message.queue_name != DOCUMENTS or exception is not None:
            return
        job: Job = message.options["job"]
        try:
            self.publisher.publish_job(job.job_id)
        except (redis.RedisError, OcrWorkerError) as error:
            log.warning("result_not_published_yet", reason=type(error).__name__)
