"""Everything that can be missing is one sentence; nothing short of a computation counts as a GPU."""

import sys
from types import SimpleNamespace

import pytest

from service import gpu
from service.errors import DeviceError
from service.gpu import probe_gpu
from service.ocr.loading import load_engine, warm_up
from service.settings import Settings


class NVMLError(Exception):
    """As pynvml's."""


def fake_nvml(free: int = 8 * 1024**3, failure: str = "") -> SimpleNamespace:
    """The parts of pynvml that the probe calls."""

    def init() -> None:
        if failure:
            raise NVMLError(failure)

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(free=free),
    )


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a machine that has, as far as they go, a GPU."""
    variables = {"OCR_GPU_ENABLED": "true", "OCR_GPU_DRIVER": "onnx", "NVIDIA_VISIBLE_DEVICES": "all"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    return variables


def absence() -> str:
    with pytest.raises(DeviceError) as caught:
        probe_gpu(Settings(), expected="text")
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
    wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert reason in absence()


def test_a_missing_library_is_named(wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert "nvidia-ml-py is missing" in absence()


def test_a_missing_driver_is_named(wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(failure="Driver Not Loaded"))

    assert "Driver Not Loaded" in absence()


def test_memory_taken_by_others_is_named(wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(free=100 * 2**20))

    assert "only 100 MiB of GPU memory are free" in absence()


def test_a_runtime_built_without_cuda_is_noticed(wanted: dict[str, str]) -> None:
    assert "built without CUDA" in absence()


def test_a_device_that_reads_other_text_is_not_trusted(
    wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = load_engine("onnx")
    monkeypatch.setattr(gpu, "load_engine", lambda driver, device: on_cpu)

    assert "other text" in absence()
    assert probe_gpu(Settings(), expected=warm_up(on_cpu)) is on_cpu
