"""What a Dramatiq message carries beside the document id, for the actors and the middleware."""

from dataclasses import dataclass
from typing import Any

from dramatiq import Message, MessageProxy

from service.queue.document_queue import Job, Settlement
from service.store.outbox import OutboxEntry
from service.store.result import GPUOCRResult

#: The one key of ours in ``message.options``. Messages never leave the process, so it need not be serialised.
OPTION = "context"


@dataclass(slots=True)
class JobContext:
    """The state of one message, from the consumer that made it until it is acknowledged."""

    #: A fetched document, or a claimed outbox entry of kind ``review``.
    source: Job | OutboxEntry
    #: How the job is to be finished; None until the middleware has decided.
    settlement: Settlement | None = None
    #: What the actor returned for a document; None while it runs, and when it failed.
    result: GPUOCRResult | None = None

    @classmethod
    def of(cls, message: Message[Any] | MessageProxy) -> "JobContext":
        """Return the context of a message made by our broker."""
        context = message.options[OPTION]
        assert isinstance(context, cls)
        return context

    @property
    def job(self) -> Job | None:
        """The fetched document; None for a review."""
        return self.source if isinstance(self.source, Job) else None
