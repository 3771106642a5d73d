"""Records one trace per job, from its fetch until it is settled."""

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
from service.queue.job_context import JobContext
from service.telemetry import tracing
from service.telemetry.tracing.traces import PREFIX, Traces


class JobTraces(Middleware):
    """Opens a trace when a thread starts a job; the root span begins at the fetch.

    Parameters:
        traces: where spans are recorded
        active_jobs: since when a job is active
    """

    def __init__(self, traces: Traces, active_jobs: ActiveJobs) -> None:
        self.traces = traces
        self.active_jobs = active_jobs
        self._thread = threading.local()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Start the root span and make it the thread's current one."""
        self._end_spans()
        source = JobContext.of(message).source
        attributes: dict[str, str | int] = {
            f"{PREFIX}document_id": source.document_id,
            f"{PREFIX}job_id": source.job_id,
            f"{PREFIX}correlation_id": source.correlation_id,
            f"{PREFIX}attempt": source.attempt if isinstance(source, Job) else source.attempts,
        }
        age = self.active_jobs.age(source.token) if isinstance(source, Job) else 0.0
        start_time = time.time_ns() - int(age * 1e9)
        self._push(self.traces.begin(message.actor_name, start_time, attributes))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Record the outcome."""
        span = trace.get_current_span()
        document = JobContext.of(message).result
        if document is not None:
            span.set_attributes(
                {f"{PREFIX}outcome": document.final_outcome, f"{PREFIX}device": document.device}
            )
        if exception is not None:
            span.set_attribute(f"{PREFIX}error", type(exception).__name__)
            span.set_status(StatusCode.ERROR)

    def before_ack(self, broker: Broker, message: MessageProxy) -> None:
        """Start the span of the settlement; called again after each attempt that found Redis away."""
        if len(self._spans()) == 1:
            self._push(self.traces.part("settle"))

    def after_ack(self, broker: Broker, message: MessageProxy) -> None:
        """End the trace."""
        self._end_spans()

    before_nack = before_ack
    after_nack = after_ack

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Export the remaining spans."""
        tracing.stop()

    def _spans(self) -> "list[tuple[Span, Token[Context]]]":
        """The open spans of this thread, outermost first, each with the token that detaches it."""
        spans: list[tuple[Span, Token[Context]]] = self._thread.__dict__.setdefault("spans", [])
        return spans

    def _push(self, span: Span) -> None:
        self._spans().append((span, context.attach(trace.set_span_in_context(span))))

    def _end_spans(self) -> None:
        spans = self._spans()
        while spans:
            span, token = spans.pop()
            context.detach(token)
            span.end()
