"""One trace a job, from its take to its settling."""

import threading
import time
from contextvars import Token
from typing import Any

from dramatiq import Broker, MessageProxy, Middleware
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode

from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import Job
from service.runtime.middleware.metrics import Ending
from service.store.outbox import OutboxEntry
from service.telemetry import tracing
from service.telemetry.tracing.traces import PREFIX, Traces


class JobTraces(Middleware):
    """Opens a trace when a thread begins with a job; its first span reaches back to the take.

    Parameters:
        traces: where spans are recorded
        in_hand: since when a job is in work
    """

    def __init__(self, traces: Traces, active_jobs: ActiveJobs) -> None:
        self.traces = traces
        self.active_jobs = active_jobs
        self._thread = threading.local()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Begin the trace, and make it the thread's current one."""
        self._close()
        work: Job | OutboxEntry = message.options.get("job") or message.options["entry"]
        attributes: dict[str, str | int] = {
            f"{PREFIX}document_id": work.document_id,
            f"{PREFIX}job_id": work.job_id,
            f"{PREFIX}correlation_id": work.correlation_id,
            f"{PREFIX}attempt": work.attempt if isinstance(work, Job) else work.attempts,
        }
        age = self.active_jobs.age(work.token) if isinstance(work, Job) else 0.0
        self._open(self.traces.begin(message.actor_name, time.time_ns() - int(age * 1e9), attributes))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Note how it ended."""
        job = trace.get_current_span()
        ending: Ending | None = message.options.get("ending")
        if ending is not None:
            job.set_attributes({f"{PREFIX}outcome": ending.outcome, f"{PREFIX}device": ending.device})
        if exception is not None:
            job.set_attribute(f"{PREFIX}error", type(exception).__name__)
            job.set_status(StatusCode.ERROR)

    def before_ack(self, broker: Broker, message: MessageProxy) -> None:
        """Begin the last part; asked again when Redis was away."""
        if len(self._opened()) == 1:
            self._open(self.traces.part("settle"))

    def after_ack(self, broker: Broker, message: MessageProxy) -> None:
        """End the trace."""
        self._close()

    before_nack = before_ack
    after_nack = after_ack

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Send what is left."""
        tracing.stop()

    def _opened(self) -> "list[tuple[Span, Token[Context]]]":
        """The spans that this thread has open, outermost first, and how to leave each."""
        opened: list[tuple[Span, Token[Context]]] = self._thread.__dict__.setdefault("opened", [])
        return opened

    def _open(self, span: Span) -> None:
        self._opened().append((span, context.attach(trace.set_span_in_context(span))))

    def _close(self) -> None:
        opened = self._opened()
        while opened:
            span, token = opened.pop()
            context.detach(token)
            span.end()
