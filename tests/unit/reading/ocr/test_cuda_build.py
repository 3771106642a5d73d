"""The real CUDA build of ONNX Runtime without CUDA; skipped where `make test-cuda` did not bring it."""

import ctypes

import onnxruntime
import pytest
from structlog.testing import capture_logs

from service.errors import DeviceError
from service.reading.ocr.cuda import describe_build, missing_libraries
from service.reading.ocr.devices import Devices
from service.reading.ocr.loading import WARM_UP_TEXT, warm_up_page
from service.reading.ocr.sessions import load_network
from service.settings import Settings
from tests.support import fake_nvml

if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
    pytest.skip(
        "this ONNX Runtime is built without CUDA; `make test-cuda` tests the one with it",
        allow_module_level=True,
    )


def has_cuda() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(has_cuda(), reason="this machine has NVIDIA's driver")


def test_a_session_that_slides_to_the_cpu_is_refused_and_the_missing_libraries_are_named() -> None:
    with pytest.raises(DeviceError, match="placed the model on the CPU; missing: ") as caught:
        load_network("direction", "cuda")

    assert "libcuda.so.1" in str(caught.value)
    assert describe_build() in str(caught.value)


def test_the_runtime_itself_says_cuda_where_there_is_none_and_computes_on_the_cpu() -> None:
    """What the test above guards against; when this fails, the runtime has become honest."""
    model = load_network("direction", "cpu").session
    assert model.get_providers() == ["CPUExecutionProvider"]

    assert onnxruntime.get_device() == "GPU"
    assert "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def test_a_worker_whose_driver_seems_sound_notices_and_reads_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"OCR_GPU_ENABLED": "true", "OCR_GPU_DRIVER": "onnx"}.items():
        monkeypatch.setenv(name, value)
    driver = fake_nvml.install(monkeypatch)
    devices = Devices(Settings())

    with capture_logs() as lines:
        devices.probe()
    page = devices.engine(None).read(warm_up_page())

    assert not devices.gpu_available
    assert not devices.gpu_lost
    assert "placed the model on the CPU; missing: libcublas" in devices.gpu_absence
    assert (page.device, [line.text for line in page.lines]) == ("cpu", list(WARM_UP_TEXT))
    assert driver.opened == 0
    assert [line["reason"] for line in lines] == [devices.gpu_absence]
    # Standard output is CloudWatch's: the runtime, too, complains elsewhere.
    assert capfd.readouterr().out == ""


def test_only_libraries_that_cannot_be_loaded_count_as_missing() -> None:
    missing = missing_libraries()

    assert "libcuda.so.1" in missing
    assert all(name.startswith("libcu") for name in missing)


def test_the_build_is_named_with_its_cuda() -> None:
    assert describe_build().startswith(f"ONNX Runtime {onnxruntime.__version__} for CUDA 1")
