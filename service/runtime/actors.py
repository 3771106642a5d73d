"""Dramatiq's actors: what is done with a document, and with a review that is due."""

from typing import Any

import dramatiq
from dramatiq import Message
from dramatiq.middleware import CurrentMessage

from service.queue.broker import ACTORS, DOCUMENTS, REVIEWS
from service.runtime.app import Runtime
from service.runtime.middleware.metrics import Ending


def declare_actors(runtime: Runtime) -> None:
    """Make the actors known to the runtime's broker."""

    @dramatiq.actor(actor_name=ACTORS[DOCUMENTS], queue_name=DOCUMENTS, broker=runtime.broker)
    def process_document(document_id: str) -> None:
        """Read one document; the take's details travel with the message."""
        message = _message()
        message.options["ending"] = Ending.of(runtime.processing.process(message.options["job"]))

    @dramatiq.actor(actor_name=ACTORS[REVIEWS], queue_name=REVIEWS, broker=runtime.broker)
    def request_review(document_id: str) -> None:
        """Hand one document to the review service."""
        runtime.reviews.request(_message().options["entry"])


def _message() -> Message[Any]:
    message = CurrentMessage.get_current_message()
    assert message is not None, "actors are called by a worker; process_document_gpu is for direct calls"
    return message
