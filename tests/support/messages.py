"""Messages as the consumers make them."""

from dataclasses import replace
from typing import Any

from dramatiq import MessageProxy

from service.queue.broker import DOCUMENTS, REVIEWS, _message
from service.queue.document_queue import Job
from service.store.outbox import OutboxEntry
from service.store.result import GPUOCRResult

JOB = Job(
    document_id="document",
    job_id="job",
    correlation_id="correlation",
    token="token",
    attempt=1,
    deferrals=0,
    fencing_token=1,
    crash_count=0,
    used_up=False,
    device=None,
)

REVIEW = OutboxEntry(
    id=7,
    kind="review",
    job_id="job",
    document_id="document",
    correlation_id="correlation",
    payload=None,
    attempts=2,
)

SUCCESS = GPUOCRResult(
    success=True,
    document_id="document",
    correlation_id="correlation",
    job_id="job",
    gpu_processed=False,
    processing_time_ms=1,
    outcome="auto_approved",
)


def document_message(**changes: Any) -> MessageProxy:
    """The message of a fetched document, with some fields of its job changed."""
    job = replace(JOB, **changes)
    return _message(DOCUMENTS, job, job.token)


def review_message() -> MessageProxy:
    """The message of a due review."""
    return _message(REVIEWS, REVIEW, str(REVIEW.id))
