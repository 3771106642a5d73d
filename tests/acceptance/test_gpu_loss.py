"""A worker that loses its GPU works on, starts anew, and finds the GPU again."""

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker
from service.runtime.supervisor import EXIT_GPU_GONE
from tests.acceptance.test_main_job import small_picture
from tests.acceptance.test_supervision import processes, wait_until_ready_again
from tests.support.fake_cuda import FAILED, GONE


class WorkerWithGpu(Worker):
    """The worker on a machine whose GPU fails once."""

    def command(self) -> list[str]:
        """As `filot-ocr worker`."""
        return [sys.executable, "-m", "tests.support.fake_gpu_worker", "worker"]


@pytest.fixture
def worker(
    request: pytest.FixtureRequest, stack: FilotStack, environment: dict[str, str], tmp_path: Path
) -> WorkerWithGpu:
    settings = {
        **environment,
        "OCR_GPU_DRIVER": "onnx",
        "OCR_GPU_ENABLED": "true",
        "OCR_GPU_AUTOFALLBACK": request.param,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        FAILED: str(tmp_path / "failed"),
    }
    return WorkerWithGpu(stack.sandbox, settings, name=f"worker-{tmp_path.name}")


def read(backend: FilotBackend, name: str) -> dict[str, Any]:
    with backend.listen() as channel:
        backend.enqueue(backend.add_document(small_picture(name), "NPWP"))
        (result,) = channel.wait_for(1)
    return result


@pytest.mark.parametrize("worker", ["false"], indirect=True)
def test_without_fallback_the_document_waits_for_the_process_that_has_the_gpu_again(
    worker: WorkerWithGpu, backend: FilotBackend
) -> None:
    worker.start()

    result = read(backend, "BUDI")
    worker.terminate()

    assert (result["success"], result["gpuProcessed"]) == (True, True)
    assert worker.exit_code(timeout=60) == 0
    log = worker.log.read_text()
    assert log.count("gpu_restart") == 1
    assert "CUDA failure 700" in log


@pytest.mark.parametrize("worker", ["true"], indirect=True)
def test_a_worker_whose_gpu_is_lost_starts_anew_and_uses_it_again(
    worker: WorkerWithGpu, backend: FilotBackend
) -> None:
    worker.start()
    (reader,) = [pid for pid, child in processes(worker).items() if not child.children()]

    during = read(backend, "BUDI")
    wait_until_ready_again(worker, reader)
    after = read(backend, "SITI")
    ready = worker.get("/ready")
    worker.terminate()

    assert (during["success"], during["gpuProcessed"]) == (True, False)
    assert (after["success"], after["gpuProcessed"]) == (True, True)
    assert ready == HTTPStatus.OK
    assert worker.exit_code(timeout=60) == 0
    log = worker.log.read_text()
    assert log.count("gpu_restart") == 1
    assert "CUDA failure 700" in log


@pytest.mark.parametrize("worker", ["true"], indirect=True)
def test_a_worker_whose_gpu_does_not_come_back_reads_on_the_cpu_and_ends_when_idle(
    worker: WorkerWithGpu, backend: FilotBackend
) -> None:
    worker.environment = {**(worker.environment or {}), GONE: "1"}
    worker.start()

    result = read(backend, "BUDI")
    code = worker.exit_code(timeout=120)

    assert (result["success"], result["gpuProcessed"]) == (True, False)
    assert code == EXIT_GPU_GONE
    log = worker.log.read_text()
    assert log.count("gpu_gone") == 1
    assert '"exit_code": 75' in log
    assert backend.redis.keys("filot:ocr:gpu:worker:*") == []
