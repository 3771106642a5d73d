"""What the metrics say of real queues, tables and jobs."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen

import pytest
from dramatiq import Worker
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.servers import FilotStack
from service.errors import DeviceLostError
from service.monitoring.backlog import MARKS_KEY, BacklogMeter, read_outbox_backlog
from service.monitoring.health import HUNG_AFTER
from service.monitoring.sampler import Sampler
from service.queue.document_queue import connect_redis
from service.reading.documents.fields import DocumentType
from service.reading.ocr.engine import Engine
from service.reading.reader import Reading, read_document
from service.runtime.actors import declare_actors
from service.runtime.app import App as Runtime
from service.runtime.app import build_app
from service.settings import Settings
from service.store import dead_letters, outbox
from service.store.database import Database
from service.telemetry.metrics import REGISTRY
from tests.integration.test_api import picture

MINUTE = 60_000


@pytest.fixture
def meter(settings: Settings) -> BacklogMeter:
    return BacklogMeter(connect_redis(settings), settings)


@pytest.fixture
def runtime(
    environment: dict[str, str], stack: FilotStack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    changes = {
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_POLL_INTERVAL": "50",
        "OCR_GPU_HEALTH_PORT": str(stack.sandbox.reserve_port()),
    }
    for name, value in {**environment, **changes}.items():
        monkeypatch.setenv(name, value)
    with build_app(Settings()) as runtime:
        declare_actors(runtime)
        yield runtime


@pytest.fixture
def running(runtime: Runtime, backend: FilotBackend) -> Iterator[Runtime]:
    worker = Worker(runtime.broker, worker_threads=3, worker_timeout=100)
    worker.start()
    wait_until(backend, lambda: reachable(runtime))
    yield runtime
    worker.stop()
    runtime.broker.close()


def minutes_pass(backend: FilotBackend, minutes: int) -> None:
    """Move every mark into the past: the same as if that time had passed since."""
    for mark in map(str, backend.redis.zrange(MARKS_KEY, 0, -1)):
        backend.redis.zincrby(MARKS_KEY, -minutes * MINUTE, mark)


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


def wait_until(backend: FilotBackend, condition: Callable[[], object]) -> None:
    while not condition():
        backend.redis.blpop(["nothing is pushed here"], timeout=1)


def test_an_empty_queue_has_no_age_and_leaves_no_key(meter: BacklogMeter, backend: FilotBackend) -> None:
    backlog = meter.read()

    assert (backlog.waiting, backlog.processing, backlog.put_off, backlog.oldest_waiting) == (0, 0, 0, 0.0)
    assert backend.redis.keys("*") == []


def test_the_age_is_that_of_the_oldest_although_others_came_later(
    meter: BacklogMeter, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    first = meter.read()
    minutes_pass(backend, 10)
    backend.redis.rpush(QUEUE, "c")
    second = meter.read()
    minutes_pass(backend, 5)

    third = meter.read()

    assert [round(look.oldest_waiting / 60) for look in (first, second, third)] == [0, 10, 15]
    assert [look.waiting for look in (first, second, third)] == [2, 3, 3]


def test_the_age_falls_to_that_of_the_next_when_the_oldest_are_taken(
    meter: BacklogMeter, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    meter.read()
    minutes_pass(backend, 10)
    backend.redis.rpush(QUEUE, "c")
    meter.read()
    minutes_pass(backend, 5)

    backend.redis.lpop(QUEUE, 1)
    one_taken = meter.read()
    backend.redis.lpop(QUEUE, 1)
    both_taken = meter.read()
    backend.redis.lpop(QUEUE, 1)
    meter.read()

    assert round(one_taken.oldest_waiting / 60) == 15
    assert round(both_taken.oldest_waiting / 60) == 5
    assert backend.redis.keys("*") == []


def test_a_document_that_goes_back_to_the_head_hides_no_age(
    meter: BacklogMeter, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a")
    meter.read()
    minutes_pass(backend, 10)
    backend.redis.lpush(QUEUE, "returned")

    backlog = meter.read()

    assert round(backlog.oldest_waiting / 60) == 10


def test_looking_writes_to_no_key_of_the_backend(meter: BacklogMeter, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    backend.redis.sadd(PROCESSING, "c")

    backlog = meter.read()

    assert (backlog.waiting, backlog.processing) == (2, 1)
    assert backend.redis.lrange(QUEUE, 0, -1) == ["a", "b"]
    assert backend.redis.smembers(PROCESSING) == {"c"}
    assert set(map(str, backend.redis.keys("*"))) == {QUEUE, PROCESSING, MARKS_KEY}
    assert backend.redis.ttl(MARKS_KEY) > 0


def test_what_is_owed_is_counted_with_its_age(database: Database, backend: FilotBackend) -> None:
    told, undelivered, given_up = (backend.add_document(b"picture") for _ in range(3))
    with database.transaction() as cursor:
        for document_id in (told, undelivered, given_up):
            outbox.put_review(cursor, document_id, document_id, "correlation")
        dead_letters.put(cursor, told, told, 3, "EngineError")
    age = "UPDATE ocr_worker.outbox SET created_at = now() - interval '1 hour' WHERE document_id = %s"
    backend.execute(age, undelivered)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() WHERE document_id = %s", told)
    backend.execute("UPDATE ocr_worker.outbox SET given_up_at = now() WHERE document_id = %s", given_up)

    outbox_backlog = read_outbox_backlog(database)

    assert (outbox_backlog.dead, outbox_backlog.given_up) == (1, 1)
    assert outbox_backlog.undelivered["result"] == (0, 0.0)
    count, seconds = outbox_backlog.undelivered["review"]
    assert (count, round(seconds / 60)) == (1, 60)


def look(sampler: Sampler) -> None:
    for each in sampler.looks():
        each()


def test_servers_that_are_away_are_named_and_their_numbers_unknown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    sampler = Sampler(settings, connect_redis(settings), database)
    look(sampler)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    no_redis = Sampler(settings, connect_redis(Settings()), Database("postgresql://127.0.0.1:1/none", 1))

    look(no_redis)

    assert sampler.away() == []
    assert no_redis.away() == [
        "Redis did not answer the latest look",
        "PostgreSQL did not answer the latest look",
    ]
    assert (no_redis.backlog, no_redis.outbox_backlog) == (None, None)


def test_a_scrape_shows_the_work_done_and_the_queue(running: Runtime, backend: FilotBackend) -> None:
    before = scrape(running.settings)
    documents = [backend.add_document(picture(), "NPWP"), backend.add_document(b"no picture", "NPWP")]

    with backend.listen() as channel:
        for document_id in documents:
            backend.enqueue(document_id)
        channel.wait_for(2)
    wait_until(backend, lambda: not running.broker.active_jobs.tokens())
    after = scrape(running.settings)

    def grown(name: str) -> float:
        return float(after[name] - before.get(name, 0.0))

    assert grown("filot_ocr_results_total device=cpu outcome=pending_manual_review") == 1
    assert grown("filot_ocr_results_total device=none outcome=failed") == 1
    assert grown("filot_ocr_failures_total code=not_an_image") == 1
    assert grown("filot_ocr_processing_seconds_count") == 2
    stages = ("take_wait", "download", "decode", "ocr", "parse", "store", "publish")
    counts = [grown(f"filot_ocr_stage_seconds_count stage={stage}") for stage in stages]
    assert counts == [2, 2, 2, 1, 1, 1, 2]
    assert after["filot_ocr_active_jobs"] == 0
    assert after["filot_ocr_concurrency_jobs"] == running.settings.concurrency
    assert after["filot_ocr_gpu_in_use"] == 0
    assert after["filot_ocr_taking"] == 1
    assert after["process_cpu_seconds_total"] > 0


def test_no_scrape_asks_a_server(running: Runtime, backend: FilotBackend) -> None:
    wait_until(backend, lambda: "filot_ocr_queue_documents" in scrape(running.settings))
    backend.redis.sadd(PROCESSING, "since the latest sample")
    calls = running.broker.document_queue.client.info("commandstats")["cmdstat_scard"]["calls"]

    for _ in range(20):
        scrape(running.settings)

    # The worker's own clock looks now and then meanwhile.
    after = running.broker.document_queue.client.info("commandstats")["cmdstat_scard"]["calls"]
    assert after - calls < 20


def test_a_worker_that_no_longer_looks_for_work_is_seen_in_the_metrics(
    runtime: Runtime, backend: FilotBackend
) -> None:
    runtime.devices.probe()
    runtime.health.start()
    runtime.scheduler.start()
    wait_until(backend, lambda: reachable(runtime) and scrape(runtime.settings)["filot_ocr_making_progress"])

    runtime.broker.active_jobs.last_look -= HUNG_AFTER + 1
    making_progress = scrape(runtime.settings)["filot_ocr_making_progress"]

    assert making_progress == 0


def test_a_worker_that_only_puts_documents_off_is_seen_in_the_metrics(
    running: Runtime, backend: FilotBackend, stack: FilotStack
) -> None:
    def makes_progress() -> bool:
        return bool(scrape(running.settings)["filot_ocr_making_progress"])

    active_jobs = running.broker.active_jobs
    wait_until(backend, makes_progress)
    document_id = backend.add_document(picture(), "NPWP")
    stack.storage.kill()
    backend.enqueue(document_id)
    wait_until(backend, lambda: active_jobs.outage_age() > 0)
    young = makes_progress()

    active_jobs._outage_since -= HUNG_AFTER + 1
    wait_until(backend, lambda: not makes_progress())
    stack.storage.start()
    # It has forgotten the file: that the document fails for good is progress. (While it is only tried again,
    # nothing waits, and the worker seems to get on for a moment.)
    wait_until(backend, lambda: backend.row(document_id)["status"] == "failed")
    wait_until(backend, makes_progress)

    assert young


def reachable(runtime: Runtime) -> bool:
    try:
        scrape(runtime.settings)
    except OSError:
        return False
    return True


def test_a_gpu_that_fails_is_counted_as_fallback_and_not_as_retry(
    runtime: Runtime, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([DeviceLostError("CUDA failure 719")])

    def fails_once(content: bytes, kind: DocumentType, engine: Engine) -> Reading:
        for failure in failures:
            raise failure
        return read_document(content, kind, engine)

    monkeypatch.setattr("service.runtime.processing.read_document", fails_once)
    fallbacks = value("filot_ocr_cpu_fallbacks_total", reason="DeviceLostError")
    retries = value("filot_ocr_retries_total", cause="engine")
    document_id = backend.add_document(picture(), "NPWP")
    worker = Worker(runtime.broker, worker_threads=3, worker_timeout=100)

    with backend.listen() as channel:
        worker.start()
        backend.enqueue(document_id)
        channel.wait_for(1)
    worker.stop()
    runtime.broker.close()

    assert value("filot_ocr_cpu_fallbacks_total", reason="DeviceLostError") == fallbacks + 1
    assert value("filot_ocr_retries_total", cause="engine") == retries


def test_an_engine_that_breaks_is_counted_as_retry(
    running: Runtime, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = value("filot_ocr_retries_total", cause="unforeseen")

    with backend.listen() as channel:
        with monkeypatch.context() as broken:
            broken.setattr("service.runtime.processing.read_document", lambda *_: 1 / 0)
            backend.enqueue(backend.add_document(picture(), "NPWP"))
            wait_until(backend, lambda: value("filot_ocr_retries_total", cause="unforeseen") > retries)
        # It is not lost meanwhile: whole again, the engine reads it.
        channel.wait_for(1)


def test_reviews_are_counted_by_how_they_went(
    running: Runtime, backend: FilotBackend, stack: FilotStack
) -> None:
    tickets = value("filot_ocr_review_calls_total", result="ticket")
    put_off = value("filot_ocr_review_calls_total", result="put_off")

    stack.reviews.answer_with(500)
    backend.enqueue(backend.add_document(picture(), "KTP"))
    wait_until(backend, lambda: value("filot_ocr_review_calls_total", result="put_off") > put_off)
    stack.reviews.answer_with(200)

    wait_until(backend, lambda: value("filot_ocr_review_calls_total", result="ticket") > tickets)
    assert value("filot_ocr_review_calls_total", result="ticket") == tickets + 1
