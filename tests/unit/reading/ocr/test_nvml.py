"""What NVIDIA's driver says of the GPU, one sentence each."""

from pathlib import Path

import pytest

from service.errors import DeviceError, DeviceLostError
from service.reading.ocr.nvml import DriverView
from tests.support import fake_nvml
from tests.support.fake_nvml import FakeNvml


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    return fake_nvml.install(monkeypatch)


def test_a_sound_gpu_passes_every_check(nvml: FakeNvml) -> None:
    view = DriverView()

    view.check_driver("12.8")
    view.check_memory(2**30)
    view.check_repairs()
    view.check_healthy()

    assert view.describe() == "Fake GPU, driver 550.54"


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has NVIDIA's driver")
def test_the_real_library_without_a_driver_is_no_gpu() -> None:
    with pytest.raises(DeviceError, match="no usable NVIDIA driver or GPU: NVML Shared Library Not Found"):
        DriverView()


def test_a_driver_that_is_too_old_for_the_runtime_is_named(nvml: FakeNvml) -> None:
    nvml.cuda = 11040

    with pytest.raises(DeviceError, match=r"driver 550\.54 knows CUDA up to 11\.4, .* built for 12\.8"):
        DriverView().check_driver("12.8")


def test_memory_taken_by_others_is_named(nvml: FakeNvml) -> None:
    nvml.free = 100 * 2**20

    with pytest.raises(DeviceError, match="only 100 of 16384 MiB of GPU memory are free, 1024 are needed"):
        DriverView().check_memory(2**30)


def test_memory_that_waits_for_a_reset_rules_a_gpu_out(nvml: FakeNvml) -> None:
    nvml.rows_pending = 1

    with pytest.raises(DeviceError, match="must be reset or replaced"):
        DriverView().check_repairs()


def test_a_fault_that_the_driver_reports_is_never_forgotten(nvml: FakeNvml) -> None:
    view = DriverView()
    nvml.xids.append(79)

    for _ in range(2):
        with pytest.raises(DeviceLostError, match=r"\(Xid 79\)"):
            view.check_healthy()


@pytest.mark.parametrize("xid", [13, 31, 43, 45, 68, 109])
def test_the_mistake_of_another_application_is_no_fault_of_the_gpu(nvml: FakeNvml, xid: int) -> None:
    view = DriverView()
    nvml.xids.append(xid)

    view.check_healthy()

    assert nvml.xids == []


def test_memory_that_loses_its_content_is_a_fault_and_old_losses_are_not(nvml: FakeNvml) -> None:
    nvml.ecc_errors = 3
    view = DriverView()
    view.check_healthy()
    nvml.ecc_errors = 4

    with pytest.raises(DeviceLostError, match="uncorrectable ECC error"):
        view.check_healthy()


def test_a_gpu_that_falls_off_the_bus_is_lost(nvml: FakeNvml) -> None:
    view = DriverView()
    nvml.failure = "GPU is lost"

    with pytest.raises(DeviceLostError, match="stopped answering: GPU is lost"):
        view.check_healthy()


def test_what_a_gpu_does_not_support_is_not_held_against_it(nvml: FakeNvml) -> None:
    nvml.unsupported = (
        "nvmlDeviceGetTotalEccErrors",
        "nvmlDeviceGetRemappedRows",
        "nvmlDeviceGetRetiredPagesPendingStatus",
        "nvmlDeviceRegisterEvents",
    )
    nvml.xids.append(79)
    view = DriverView()

    view.check_repairs()
    view.check_healthy()

    assert nvml.xids == [79]


@pytest.mark.parametrize(
    ("visible", "asked_for"),
    [(None, 0), ("2", 2), ("3,1", 3), ("GPU-8932f937-d72c", "GPU-8932f937-d72c"), ("MIG-1c8b,1", "MIG-1c8b")],
)
def test_of_several_gpus_the_one_that_cuda_uses_is_watched(
    nvml: FakeNvml, visible: str | None, asked_for: int | str
) -> None:
    DriverView(visible).check_healthy()

    assert nvml.asked_for == asked_for


@pytest.mark.parametrize("visible", ["-1", "none", ",1"])
def test_a_variable_that_hides_every_gpu_is_named(nvml: FakeNvml, visible: str) -> None:
    with pytest.raises(DeviceError, match=f"CUDA_VISIBLE_DEVICES={visible} hides every GPU"):
        DriverView(visible)

    assert nvml.opened == 0


def test_a_gpu_that_is_not_there_is_named(nvml: FakeNvml) -> None:
    nvml.unsupported = ("nvmlDeviceGetHandleByIndex",)

    with pytest.raises(DeviceError, match="no usable NVIDIA driver or GPU"):
        DriverView("7")

    assert nvml.opened == 0


def test_a_view_that_is_closed_leaves_the_library_as_it_was(nvml: FakeNvml) -> None:
    view = DriverView()

    view.close()
    view.close()

    assert nvml.opened == 0
    view.check_healthy()
