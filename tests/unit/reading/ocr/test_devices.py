"""Which engine reads, and what a failure of the GPU changes about that."""

import pytest

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.devices import Devices
from service.reading.ocr.loading import warm_up_page
from service.settings import Settings
from tests.support import fake_cuda, fake_nvml
from tests.support.fake_cuda import FakeCuda


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    for name, value in {"OCR_GPU_ENABLED": "true", "OCR_GPU_DRIVER": "onnx"}.items():
        monkeypatch.setenv(name, value)
    fake_nvml.install(monkeypatch)
    return fake_cuda.install(monkeypatch)


@pytest.fixture
def devices(cuda: FakeCuda) -> Devices:
    """Engines of a process that found a GPU."""
    devices = Devices(Settings())
    devices.probe()
    assert devices.gpu_available
    return devices


def test_the_gpu_reads_unless_a_job_wants_the_cpu(devices: Devices) -> None:
    assert devices.engine(None).device == "cuda"
    assert devices.engine("cpu").device == "cpu"
    assert devices.gpu_absence == ""
    devices.close()


def test_a_document_that_may_not_be_read_on_the_cpu_is_not_when_the_gpu_fails_after_its_take(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_GPU_AUTOFALLBACK", "false")
    devices.settings = Settings()

    devices.document_failed(DeviceLostError("CUDA failure 719"))

    with pytest.raises(DeviceError, match="CUDA failure 719"):
        devices.engine(None)


@pytest.mark.parametrize(("fallback", "in_use"), [("true", True), ("false", False)])
def test_a_gpu_that_cannot_take_one_document_stays_in_use_where_the_cpu_takes_it(
    devices: Devices, monkeypatch: pytest.MonkeyPatch, fallback: str, in_use: bool
) -> None:
    monkeypatch.setenv("OCR_GPU_AUTOFALLBACK", fallback)
    devices.settings = Settings()

    devices.document_failed(DeviceRefusalError("the GPU has too little memory"))

    assert devices.gpu_available is in_use
    devices.close()


def test_a_gpu_that_failed_comes_back_with_the_next_probe(devices: Devices) -> None:
    devices.gpu_failed(DeviceError("the GPU's thread ended"))

    assert devices.engine(None).device == "cpu"
    assert devices.gpu_absence == "the GPU's thread ended"

    devices.probe()

    assert devices.engine(None).device == "cuda"
    devices.close()


def test_a_lost_context_is_not_asked_again_by_this_process(devices: Devices, cuda: FakeCuda) -> None:
    gpu = devices.engine(None)
    cuda.at_run[len(cuda.runs) + 1] = fake_cuda.ILLEGAL_ACCESS
    with pytest.raises(DeviceLostError) as caught:
        gpu.read(warm_up_page())
    devices.gpu_failed(caught.value)
    asked = len(cuda.runs)

    devices.probe()

    assert devices.gpu_lost
    assert devices.engine(None).device == "cpu"
    assert "CUDA failure 700" in devices.gpu_absence
    with pytest.raises(DeviceLostError):
        gpu.read(warm_up_page())
    assert len(cuda.runs) == asked


def test_a_probe_notices_a_gpu_that_went_wrong_without_an_error(devices: Devices, cuda: FakeCuda) -> None:
    cuda.wrong = True

    devices.probe()

    assert devices.gpu_lost
    assert "different text" in devices.gpu_absence
    assert devices.engine(None).device == "cpu"


def test_the_first_of_several_failures_is_the_one_that_is_told(devices: Devices) -> None:
    gpu = devices.engine(None)
    devices.gpu_failed(DeviceLostError("CUDA failure 719"))

    with pytest.raises(DeviceLostError, match="CUDA failure 719"):
        gpu.read(warm_up_page())

    assert devices.gpu_absence == "CUDA failure 719"


def test_a_gpu_that_fails_before_it_ever_computed_is_absent_and_not_lost(cuda: FakeCuda) -> None:
    cuda.at_loading = fake_cuda.UNKNOWN
    devices = Devices(Settings())
    devices.probe()
    assert "CUDA failure 999" in devices.gpu_absence
    assert not devices.gpu_lost
    cuda.at_loading = ""

    devices.probe()

    assert devices.gpu_available
    devices.close()


def test_a_process_that_cannot_load_the_models_again_has_lost_the_gpu(
    devices: Devices, cuda: FakeCuda
) -> None:
    devices.gpu_failed(DeviceError("the GPU's thread ended"))
    cuda.at_loading = fake_cuda.ILLEGAL_ACCESS

    devices.probe()

    assert devices.gpu_lost
