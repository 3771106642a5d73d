"""Which ONNX Runtime is installed, and what keeps it from using CUDA."""

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

#: Names of CUDA's, cuDNN's and the driver's libraries as an ELF file holds those that it needs.
_LIBRARY = re.compile(rb"\0(libcu[A-Za-z]+\.so\.\d+)(?=\0)")


def require_cuda() -> str:
    """Return the CUDA that the installed ONNX Runtime is built for, such as ``12.8``.

    Raises:
        DeviceError: it is built without.
    """
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise DeviceError(
            f"the installed ONNX Runtime {onnxruntime.__version__} is built without CUDA: "
            "install this package with extra `gpu` in place of `cpu`"
        )
    return str(importlib.import_module("onnxruntime.capi.build_and_package_info").cuda_version)


def describe_build() -> str:
    """Return the name of the installed ONNX Runtime. Raises as ``require_cuda``."""
    return f"ONNX Runtime {onnxruntime.__version__} for CUDA {require_cuda()}"


def load_libraries() -> None:
    """Make CUDA and cuDNN known where they lie in wheels, in which the system's loader does not look."""
    # Without such wheels ONNX Runtime would only print a line for each library on standard output.
    if find_spec("nvidia") is not None:
        onnxruntime.preload_dlls()


def number_as_driver() -> None:
    """Let CUDA number GPUs as their driver does; its own order, the fastest first, is another one."""
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"


def missing_libraries() -> list[str]:
    """Return the libraries of CUDA and the driver that ONNX Runtime needs and the loader does not find.

    ONNX Runtime's own part for CUDA is only looked at: loaded without its host, it would stay broken.
    """
    return [name for name in _needed_libraries() if not _loads(name)]


@lru_cache(maxsize=1)
def _needed_libraries() -> list[str]:
    provider = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    with provider.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sorted({name.decode() for name in _LIBRARY.findall(content)})


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
