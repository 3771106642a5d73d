"""OpenTelemetry's side of the traces: what is recorded, what of it may leave the process, and where to."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes

#: Unless ``OTEL_SERVICE_NAME`` says otherwise.
SERVICE = "filot-ocr-worker"

#: Our own attributes begin so; they hold ids and codes.
PREFIX = "filot."

#: Attributes of the instrumented libraries that may leave the process: SQL without its parameters, Redis
#: commands without their arguments, addresses of servers, status codes.
ALLOWED = frozenset(
    {
        *("db.name", "db.namespace", "db.operation", "db.operation.name", "db.system", "db.system.name"),
        *("db.query.text", "db.statement", "db.redis.args_length", "db.redis.database_index"),
        *("db.redis.pipeline_length", "net.peer.name", "net.peer.port", "net.transport"),
        *("server.address", "server.port", "rpc.method", "rpc.service", "rpc.system"),
        *("aws.region", "cloud.region", "aws.request_id", "retry_attempts"),
        *("http.status_code", "http.response.status_code"),
    }
)


_types: tuple[type[Any], ...] = (RedisInstrumentor, Psycopg2Instrumentor, BotocoreInstrumentor)
#: What makes the libraries record spans; there is one of each in a process.
INSTRUMENTORS = tuple(instrumentor() for instrumentor in _types)


class Traces:
    """Records the spans of jobs while it is open; one at a time in a process.

    Parameters:
        exporter: where finished spans go
    """

    def __init__(self, exporter: SpanExporter) -> None:
        resource = Resource({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(sampler=ParentBased(_JobsOnly()), resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(_WithoutContents(exporter)))
        self._tracer = self._provider.get_tracer("service")
        for instrumentor in INSTRUMENTORS:
            instrumentor.instrument(tracer_provider=self._provider)

    @classmethod
    def over_http(cls) -> "Traces":
        """Traces that go where the standard ``OTEL_EXPORTER_OTLP_*`` variables say."""
        return cls(OTLPSpanExporter())

    def begin(self, name: str, start_time: int, attributes: Attributes) -> Span:
        """The first span of a job's trace; the caller ends it.

        Parameters:
            start_time: epoch ns
        """
        return self._tracer.start_span(
            name, Context(), SpanKind.CONSUMER, {**(attributes or {}), _IS_JOB: True}, start_time=start_time
        )

    def part(self, name: str) -> Span:
        """A span of the job that the current thread works on; the caller ends it."""
        return self._tracer.start_span(name)

    def span(self, name: str) -> AbstractContextManager[Span]:
        """The same, current while the context is open and ended with it."""
        return self._tracer.start_as_current_span(name)

    def close(self) -> None:
        """Send what is left, and leave the libraries as they were."""
        for instrumentor in INSTRUMENTORS:
            instrumentor.uninstrument()
        self._provider.shutdown()


#: Tells the sampler which traces are ours.
_IS_JOB = PREFIX + "job"


class _JobsOnly(Sampler):
    """Drops traces that no job began: the queue is looked at every second, and leases are renewed."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide on the first span of a trace."""
        chosen = ALWAYS_ON if _IS_JOB in (attributes or {}) else ALWAYS_OFF
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For whoever inspects the provider."""
        return "JobsOnly"


class _WithoutContents(SpanExporter):
    """Passes spans on without whatever may quote a document: PostgreSQL's errors, for example, quote rows."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them, without events (exceptions with their messages) and words about the status."""
        return self._exporter.export([_without_contents(span) for span in spans])

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the exporter holds back."""
        return self._exporter.force_flush(timeout_millis)


def _without_contents(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            name: value
            for name, value in (span.attributes or {}).items()
            if name in ALLOWED or name.startswith(PREFIX)
        },
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
