"""The real CUDA build of ONNX Runtime without CUDA; skipped where the build for CPUs is installed."""

import ctypes

import onnxruntime
import pytest

from service.errors import DeviceError
from service.ocr.cuda import describe_build, missing_libraries
from service.ocr.sessions import load_network


def has_cuda() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(
        "CUDAExecutionProvider" not in onnxruntime.get_available_providers(),
        reason="this ONNX Runtime is built without CUDA",
    ),
    pytest.mark.skipif(has_cuda(), reason="this machine has NVIDIA's driver"),
]


def test_a_session_that_slides_to_the_cpu_is_refused_and_the_missing_libraries_are_named() -> None:
    with pytest.raises(DeviceError, match="placed the model on the CPU; missing: ") as caught:
        load_network("direction", "cuda")

    assert "libcuda.so.1" in str(caught.value)
    assert describe_build() in str(caught.value)


def test_only_libraries_that_cannot_be_loaded_count_as_missing() -> None:
    missing = missing_libraries()

    assert "libcuda.so.1" in missing
    assert all(name.startswith("libcu") for name in missing)


def test_the_build_is_named_with_its_cuda() -> None:
    assert describe_build().startswith(f"ONNX Runtime {onnxruntime.__version__} for CUDA 1")
