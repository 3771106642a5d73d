"""How a take ends follows from how its actor ended."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import LeaseLostError, UnavailableError
from service.queue.active_jobs import ActiveJobs
from service.queue.broker import DOCUMENTS
from service.queue.document_queue import Job, Settlement
from service.store.backoff import backoff

#: ms before the first retry and before any later one at most; doubled from one to the next.
FIRST_DELAY, MAX_DELAY = 1_000, 60_000


class SettlementPolicy(Middleware):
    """Notes on each message what the consumer shall do with its job.

    Parameters:
        in_hand: told whether our own servers answer, so that taking pauses while they are away
    """

    def __init__(self, active_jobs: ActiveJobs) -> None:
        self.active_jobs = active_jobs

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Decide: finished, or later because the fault may pass."""
        if message.queue_name != DOCUMENTS or "settlement" in message.options:
            return
        job: Job = message.options["job"]
        if exception is None:
            self.active_jobs.note_success()
            message.options["settlement"] = Settlement("done")
        elif isinstance(exception, UnavailableError):
            self.active_jobs.note_outage()
            message.options["settlement"] = Settlement("retry", _delay(job), counts=False)
        elif not isinstance(exception, LeaseLostError):
            message.options["settlement"] = Settlement("retry", _delay(job))


def _delay(job: Job) -> int:
    return round(backoff(job.deferrals, FIRST_DELAY, MAX_DELAY))
