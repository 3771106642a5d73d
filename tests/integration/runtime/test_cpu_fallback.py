"""A GPU that fails during a job costs no document an attempt."""

from collections.abc import Callable
from typing import Any

from devstack.backend import ATTEMPTS, QUEUE, FilotBackend
from service.runtime.app import App
from tests.integration.test_api import picture
from tests.support import fake_cuda
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_nvml import FakeNvml
from tests.support.waiting import wait_until


def read(backend: FilotBackend) -> dict[str, Any]:
    """Enqueue a card and wait for its result."""
    document_id = backend.add_document(picture(), "NPWP")
    with backend.listen() as channel:
        backend.enqueue(document_id)
        (result,) = channel.wait_for(1)
    return result


def wait_for_pause(app: App, backend: FilotBackend) -> str:
    """Wait until fetching is paused and every job is back in the queue; returns the reason."""
    active_jobs = app.active_jobs
    wait_until(active_jobs.pause_reasons)
    # The consumer may have checked before the pause and fetch after it; that job is active at its next check.
    looked = active_jobs.last_look
    wait_until(lambda: active_jobs.last_look != looked and not active_jobs.tokens())
    (reason,) = active_jobs.pause_reasons()
    return reason


def test_a_result_says_that_it_was_read_on_the_gpu(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    start()

    result = read(backend)

    assert result["success"] is True
    assert result["gpuProcessed"] is True


def test_after_a_lost_context_documents_are_read_on_the_cpu_and_no_attempt_is_counted(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    app = start()
    cuda.at_run[len(cuda.runs) + 2] = fake_cuda.ILLEGAL_ACCESS

    first, second = read(backend), read(backend)

    assert [result["success"] for result in (first, second)] == [True, True]
    assert [result["gpuProcessed"] for result in (first, second)] == [False, False]
    assert app.devices.gpu_lost
    assert "the GPU's context is lost: CUDA failure 700" in app.devices.gpu_absence
    wait_until(lambda: not app.active_jobs.tokens())
    assert backend.redis.keys("filot:ocr:gpu:job:*") == []


def test_a_fault_that_only_the_driver_reports_moves_the_document_to_the_cpu(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda, nvml: FakeNvml
) -> None:
    app = start()
    nvml.xids.append(48)

    result = read(backend)

    assert (result["success"], result["gpuProcessed"]) == (True, False)
    assert "Xid 48" in app.devices.gpu_absence


def test_a_document_too_large_for_the_gpu_is_read_on_the_cpu_and_the_next_one_is_not(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    app = start()
    cuda.at_run[len(cuda.runs) + 1] = fake_cuda.NO_CUDA_MEMORY

    first, second = read(backend), read(backend)

    assert [result["gpuProcessed"] for result in (first, second)] == [False, True]
    assert app.devices.gpu_available


def test_without_fallback_the_document_waits_for_a_gpu_and_no_attempt_is_counted(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    app = start(OCR_GPU_AUTOFALLBACK="false")
    cuda.always = fake_cuda.LAUNCH_FAILURE
    document_id = backend.add_document(picture(), "NPWP")

    backend.enqueue(document_id)
    reason = wait_for_pause(app, backend)

    assert "CUDA failure 719" in reason
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
    assert backend.redis.hget(ATTEMPTS, document_id) == "0"
    assert backend.row(document_id)["status"] == "processing"


def test_without_fallback_every_active_job_goes_back_when_one_meets_the_failure(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    app = start(OCR_GPU_AUTOFALLBACK="false")
    document_ids = [backend.add_document(picture(), "NPWP") for _ in range(6)]
    # Only once: jobs that are active then, or were fetched just before, must not be read.
    cuda.at_run[len(cuda.runs) + 2] = fake_cuda.LAUNCH_FAILURE

    for document_id in document_ids:
        backend.enqueue(document_id)
    wait_for_pause(app, backend)

    assert sorted(backend.redis.lrange(QUEUE, 0, -1)) == sorted(document_ids)
    assert {backend.redis.hget(ATTEMPTS, document_id) for document_id in document_ids} == {"0"}
    assert {backend.row(document_id)["status"] for document_id in document_ids} == {"processing"}


def test_without_fallback_a_gpu_without_free_memory_is_not_tried_again_and_again(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    app = start(OCR_GPU_AUTOFALLBACK="false")
    cuda.always = fake_cuda.NO_CUDA_MEMORY
    document_id = backend.add_document(picture(), "NPWP")
    asked = len(cuda.runs)

    backend.enqueue(document_id)
    reason = wait_for_pause(app, backend)

    assert "CUDA failure 2: out of memory" in reason
    assert len(cuda.runs) == asked + 1
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_without_fallback_and_without_a_gpu_nothing_is_fetched(
    start: Callable[..., App], backend: FilotBackend, cuda: FakeCuda
) -> None:
    cuda.at_loading = fake_cuda.NO_DEVICE
    document_id = backend.add_document(picture(), "NPWP")
    backend.enqueue(document_id)

    app = start(OCR_GPU_AUTOFALLBACK="false")

    assert "no CUDA-capable device is detected" in wait_for_pause(app, backend)
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
    assert app.active_jobs.tokens() == []
