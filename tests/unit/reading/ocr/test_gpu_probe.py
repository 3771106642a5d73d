"""Everything that can be missing is one sentence; nothing short of a computation counts as a GPU."""

import os
import sys

import onnxruntime
import pytest

from devstack.cards import Level, sample_cards
from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.engine import Page, PageText
from service.reading.ocr.gpu_probe import gpu_tuning, probe_gpu
from service.reading.ocr.loading import WARM_UP_TEXT, warm_up_page
from service.reading.ocr.onnx import OnnxEngine
from service.reading.pages import read_pages
from service.settings import Settings
from tests.support import fake_cuda, fake_nvml
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_nvml import FakeNvml

EXPECTED = "\n".join(WARM_UP_TEXT)

LEVELS: tuple[Level, ...] = ("flat", "photo", "poor")


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """The driver of a GPU that the settings ask for."""
    variables = {"OCR_GPU_ENABLED": "true", "OCR_GPU_DRIVER": "onnx", "NVIDIA_VISIBLE_DEVICES": "all"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return fake_nvml.install(monkeypatch)


@pytest.fixture
def cuda(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """The same with an ONNX Runtime that can use it."""
    return fake_cuda.install(monkeypatch)


def absence() -> str:
    with pytest.raises(DeviceError) as caught:
        probe_gpu(Settings(), EXPECTED)
    reason = str(caught.value)
    assert "\n" not in reason
    return reason


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("OCR_GPU_ENABLED", "false", "OCR_GPU_ENABLED is false"),
        ("NVIDIA_VISIBLE_DEVICES", "void", "NVIDIA_VISIBLE_DEVICES=void"),
        ("NVIDIA_VISIBLE_DEVICES", "none", "NVIDIA_VISIBLE_DEVICES=none"),
        ("OCR_GPU_DRIVER", "tesseract", "OCR_GPU_DRIVER=onnx"),
    ],
)
def test_settings_that_rule_a_gpu_out_are_named(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert reason in absence()


def test_a_missing_library_is_named(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert "nvidia-ml-py is missing" in absence()


def test_a_missing_driver_is_named(nvml: FakeNvml) -> None:
    nvml.failure = "Driver Not Loaded"

    assert absence() == "no usable NVIDIA driver or GPU: Driver Not Loaded"


def test_memory_taken_by_others_is_named(nvml: FakeNvml) -> None:
    nvml.free = 100 * 2**20

    assert "only 100 of 16384 MiB of GPU memory are free" in absence()
    assert nvml.opened == 0


def test_broken_memory_is_named(cuda: FakeCuda, nvml: FakeNvml) -> None:
    nvml.rows_pending = 1

    assert "faulty memory (ECC)" in absence()


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has CUDA, so its absence cannot be seen",
)
def test_a_runtime_built_without_cuda_is_noticed(nvml: FakeNvml) -> None:
    assert "built without CUDA: install this package with extra `gpu`" in absence()


def test_an_old_driver_is_named(cuda: FakeCuda, nvml: FakeNvml) -> None:
    nvml.cuda = 11040

    assert "knows CUDA up to 11.4" in absence()


def test_a_gpu_that_cuda_does_not_find_is_named(cuda: FakeCuda, nvml: FakeNvml) -> None:
    cuda.at_loading = fake_cuda.NO_DEVICE

    assert "CUDA failure 100: no CUDA-capable device is detected" in absence()
    assert nvml.opened == 0


def test_a_gpu_without_room_for_one_page_is_named(cuda: FakeCuda) -> None:
    cuda.room = 0

    assert "the GPU has too little memory" in absence()


def test_a_device_that_reads_other_text_is_not_trusted(cuda: FakeCuda, nvml: FakeNvml) -> None:
    cuda.wrong = True

    assert "different text" in absence()
    assert nvml.opened == 0


def test_a_gpu_that_reads_as_the_cpu_does_is_used(cuda: FakeCuda) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)

    page = gpu.read(warm_up_page())

    assert "\n".join(line.text for line in page.lines) == EXPECTED
    assert (page.device, gpu.device) == ("cuda", "cuda")
    gpu.close(DeviceError("the test is over"))


def test_every_shape_that_is_read_was_computed_before(cuda: FakeCuda) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)
    # Flat, photographed, and so poor that nearly every line is looked at again.
    cards = [card for level in LEVELS for card in sample_cards(2026, 1, level)]

    for card in cards:
        gpu.read(read_pages(card.content)[0])

    assert len(cuda.runs) > 10 * len(cards)
    assert set(cuda.runs) <= set(cuda.warmed)
    gpu.close(DeviceError("the test is over"))


def test_what_was_read_while_the_driver_reported_a_fault_is_not_returned(
    cuda: FakeCuda, nvml: FakeNvml
) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)
    nvml.xids.append(79)

    with pytest.raises(DeviceLostError, match="Xid 79"):
        gpu.read(warm_up_page())

    gpu.close(DeviceError("the test is over"))


def test_cuda_numbers_gpus_as_the_driver_that_watches_them(
    cuda: FakeCuda, nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

    gpu = probe_gpu(Settings(), EXPECTED)

    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert nvml.asked_for == 1
    gpu.close(DeviceError("the test is over"))


def test_what_was_read_while_another_job_lost_the_context_is_not_returned(
    cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)
    read = OnnxEngine.read

    def read_and_lose(engine: OnnxEngine, page: Page) -> PageText:
        text = read(engine, page)
        monkeypatch.undo()
        cuda.at_run[len(cuda.runs) + 1] = fake_cuda.ILLEGAL_ACCESS
        with pytest.raises(DeviceLostError):
            gpu.read(page)
        return text

    monkeypatch.setattr(OnnxEngine, "read", read_and_lose)

    with pytest.raises(DeviceLostError, match="CUDA failure 700"):
        gpu.read(warm_up_page())


def test_a_gpu_that_reads_otherwise_than_before_is_lost(cuda: FakeCuda) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)
    cuda.wrong = True

    with pytest.raises(DeviceLostError, match="different text"):
        gpu.check()

    gpu.close(DeviceError("the test is over"))


def test_a_page_too_large_for_the_gpu_leaves_it_in_order(cuda: FakeCuda) -> None:
    gpu = probe_gpu(Settings(), EXPECTED)
    cuda.room = 0
    with pytest.raises(DeviceRefusalError):
        gpu.read(warm_up_page())
    cuda.room = 1

    gpu.check()

    gpu.close(DeviceError("the test is over"))


def test_the_settings_reach_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "OCR_GPU_MAX_BATCH": "8",
        "OCR_GPU_MAX_WAIT": "5",
        "OCR_GPU_CUDNN_SEARCH": "EXHAUSTIVE",
        "OCR_GPU_MEMORY_LIMIT": "512",
        "OCR_GPU_ARENA": "kNextPowerOfTwo",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    tuning = gpu_tuning(Settings())

    assert (tuning.max_inputs, tuning.max_wait) == (8, 0.005)
    assert tuning.execution_provider() == (
        "CUDAExecutionProvider",
        {
            "device_id": 0,
            "cudnn_conv_algo_search": "EXHAUSTIVE",
            "arena_extend_strategy": "kNextPowerOfTwo",
            "gpu_mem_limit": 512 * 2**20,
        },
    )


def test_without_a_limit_the_runtime_is_told_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_GPU_MEMORY_LIMIT", "0")

    _, options = gpu_tuning(Settings()).execution_provider()

    assert "gpu_mem_limit" not in options
