"""Classifies ONNX Runtime's GPU errors: out of memory, lost context, or one bad input.

Its exceptions have no common base class below ``Exception`` and no codes, so the message text decides.
"""

import re

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError


class OutOfMemoryError(DeviceRefusalError):
    """Not enough GPU memory for a batch of this size; a smaller one may fit."""


#: Messages of the arena, of the allocator below it, and of libraries that allocate memory themselves.
_OUT_OF_MEMORY = re.compile(
    r"BFCArena.*(Failed to allocate memory|Available memory of)|CUDA failure 2:|ALLOC(ATION)?_FAILED"
)

#: A failed call of CUDA or one of its libraries, in the format of ONNX Runtime's `cuda_call.cc`.
_CUDA_FAILURE = re.compile(r"(CUDA|CUDNN|CUDNN_FE|CUBLAS|CUFFT|CURAND) failure -?\d+: ?[^;]*")

#: Codes after which a CUDA context never works again ("sticky" errors of the CUDA runtime's `cudaError_t`):
#: 214 ECC, 220 NVLink, 700 to 720 illegal accesses, timeouts and launch failures, 999 unknown.
_LOST = re.compile(r"CUDA failure (214|220|7[01]\d|720|999):")


def classify_run_error(error: Exception) -> DeviceError:
    """Classify an error of running a model on the GPU.

    Every CUDA failure except for a lack of memory counts as a lost context: a context that keeps running
    after such a failure may return wrong text without an error.
    """
    text = _first_line(error)
    if _OUT_OF_MEMORY.search(text):
        return OutOfMemoryError(f"the GPU has too little memory: {_cuda_message(text)}")
    if _CUDA_FAILURE.search(text):
        return DeviceLostError(f"the GPU's context is lost: {_cuda_message(text)}")
    return DeviceRefusalError(f"running the model failed: {type(error).__name__}: {_cuda_message(text)}")


def classify_load_error(error: Exception) -> DeviceError:
    """Classify an error of loading a model; this process may have lost the context before."""
    text = _first_line(error)
    if _LOST.search(text):
        return DeviceLostError(f"the GPU's context is lost: {_cuda_message(text)}")
    return DeviceError(f"loading the model failed: {type(error).__name__}: {_cuda_message(text)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _cuda_message(text: str) -> str:
    """Return CUDA's own message without source files, functions and host names; the full text if none."""
    found = _CUDA_FAILURE.search(text)
    return (found[0] if found else text.rpartition("WaitNotificationFn)")[2]).strip()
