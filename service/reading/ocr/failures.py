"""What ONNX Runtime's complaints about a GPU mean: no memory, a context that is lost, or one bad input.

Its exceptions have no common base below ``Exception`` and no codes, so their texts decide.
"""

import re

from service.errors import DeviceError, DeviceLostError, DeviceRefusalError


class OutOfMemoryError(DeviceRefusalError):
    """There is not enough GPU memory for a batch of this size; for a smaller one there may be."""


#: The arena's own words, the allocator's below it, and those of the libraries that allocate for themselves.
_OUT_OF_MEMORY = re.compile(
    r"BFCArena.*(Failed to allocate memory|Available memory of)|CUDA failure 2:|ALLOC(ATION)?_FAILED"
)

#: A call of CUDA or of one of its libraries failed, as `cuda_call.cc` words it.
_CUDA_FAILURE = re.compile(r"(CUDA|CUDNN|CUDNN_FE|CUBLAS|CUFFT|CURAND) failure -?\d+: ?[^;]*")

#: The codes after which a context never works again ("sticky" errors of the CUDA runtime's `cudaError_t`):
#: 214 ECC, 220 NVLink, 700 to 720 illegal accesses, time-outs and launch failures, 999 unknown.
_LOST = re.compile(r"CUDA failure (214|220|7[01]\d|720|999):")


def while_running(error: Exception) -> DeviceError:
    """Sort an error of a run on the GPU.

    Any failure of CUDA but a lack of memory counts as a lost context: one that goes on after such a failure
    may return wrong text without an error.
    """
    text = _first_line(error)
    if _OUT_OF_MEMORY.search(text):
        return OutOfMemoryError(f"the GPU has too little memory: {_gist(text)}")
    if _CUDA_FAILURE.search(text):
        return DeviceLostError(f"the GPU's context is lost: {_gist(text)}")
    return DeviceRefusalError(f"running the model failed: {type(error).__name__}: {_gist(text)}")


def while_loading(error: Exception) -> DeviceError:
    """Sort an error of placing a model on the GPU: a context may be lost before, by this process."""
    text = _first_line(error)
    if _LOST.search(text):
        return DeviceLostError(f"the GPU's context is lost: {_gist(text)}")
    return DeviceError(f"loading the model failed: {type(error).__name__}: {_gist(text)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _gist(text: str) -> str:
    """Return what CUDA said without the source files, functions and host names around it, else all of it."""
    found = _CUDA_FAILURE.search(text)
    return (found[0] if found else text.rpartition("WaitNotificationFn)")[2]).strip()
