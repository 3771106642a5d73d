"""OpenTelemetry set-up: which spans are recorded, which attributes are exported, and where to."""

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

#: Service name, unless ``OTEL_SERVICE_NAME`` sets another.
SERVICE = "filot-ocr-worker"

#: Prefix of our own attributes; they hold ids and codes.
PREFIX = "filot."

#: Attributes of the instrumented libraries that are exported: SQL without parameters, Redis commands without
#: arguments, server addresses, status codes.
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
#: Instrumentors of the libraries; each exists once per process.
INSTRUMENTORS = tuple(instrumentor() for instrumentor in _types)


class Traces:
    """Records the spans of jobs until it is closed. A process can have one at a time.

    Parameters:
        exporter: receives finished spans
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
        """Return traces that are exported as the standard ``OTEL_EXPORTER_OTLP_*`` variables say."""
        return cls(OTLPSpanExporter())

    def begin(self, name: str, start_time: int, attributes: Attributes) -> Span:
        """Start the root span of a job's trace; the caller ends it.

        Parameters:
            start_time: epoch ns
        """
        return self._tracer.start_span(
            name, Context(), SpanKind.CONSUMER, {**(attributes or {}), _IS_JOB: True}, start_time=start_time
        )

    def part(self, name: str) -> Span:
        """Start a span of the current thread's job; the caller ends it."""
        return self._tracer.start_span(name)

    def span(self, name: str) -> AbstractContextManager[Span]:
        """Return a context manager that runs its block in a span of the current thread's job."""
        return self._tracer.start_as_current_span(name)

    def close(self) -> None:
        """Export the remaining spans and remove the instrumentation of the libraries."""
        for instrumentor in INSTRUMENTORS:
            instrumentor.uninstrument()
        self._provider.shutdown()


#: Marks the root span of a job for the sampler.
_IS_JOB = PREFIX + "job"


class _JobsOnly(Sampler):
    """Samples jobs only: polling the queue and renewing leases would be traces of their own."""

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
        """Sample a root span if it is a job's."""
        chosen = ALWAYS_ON if _IS_JOB in (attributes or {}) else ALWAYS_OFF
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Return the sampler's name."""
        return "JobsOnly"


class _WithoutContents(SpanExporter):
    """Exports spans without what may quote a document: PostgreSQL's errors, for example, quote rows."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans without events (these hold exception messages) and status descriptions."""
        return self._exporter.export([_without_contents(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export buffered spans."""
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
