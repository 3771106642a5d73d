"""Log lines of a job name it until it is acknowledged."""

from typing import Any

import structlog

from service.reading.ocr.engine import Device
from service.runtime.middleware.log_context import LogContext
from tests.support.messages import document_message, review_message


class FakeDevices:
    """A machine with a GPU."""

    def device_of(self, device: Device | None) -> Device:
        return device or "cuda"


def bound() -> dict[str, Any]:
    return structlog.contextvars.get_contextvars()


def test_a_documents_ids_and_device_are_bound_until_it_is_acknowledged() -> None:
    middleware = LogContext(FakeDevices())  # type: ignore[arg-type]
    message = document_message(attempt=2)

    middleware.before_process_message(None, message)  # type: ignore[arg-type]
    during = bound()
    middleware.after_ack(None, message)  # type: ignore[arg-type]

    assert during == {
        "document_id": "document",
        "job_id": "job",
        "correlation_id": "correlation",
        "attempt": 2,
        "device": "cuda",
    }
    assert bound() == {}


def test_a_review_has_no_device() -> None:
    middleware = LogContext(FakeDevices())  # type: ignore[arg-type]
    message = review_message()

    middleware.before_process_message(None, message)  # type: ignore[arg-type]
    during = bound()
    middleware.after_nack(None, message)  # type: ignore[arg-type]

    assert (during["device"], during["attempt"]) == ("none", 2)
    assert bound() == {}
