"""Log, `status` and `/ready` give the same reason why no GPU is in use."""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from structlog.testing import capture_logs

from devstack.servers import FilotStack
from service import api, settings
from service.monitoring.heartbeat import Heartbeat
from service.reading.ocr import sessions
from service.runtime.app import App
from tests.support import fake_cuda
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_nvml import FakeNvml
from tests.support.health_port import ask

VOID = {"NVIDIA_VISIBLE_DEVICES": "void"}


class Machine:
    """A machine with a working GPU; each method removes something that it needs."""

    def __init__(self, cuda: FakeCuda, nvml: FakeNvml, patch: pytest.MonkeyPatch) -> None:
        self.cuda = cuda
        self.nvml = nvml
        self.patch = patch

    def nothing(self) -> None:
        """Remove nothing."""

    def without_extra(self) -> None:
        self.patch.setitem(sys.modules, "pynvml", None)

    def without_driver(self) -> None:
        self.nvml.failure = "Driver Not Loaded"

    def with_an_old_driver(self) -> None:
        self.nvml.cuda = 11040

    def with_full_memory(self) -> None:
        self.nvml.free = 100 * 2**20

    def with_the_runtime_for_cpus(self) -> None:
        self.patch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    def without_cuda_libraries(self) -> None:
        self.cuda.without_libraries = True
        # Which ones is found out with the real build only: `make test-cuda`.
        self.patch.setattr(sessions, "missing_libraries", lambda: ["libcudart.so.12"])

    def with_a_gpu_that_cuda_does_not_find(self) -> None:
        self.cuda.at_loading = fake_cuda.NO_DEVICE

    def with_a_gpu_that_reads_wrongly(self) -> None:
        self.cuda.wrong = True


@pytest.fixture
def machine(cuda: FakeCuda, nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(cuda, nvml, monkeypatch)


def status(app: App) -> str:
    """The reason in `filot-ocr status`, after a heartbeat."""
    client = app.document_queue.client
    Heartbeat(client, app.active_jobs, app.devices, app.publisher, gpu_enabled=True).beat()
    settings.current_settings.cache_clear()
    api._document_queue.cache_clear()
    said = api.get_gpu_worker_status()
    assert said.is_gpu_available is (said.gpu_absence == "")
    return said.gpu_absence


def ready_once_sampled(port: int) -> tuple[int, dict[str, Any]]:
    """What `/ready` answers once the scheduler has sampled both servers."""
    while True:
        code, said = ask(port, "/ready")
        if not any("not been polled yet" in problem for problem in said["problems"]):
            return code, said


@pytest.mark.parametrize(
    ("change", "variables", "sentence"),
    [
        (Machine.nothing, {"OCR_GPU_ENABLED": "false"}, "OCR_GPU_ENABLED is false"),
        (Machine.nothing, VOID, "NVIDIA_VISIBLE_DEVICES=void hides every GPU"),
        pytest.param(
            Machine.nothing,
            {"OCR_GPU_DRIVER": "tesseract"},
            "Tesseract has no GPU mode: set OCR_GPU_DRIVER=onnx",
            marks=pytest.mark.programs("tesseract"),
        ),
        (Machine.nothing, {"CUDA_VISIBLE_DEVICES": "-1"}, "CUDA_VISIBLE_DEVICES=-1 hides every GPU"),
        (Machine.without_extra, {}, "nvidia-ml-py is missing, install extra `gpu`"),
        (Machine.without_driver, {}, "no usable NVIDIA driver or GPU: Driver Not Loaded"),
        (Machine.with_an_old_driver, {}, "the NVIDIA driver 550.54 knows CUDA up to 11.4"),
        (Machine.with_full_memory, {}, "only 100 of 16384 MiB of GPU memory are free"),
        (Machine.with_the_runtime_for_cpus, {}, "is built without CUDA: install this package with extra"),
        (Machine.without_cuda_libraries, {}, "placed the model on the CPU; missing: libcudart.so.12"),
        (Machine.with_a_gpu_that_cuda_does_not_find, {}, "CUDA failure 100: no CUDA-capable device"),
        (Machine.with_a_gpu_that_reads_wrongly, {}, "the GPU and the CPU read different text"),
    ],
)
def test_log_status_and_ready_give_the_same_reason(
    start: Callable[..., App],
    stack: FilotStack,
    machine: Machine,
    change: Callable[[Machine], None],
    variables: dict[str, str],
    sentence: str,
) -> None:
    change(machine)
    port = stack.sandbox.reserve_port()

    with capture_logs() as lines:
        app = start(OCR_GPU_HEALTH_PORT=str(port), **variables)

    (line,) = [line for line in lines if line["event"] == "gpu_not_in_use"]
    assert sentence in line["reason"]
    assert line["log_level"] == ("info" if "OCR_GPU_ENABLED" in variables else "warning")
    assert status(app) == line["reason"]
    assert ready_once_sampled(port) == (
        HTTPStatus.OK,
        {"status": "ok", "problems": [], "gpu": line["reason"]},
    )


def test_without_fallback_the_reason_is_a_problem(
    start: Callable[..., App], stack: FilotStack, machine: Machine
) -> None:
    machine.without_driver()
    port = stack.sandbox.reserve_port()

    start(OCR_GPU_HEALTH_PORT=str(port), OCR_GPU_AUTOFALLBACK="false")

    missing = "no usable NVIDIA driver or GPU: Driver Not Loaded"
    pause = f"no GPU ({missing}) and OCR_GPU_AUTOFALLBACK is false"
    assert ready_once_sampled(port) == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"status": "failing", "problems": [pause], "gpu": missing},
    )


def test_a_gpu_in_use_is_reported_too(start: Callable[..., App], stack: FilotStack, machine: Machine) -> None:
    port = stack.sandbox.reserve_port()

    with capture_logs() as lines:
        app = start(OCR_GPU_HEALTH_PORT=str(port))

    assert [line["event"] for line in lines if line["event"].startswith("gpu_")] == ["gpu_in_use"]
    assert ready_once_sampled(port) == (HTTPStatus.OK, {"status": "ok", "problems": [], "gpu": "in use"})
    assert status(app) == ""


def test_the_worker_is_not_ready_before_the_gpu_has_computed_every_shape(
    start: Callable[..., App], stack: FilotStack, machine: Machine
) -> None:
    port = stack.sandbox.reserve_port()
    seen: list[tuple[int, dict[str, object]]] = []
    machine.cuda.on_warming_up = lambda: seen.append(ask(port, "/ready")) if not seen else None

    start(OCR_GPU_HEALTH_PORT=str(port))

    ((code, said),) = seen
    assert code == HTTPStatus.SERVICE_UNAVAILABLE
    assert said["problems"] == ["the OCR engine is warming up"]
    assert ready_once_sampled(port)[0] == HTTPStatus.OK
