"""The installed ONNX Runtime build, and the CUDA libraries that it needs."""

import ctypes
import importlib
import mmap
import os
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import onnxruntime

from service.errors import DeviceError

#: Names of libraries of CUDA, cuDNN and the driver in the list of needed libraries of an ELF file.
_LIBRARY = re.compile(rb"\0(libcu[A-Za-z]+\.so\.\d+)(?=\0)")


def require_cuda() -> str:
    """Return the CUDA version that the installed ONNX Runtime is built for, such as ``12.8``.

    Raises:
        DeviceError: it is built without CUDA.
    """
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise DeviceError(
            f"the installed ONNX Runtime {onnxruntime.__version__} is built without CUDA: "
            "install this package with extra `gpu` in place of `cpu`"
        )
    return str(importlib.import_module("onnxruntime.capi.build_and_package_info").cuda_version)


def describe_build() -> str:
    """Return name and versions of the installed ONNX Runtime. Raises as ``require_cuda``."""
    return f"ONNX Runtime {onnxruntime.__version__} for CUDA {require_cuda()}"


def load_libraries() -> None:
    """Load CUDA and cuDNN from their wheels, which the system's loader does not search."""
    # Without such wheels ONNX Runtime would only print a line per library on standard output.
    if find_spec("nvidia") is not None:
        onnxruntime.preload_dlls()


def use_driver_order() -> None:
    """Make CUDA number GPUs as the driver does, by PCI bus; its default order is the fastest first."""
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"


def missing_libraries() -> list[str]:
    """Return the libraries of CUDA and the driver that ONNX Runtime needs and the loader cannot find.

    ONNX Runtime's CUDA provider is only parsed, not loaded: loaded outside of its host it would stay broken.
    """
    return [name for name in _needed_libraries() if not _can_load(name)]


@lru_cache(maxsize=1)
def _needed_libraries() -> list[str]:
    provider = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    with provider.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sorted({name.decode() for name in _LIBRARY.findall(content)})


def _can_load(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
