"""The public functions, on real servers."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

import service
from devstack.backend import PROCESSING, QUEUE, FilotBackend
from devstack.degrade import encode_jpeg
from devstack.servers import FilotStack
from service import api, settings
from service.errors import DeviceError
from service.monitoring.backlog import MARKS_KEY
from service.queue.document_queue import WATCH_KEY
from service.runtime.app import close_current_app
from service.store.publisher import PUBLISHED_KEY
from tests.support import fake_cuda
from tests.support.fake_cuda import FakeCuda
from tests.support.ids import CARD, OTHER


@pytest.fixture(autouse=True)
def fresh_process(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has not read its settings yet."""
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx", "OCR_GPU_POLL_INTERVAL": "100"}.items():
        monkeypatch.setenv(name, value)
    forget_process()
    yield
    forget_process()


def forget_process() -> None:
    """Close what this process keeps between calls of the public functions."""
    close_current_app()
    settings.current_settings.cache_clear()
    api._document_queue.cache_clear()


def picture(text: str = "BUDI SANTOSO") -> bytes:
    page = np.full((120, 560), 240, np.uint8)
    cv2.putText(page, text, (20, 70), cv2.FONT_HERSHEY_DUPLEX, 1, (30, 30, 30), 2)
    return encode_jpeg(page)


def test_a_document_is_enqueued_once(backend: FilotBackend) -> None:
    answers = [service.enqueue_for_gpu(CARD), service.enqueue_for_gpu(CARD)]

    assert answers == [True, False]
    assert service.get_gpu_queue_length() == 1
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


def test_without_redis_nothing_is_enqueued(stack: FilotStack) -> None:
    stack.valkey.kill()

    answer = service.enqueue_for_gpu(CARD)
    stack.valkey.start()

    assert answer is False


def test_a_document_can_be_fetched_and_completed_by_a_caller(backend: FilotBackend) -> None:
    service.enqueue_for_gpu(CARD)

    fetched = service.dequeue_from_gpu()
    while_active = (service.enqueue_for_gpu(CARD), backend.redis.smembers(PROCESSING))
    nothing = service.dequeue_from_gpu()
    service.mark_gpu_complete(CARD)

    assert fetched == CARD
    assert while_active == (False, {CARD})
    assert nothing is None
    assert backend.redis.keys("*") == []


def test_routing_follows_the_setting(backend: FilotBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    to_cpu = [service.route_document(CARD), service.route_document(CARD)]
    settings.current_settings.cache_clear()
    monkeypatch.setenv("OCR_GPU_ENABLED", "true")
    to_gpu = service.route_document(OTHER)

    assert to_cpu == [True, False]
    assert to_gpu is True
    assert backend.redis.lrange("filot:ocr:queue", 0, -1) == [CARD]
    assert backend.redis.lrange(QUEUE, 0, -1) == [OTHER]


def test_a_document_that_the_cpu_pipeline_processes_is_not_routed_there_again(backend: FilotBackend) -> None:
    backend.redis.sadd("filot:ocr:processing", CARD)

    assert service.route_document(CARD) is False


def test_a_direct_call_returns_what_is_published(backend: FilotBackend) -> None:
    document_id = backend.add_document(picture(), "NPWP")

    with backend.listen() as channel:
        result = service.process_document_gpu(document_id)
        (published,) = channel.wait_for(1)

    assert result.published() == published
    assert result.success
    assert backend.row(document_id)["status"] == "completed"


def test_a_direct_call_probes_the_gpu_first_and_falls_back_to_the_cpu_where_it_fails(
    backend: FilotBackend, cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_GPU_ENABLED", "true")

    on_gpu = service.process_document_gpu(backend.add_document(picture(), "NPWP"))
    cuda.always = fake_cuda.LAUNCH_FAILURE
    failing = service.process_document_gpu(backend.add_document(picture(), "NPWP"))
    cuda.always = ""
    after = service.process_document_gpu(backend.add_document(picture(), "NPWP"))

    assert [result.success for result in (on_gpu, failing, after)] == [True, True, True]
    assert [result.gpu_processed for result in (on_gpu, failing, after)] == [True, False, False]


def test_a_direct_call_without_fallback_stores_nothing_where_there_is_no_gpu(
    backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_GPU_AUTOFALLBACK", "false")
    document_id = backend.add_document(picture(), "NPWP")

    with pytest.raises(DeviceError, match="OCR_GPU_ENABLED is false"):
        service.process_document_gpu(document_id)

    assert backend.row(document_id)["status"] == "processing"


def test_an_embedded_worker_can_be_started_and_stopped_repeatedly(backend: FilotBackend) -> None:
    for _ in range(2):
        document_id = backend.add_document(picture(), "NPWP")
        backend.enqueue(document_id)

        with backend.listen() as channel:
            started = (service.start_gpu_worker(), service.start_gpu_worker())
            (result,) = channel.wait_for(1)
            status = service.get_gpu_worker_status()
            service.stop_gpu_worker()

        assert started == (True, False)
        assert result["documentId"] == document_id
        assert status.is_running
        assert not status.is_gpu_available
        assert status.gpu_absence == "OCR_GPU_ENABLED is false"
        assert set(map(str, backend.redis.keys("*"))) <= {WATCH_KEY, MARKS_KEY, PUBLISHED_KEY}


def test_the_status_without_a_worker(backend: FilotBackend) -> None:
    backend.push(CARD)

    status = service.get_gpu_worker_status()

    assert not status.is_running
    assert status.workers == 0
    assert (status.queue_length, status.processing_count, status.active_jobs_count) == (1, 0, 0)
    assert status.max_retries == 3
    assert (service.is_gpu_enabled(), service.is_gpu_auto_fallback_enabled()) == (False, True)
