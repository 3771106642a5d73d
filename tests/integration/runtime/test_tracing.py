"""A collector gets one trace per job, without any content of the card."""

import gzip
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import pytest
from dramatiq import Worker
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, use_span

from devstack.backend import CORRELATION, FilotBackend
from devstack.servers import FilotStack
from service.errors import SettingsError
from service.runtime.actors import declare_actors
from service.runtime.app import App, build_app
from service.runtime.middleware.tracing import JobTraces
from service.settings import Settings
from service.telemetry import tracing
from service.telemetry.tracing.traces import Traces
from tests.integration.test_api import picture
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as the collector received it."""

    name: str
    trace: bytes
    span_id: bytes
    parent: bytes
    library: str
    attributes: dict[str, str]
    nanoseconds: int


@dataclass
class Collector:
    """An OTLP/HTTP receiver on a port of this machine."""

    url: str
    raw: list[bytes] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)

    def receive(self, content: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(content)
        self.raw.append(content)
        for scope in (scope for resource in request.resource_spans for scope in resource.scope_spans):
            self.spans += [
                ReceivedSpan(
                    name=span.name,
                    trace=span.trace_id,
                    span_id=span.span_id,
                    parent=span.parent_span_id,
                    library=scope.scope.name,
                    attributes={each.key: each.value.string_value for each in span.attributes},
                    nanoseconds=span.end_time_unix_nano - span.start_time_unix_nano,
                )
                for span in scope.spans
            ]

    def named(self, name: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            receiver.receive(gzip.decompress(content) if zipped else content)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture
def app(environment: dict[str, str], collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    changes = {
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_POLL_INTERVAL": "50",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    for name, value in {**environment, **changes}.items():
        monkeypatch.setenv(name, value)
    with build_app(Settings()) as app:
        declare_actors(app)
        yield app


def work_on(app: App, backend: FilotBackend, *document_ids: str) -> None:
    """Process documents and stop the worker, which exports the traces."""
    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
    with backend.listen() as channel:
        worker.start()
        for document_id in document_ids:
            backend.enqueue(document_id)
        channel.wait_for(len(document_ids))
    worker.stop()
    app.broker.close()


def test_a_job_is_one_trace_from_its_fetch_until_it_is_settled(
    app: App, backend: FilotBackend, collector: Collector
) -> None:
    document_id = backend.add_document(picture(), "NPWP")
    backend.push(document_id)
    correlation_id = backend.redis.hget(CORRELATION, document_id)

    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
    with backend.listen() as channel:
        worker.start()
        channel.wait_for(1)
    worker.stop()
    app.broker.close()

    (job,) = collector.named("process_document")
    trace = [span for span in collector.spans if span.trace == job.trace]
    parts = {span.name for span in trace if span.parent == job.span_id and span.library == "service"}
    assert job.parent == b""
    assert job.attributes["filot.document_id"] == document_id
    assert job.attributes["filot.correlation_id"] == correlation_id
    assert job.attributes["filot.outcome"] == "pending_manual_review"
    assert parts == {"download", "decode", "ocr", "parse", "store", "publish", "settle"}
    assert all(span.nanoseconds <= job.nanoseconds for span in trace)


def test_calls_of_servers_are_recorded_by_their_instrumentation_packages(
    app: App, backend: FilotBackend, collector: Collector
) -> None:
    work_on(app, backend, backend.add_document(picture(), "NPWP"))

    (job,) = collector.named("process_document")
    trace = [span for span in collector.spans if span.trace == job.trace]
    by_id = {span.span_id: span for span in trace}

    def within(library: str) -> set[str]:
        return {by_id[span.parent].name for span in trace if library in span.library}

    assert within("instrumentation.redis") >= {"publish", "settle"}
    assert within("instrumentation.psycopg2") == {"process_document", "store"}
    assert within("instrumentation.botocore") == {"download"}


def test_a_review_is_a_separate_trace_with_the_same_correlation_id(
    app: App, backend: FilotBackend, collector: Collector
) -> None:
    document_id = backend.add_document(picture(), "KTP")
    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)

    with backend.listen() as channel:
        worker.start()
        backend.enqueue(document_id)
        channel.wait_for(1)
    wait_until(lambda: backend.row(document_id)["buli2_ticket_id"])
    worker.stop()
    app.broker.close()

    (job,), (review,) = collector.named("process_document"), collector.named("request_review")
    parts = {span.name for span in collector.spans if span.parent == review.span_id}
    assert review.trace != job.trace
    assert review.attributes["filot.correlation_id"] == job.attributes["filot.correlation_id"]
    assert parts >= {"review", "settle"}


def test_a_trace_begins_when_the_job_was_fetched(
    app: App, backend: FilotBackend, collector: Collector
) -> None:
    traces = next(part for part in app.broker.middleware if isinstance(part, JobTraces))
    before, middle = app.active_jobs.age, 3600.0
    app.active_jobs.age = lambda token: before(token) + middle  # type: ignore[method-assign]

    work_on(app, backend, backend.add_document(b"no picture", "NPWP"))

    assert traces.active_jobs is app.active_jobs
    (job,) = collector.named("process_document")
    assert job.nanoseconds > middle * 1e9


def test_polling_the_queue_makes_no_traces(app: App, backend: FilotBackend, collector: Collector) -> None:
    work_on(app, backend, backend.add_document(b"no picture", "NPWP"))

    assert {span.name for span in collector.spans if not span.parent} == {"process_document"}


def test_no_trace_contains_text_of_the_card(app: App, backend: FilotBackend, collector: Collector) -> None:
    document_id = backend.add_document(picture("NPWP 95.427.374.4-599.000"), "NPWP")
    work_on(app, backend, document_id)

    assert "95.427.374.4-599.000" in backend.row(document_id)["ocr_text"]
    assert collector.named("store")
    for content in collector.raw:
        assert b"95.427" not in content
        assert b"95427" not in content


def test_an_error_is_recorded_without_its_message(environment: dict[str, str], stack: FilotStack) -> None:
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    connection = psycopg2.connect(stack.postgres.url)

    job = traces.begin("process_document", time.time_ns(), {})
    with (
        pytest.raises(psycopg2.DataError, match="SITI RAHAYU"),
        use_span(job),
        traces.span("store"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT %s::integer", ("SITI RAHAYU",))
    connection.close()
    job.end()
    traces.close()

    spans = exporter.get_finished_spans()
    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert {span.name for span in failed} >= {"store", "SELECT"}
    assert "SELECT %s::integer" in str([span.attributes for span in spans])
    assert "SITI" not in "".join(span.to_json() for span in spans)


def test_traces_are_off_unless_a_collector_is_set(settings: Settings) -> None:
    assert settings.otlp_endpoint is None
    with tracing.span("ocr") as span:
        assert span is None


def test_missing_tracing_packages_stop_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "service.telemetry.tracing.traces", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")

    with pytest.raises(SettingsError, match="install extra `tracing`"):
        build_app(Settings()).__enter__()
