"""Dramatiq's actors: process a document, request a review that is due."""

from typing import Any

import dramatiq
from dramatiq import Message
from dramatiq.middleware import CurrentMessage

from service.queue.broker import ACTORS, DOCUMENTS, REVIEWS
from service.queue.document_queue import Job
from service.queue.job_context import JobContext
from service.runtime.app import App
from service.store.outbox import OutboxEntry


def declare_actors(app: App) -> None:
    """Declare both actors on the app's broker."""

    @dramatiq.actor(actor_name=ACTORS[DOCUMENTS], queue_name=DOCUMENTS, broker=app.broker)
    def process_document(document_id: str) -> None:
        """Process one document; what the fetch returned is in the message's context."""
        context = JobContext.of(_message())
        assert isinstance(context.source, Job)
        context.result = app.processing.process(context.source)

    @dramatiq.actor(actor_name=ACTORS[REVIEWS], queue_name=REVIEWS, broker=app.broker)
    def request_review(document_id: str) -> None:
        """Send one document to the review service."""
        source = JobContext.of(_message()).source
        assert isinstance(source, OutboxEntry)
        app.reviews.request(source)


def _message() -> Message[Any]:
    message = CurrentMessage.get_current_message()
    assert message is not None, "only a worker calls actors; for direct calls there is process_document_gpu"
    return message
