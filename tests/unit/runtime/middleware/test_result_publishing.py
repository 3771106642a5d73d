"""A stored result is published at once, and a failure of that is no failure of the job."""

import pytest
import redis
from dramatiq import MessageProxy
from structlog.testing import capture_logs

from service.errors import UnavailableError
from service.runtime.middleware.result_publishing import ResultPublishing
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


def publish(publisher: FakePublisher, message: MessageProxy, error: Exception | None = None) -> None:
    ResultPublishing(publisher).after_process_message(None, message, exception=error)  # type: ignore[arg-type]


def test_a_document_is_published() -> None:
    publisher = FakePublisher()

    publish(publisher, document_message())

    assert publisher.published == ["job"]


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
        publish(FakePublisher(failure), document_message())

    assert [(line["event"], line["reason"]) for line in lines] == [("result_not_published_yet", reason)]
