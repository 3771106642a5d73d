"""A GPU that fails in the middle of a job costs nothing but time."""

from collections.abc import Iterator

import pytest
from dramatiq import Worker

from service.actors import declare_actors
from service.demo.backend import ATTEMPTS, QUEUE, FilotBackend
from service.errors import DeviceError
from service.ocr.engine import Device, Image, PageText
from service.runtime import Runtime, build_runtime
from service.settings import Settings
from tests.integration.test_api import picture


class FailingGpu:
    """An engine on a GPU that has fallen off the bus."""

    name = "onnx"
    device: Device = "cuda"

    def __init__(self) -> None:
        self.calls = 0

    def read(self, page: Image) -> PageText:
        self.calls += 1
        raise DeviceError("CUDA failure 719: unspecified launch failure")


@pytest.fixture
def runtime(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx", "OCR_GPU_POLL_INTERVAL": "50"}.items():
        monkeypatch.setenv(name, value)
    runtime = build_runtime(Settings())
    declare_actors(runtime)
    yield runtime
    runtime.publisher.database.close()


def use_failing_gpu(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> FailingGpu:
    gpu = FailingGpu()
    monkeypatch.setattr("service.devices.probe_gpu", lambda settings, expected: gpu)
    return gpu


def test_the_document_is_read_on_the_cpu_and_no_attempt_is_lost(
    runtime: Runtime, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = use_failing_gpu(runtime, monkeypatch)
    document_id = backend.add_document(picture(), "NPWP")
    worker = Worker(runtime.broker, worker_threads=3, worker_timeout=100)

    with backend.listen() as channel:
        worker.start()
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    worker.stop()
    runtime.broker.close()

    assert gpu.calls == 1
    assert result["success"] is True
    assert result["gpuProcessed"] is False
    assert runtime.devices.gpu_absence == "CUDA failure 719: unspecified launch failure"
    assert backend.redis.keys("filot:ocr:gpu:job:*") == []


def test_without_fallback_the_document_waits_for_a_gpu_unharmed(
    environment: dict[str, str], backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**environment, "OCR_GPU_DRIVER": "onnx", "OCR_GPU_AUTOFALLBACK": "false"}.items():
        monkeypatch.setenv(name, value)
    runtime = build_runtime(Settings())
    declare_actors(runtime)
    use_failing_gpu(runtime, monkeypatch)
    document_id = backend.add_document(picture(), "NPWP")
    worker = Worker(runtime.broker, worker_threads=3, worker_timeout=100)

    worker.start()
    backend.enqueue(document_id)
    while not runtime.broker.in_hand.holds():
        backend.redis.blpop(["nothing is pushed here"], timeout=1)
    worker.stop()
    runtime.broker.close()
    runtime.publisher.database.close()

    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
    assert backend.redis.hget(ATTEMPTS, document_id) == "0"
    assert backend.row(document_id)["status"] == "processing"
