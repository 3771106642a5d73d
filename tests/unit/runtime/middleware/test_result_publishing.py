"""A stored result is published at once, and a failure of that is no failure of the job."""

import pytest
import redis
from dramatiq import MessageProxy
from structlog.testing import capture_logs

from service.errors import UnavailableError
from service.queue.job_context import JobContext
from service.runtime.middleware.result_publishing import ResultPublishing
from service.store.result import EarlierResult, GPUOCRResult
from tests.support.messages import document_message, review_message


class FakePublisher:
    """Notes which results it is asked to publish."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.published: list[str] = []

    def publish_job(self, job_id: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.published.append(job_id)

    def publish_stored(self, result: GPUOCRResult) -> None:
        self.publish_job(f"{result.job_id}, just stored")

    def mark_delivered(self) -> None:
        self.publish_job("marks")


def publish(publisher: FakePublisher, message: MessageProxy, error: Exception | None = None) -> None:
    ResultPublishing(publisher).after_process_message(None, message, exception=error)  # type: ignore[arg-type]


def ended(kind: type[GPUOCRResult]) -> MessageProxy:
    """A message whose job has ended with a result."""
    message = document_message()
    JobContext.of(message).result = kind(
        success=True,
        document_id="card",
        correlation_id="correlation",
        job_id="job",
        gpu_processed=False,
        processing_time_ms=12,
    )
    return message


def test_a_document_is_published() -> None:
    publisher = FakePublisher()

    publish(publisher, ended(GPUOCRResult))

    assert publisher.published == ["job, just stored"]


def test_a_result_that_somebody_stored_before_is_looked_up() -> None:
    publisher = FakePublisher()

    publish(publisher, ended(EarlierResult))

    assert publisher.published == ["job"]


def test_what_was_published_is_marked_at_shutdown_and_left_to_the_sweep_where_that_fails() -> None:
    publisher = FakePublisher()

    for failure in (None, UnavailableError("PostgreSQL is unavailable")):
        publisher.failure = failure
        ResultPublishing(publisher).after_worker_shutdown(None, None)  # type: ignore[arg-type]

    assert publisher.published == ["marks"]


def test_neither_a_review_nor_a_failed_attempt_is_published() -> None:
    publisher = FakePublisher()

    publish(publisher, review_message())
    publish(publisher, document_message(), ValueError("broken"))

    assert publisher.published == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (redis.ConnectionError("redis://:hunter2@cache"), "Redis is away: the connection broke"),
        (UnavailableError("PostgreSQL is unavailable"), "PostgreSQL is unavailable"),
    ],
)
def test_a_result_that_cannot_be_published_is_logged_and_left_to_the_scheduler(
    failure: Exception, reason: str
) -> None:
    with capture_logs() as lines:
        publish(FakePublisher(failure), ended(GPUOCRResult))

    assert [(line["event"], line["reason"]) for line in lines] == [("result_not_published_yet", reason)]
