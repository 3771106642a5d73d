"""Decides how a job is finished from how its actor ended."""

from typing import Any

from dramatiq import Broker, MessageProxy, Middleware

from service.errors import LeaseLostError, UnavailableError
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import Job, Settlement
from service.queue.job_context import JobContext
from service.store.backoff import backoff

#: s before the first retry, doubled for each one after it up to the maximum.
FIRST_DELAY, MAX_DELAY = 1.0, 60.0


class SettlementPolicy(Middleware):
    """Sets the settlement that the consumer carries out.

    Parameters:
        active_jobs: notified whether our own servers answer, so that fetching pauses while they do not
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
        """Decide between done and a later retry."""
        context = JobContext.of(message)
        if context.job is None or context.settlement is not None:
            return
        if exception is None:
            self.active_jobs.note_success()
            context.settlement = Settlement("done")
        elif isinstance(exception, UnavailableError):
            self.active_jobs.note_outage()
            context.settlement = Settlement("retry", _delay(context.job), counts=False)
        else:
            # After LeaseLostError the token is mostly void, and nothing happens. Where it is valid, another
            # writer was ahead of this fetch: at the head of the list it would meet the same again at once.
            counts = not isinstance(exception, LeaseLostError)
            context.settlement = Settlement("retry", _delay(context.job), counts=counts)


def _delay(job: Job) -> float:
    return backoff(job.deferrals, FIRST_DELAY, MAX_DELAY)
