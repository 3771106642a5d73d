"""What the metrics say of real queues, tables and jobs."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen

import pytest
from dramatiq import Worker
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.errors import DeviceLostError
from service.monitoring.health import HUNG_AFTER
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import Engine
from service.reading.reader import Reading, read_document
from service.runtime.actors import declare_actors
from service.runtime.app import App, build_app
from service.settings import Settings
from service.telemetry.metrics import REGISTRY
from tests.integration.test_api import picture
from tests.support.waiting import wait_until


@pytest.fixture
def app(environment: dict[str, str], stack: FilotStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    changes = {
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_POLL_INTERVAL": "50",
        "OCR_GPU_HEALTH_PORT": str(stack.sandbox.reserve_port()),
    }
    for name, value in {**environment, **changes}.items():
        monkeypatch.setenv(name, value)
    # s; the tests wait for what a poll finds.
    monkeypatch.setattr("service.runtime.app.POLL_INTERVAL", 0.5)
    monkeypatch.setattr("service.monitoring.poller.TRAFFIC_MAX_AGE", 0.0)
    monkeypatch.setattr("service.monitoring.poller.RECORDS_MAX_AGE", 0.0)
    with build_app(Settings()) as app:
        declare_actors(app)
        yield app


@pytest.fixture
def running(app: App, backend: FilotBackend) -> Iterator[App]:
    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
    worker.start()
    wait_until(lambda: reachable(app))
    yield app
    worker.stop()
    app.broker.close()


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def scrape(settings: Settings) -> dict[str, Any]:
    """Every sample by its name and labels: ``name label=value``."""
    with urlopen(f"http://127.0.0.1:{settings.health_port}/metrics", timeout=10) as answer:
        assert answer.status == HTTPStatus.OK
        assert answer.headers["Content-Type"] == CONTENT_TYPE_LATEST
        families = text_string_to_metric_families(answer.read().decode())
        samples = [sample for family in families for sample in family.samples]
    return {
        " ".join(
            [sample.name, *(f"{label}={sample.labels[label]}" for label in sorted(sample.labels))]
        ): sample.value
        for sample in samples
    }


def test_a_scrape_shows_the_work_done_and_the_queue(running: App, backend: FilotBackend) -> None:
    before = scrape(running.settings)
    documents = [backend.add_document(picture(), "NPWP"), backend.add_document(b"no picture", "NPWP")]

    with backend.listen() as channel:
        for document_id in documents:
            backend.enqueue(document_id)
        channel.wait_for(2)
    wait_until(lambda: not running.broker.active_jobs.tokens())
    after = scrape(running.settings)

    def grown(name: str) -> float:
        return float(after[name] - before.get(name, 0.0))

    assert grown("filot_ocr_results_total device=cpu outcome=pending_manual_review") == 1
    assert grown("filot_ocr_results_total device=none outcome=failed") == 1
    assert grown("filot_ocr_failures_total code=not_an_image") == 1
    assert grown("filot_ocr_processing_seconds_count") == 2
    stages = ("take_wait", "download", "decode", "ocr", "parse", "store", "publish")
    counts = [grown(f"filot_ocr_stage_seconds_count stage={stage}") for stage in stages]
    # What shows too little is read flipped as well.
    assert counts == [2, 2, 2, 2, 2, 1, 2]
    assert after["filot_ocr_active_jobs"] == 0
    assert after["filot_ocr_concurrency_jobs"] == running.settings.concurrency
    assert after["filot_ocr_gpu_in_use"] == 0
    assert after["filot_ocr_taking"] == 1
    assert after["process_cpu_seconds_total"] > 0


def test_no_scrape_asks_a_server(running: App) -> None:
    def asked() -> int:
        return int(running.document_queue.client.info("commandstats")["cmdstat_scard"]["calls"])

    wait_until(lambda: "filot_ocr_queue_documents" in scrape(running.settings))
    running.scheduler.close()
    before = asked()

    for _ in range(20):
        scrape(running.settings)

    assert asked() == before


def test_a_worker_that_no_longer_polls_is_seen_in_the_metrics(app: App, backend: FilotBackend) -> None:
    app.devices.probe()
    app.health.start()
    app.scheduler.start()
    wait_until(lambda: reachable(app) and scrape(app.settings)["filot_ocr_making_progress"])

    app.broker.active_jobs.last_look -= HUNG_AFTER + 1
    making_progress = scrape(app.settings)["filot_ocr_making_progress"]

    assert making_progress == 0


def test_a_worker_that_only_puts_documents_off_is_seen_in_the_metrics(
    running: App, backend: FilotBackend, stack: FilotStack
) -> None:
    def makes_progress() -> bool:
        return bool(scrape(running.settings)["filot_ocr_making_progress"])

    active_jobs = running.broker.active_jobs
    wait_until(makes_progress)
    document_id = backend.add_document(picture(), "NPWP")
    stack.storage.kill()
    backend.enqueue(document_id)
    wait_until(lambda: active_jobs.outage_age() > 0)
    young = makes_progress()

    active_jobs._outage_since -= HUNG_AFTER + 1
    wait_until(lambda: not makes_progress())
    stack.storage.start()
    # It has forgotten the file: that the document fails for good is progress. (While it is only tried again,
    # nothing waits, and the worker seems to get on for a moment.)
    wait_until(lambda: backend.row(document_id)["status"] == "failed")
    wait_until(makes_progress)

    assert young


def reachable(app: App) -> bool:
    try:
        scrape(app.settings)
    except OSError:
        return False
    return True


def test_a_gpu_that_fails_is_counted_as_fallback_and_not_as_retry(
    app: App, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([DeviceLostError("CUDA failure 719")])

    def fails_once(content: bytes, kind: DocumentType, engine: Engine, limit: float) -> Reading:
        for failure in failures:
            raise failure
        return read_document(content, kind, engine, limit)

    monkeypatch.setattr("service.runtime.processing.read_document", fails_once)
    fallbacks = value("filot_ocr_cpu_fallbacks_total", reason="DeviceLostError")
    retries = value("filot_ocr_retries_total", cause="engine")
    document_id = backend.add_document(picture(), "NPWP")
    worker = Worker(app.broker, worker_threads=3, worker_timeout=100)

    with backend.listen() as channel:
        worker.start()
        backend.enqueue(document_id)
        channel.wait_for(1)
    worker.stop()
    app.broker.close()

    assert value("filot_ocr_cpu_fallbacks_total", reason="DeviceLostError") == fallbacks + 1
    assert value("filot_ocr_retries_total", cause="engine") == retries


def test_an_engine_that_breaks_is_counted_as_retry(
    running: App, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = value("filot_ocr_retries_total", cause="unforeseen")

    with backend.listen() as channel:
        with monkeypatch.context() as broken:
            broken.setattr("service.runtime.processing.read_document", lambda *_: 1 / 0)
            backend.enqueue(backend.add_document(picture(), "NPWP"))
            wait_until(lambda: value("filot_ocr_retries_total", cause="unforeseen") > retries)
        # It is not lost meanwhile: whole again, the engine reads it.
        (result,) = channel.wait_for(1)

    assert result["success"] is True
    assert value("filot_ocr_retries_total", cause="unforeseen") > retries


def test_reviews_are_counted_by_how_they_went(running: App, backend: FilotBackend, stack: FilotStack) -> None:
    tickets = value("filot_ocr_review_calls_total", result="ticket")
    put_off = value("filot_ocr_review_calls_total", result="put_off")

    stack.reviews.answer_with(500)
    backend.enqueue(backend.add_document(picture(), "KTP"))
    wait_until(lambda: value("filot_ocr_review_calls_total", result="put_off") > put_off)
    stack.reviews.answer_with(200)

    wait_until(lambda: value("filot_ocr_review_calls_total", result="ticket") > tickets)
    assert value("filot_ocr_review_calls_total", result="ticket") == tickets + 1
