import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError
from service.reading.ocr.failures import OutOfMemoryError, classify_load_error, classify_run_error
from tests.support import fake_cuda


@pytest.mark.parametrize(
    "text",
    [
        fake_cuda.OUT_OF_MEMORY,
        fake_cuda.OVER_THE_LIMIT,
        fake_cuda.NO_CUDA_MEMORY,
        fake_cuda.NO_CUDNN_MEMORY,
    ],
)
def test_a_lack_of_memory_is_no_fault_of_the_gpu(text: str) -> None:
    error = classify_run_error(RuntimeException(text))

    assert isinstance(error, OutOfMemoryError)
    assert isinstance(error, DeviceRefusalError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (fake_cuda.ILLEGAL_ACCESS, "CUDA failure 700: an illegal memory access was encountered"),
        (fake_cuda.LAUNCH_FAILURE, "CUDA failure 719: unspecified launch failure"),
        (fake_cuda.UNKNOWN, "CUDA failure 999: unknown error"),
        (fake_cuda.CUDNN_FAILURE, "CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED"),
        (fake_cuda.CUBLAS_FAILURE, "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED"),
    ],
)
def test_any_other_failure_of_cuda_means_that_its_context_is_lost(text: str, said: str) -> None:
    error = classify_run_error(RuntimeException(text))

    assert isinstance(error, DeviceLostError)
    assert str(error) == f"the GPU's context is lost: {said}"


def test_an_input_that_the_model_does_not_take_concerns_nobody_else() -> None:
    error = classify_run_error(RuntimeException(fake_cuda.EXIT_INPUT))

    assert isinstance(error, DeviceRefusalError)
    assert not isinstance(error, OutOfMemoryError)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (fake_cuda.NO_DEVICE, False),
        (fake_cuda.OUT_OF_MEMORY, False),
        (fake_cuda.ILLEGAL_ACCESS, True),
        (fake_cuda.UNKNOWN, True),
    ],
)
def test_a_model_that_cannot_be_loaded_is_a_missing_gpu_unless_the_process_is_to_blame(
    text: str, lost: bool
) -> None:
    error = classify_load_error(RuntimeException(text))

    assert isinstance(error, DeviceError)
    assert isinstance(error, DeviceLostError) is lost
    assert "\n" not in str(error)
    assert "hostname" not in str(error)
