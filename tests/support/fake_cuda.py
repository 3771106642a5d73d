"""ONNX Runtime on a machine that has a GPU, as far as it tells; the arithmetic is the CPU's.

Only its border is replaced, `onnxruntime.InferenceSession`. What fails, and when, a test says; the texts are
those of the real runtime.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

_CALL = (
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 std::conditional_t<THRW, void, "
    "onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const "
    "char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError] "
)
_RUN = "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. "
_ARENA = (
    "Name:'Conv.12' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* "
    "onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*, bool, "
    "onnxruntime::WaitNotificationFn) "
)
_WHERE = " ; GPU=0 ; hostname=worker-1 ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_stream.cc"

OUT_OF_MEMORY = _RUN + _ARENA + "Failed to allocate memory for requested buffer of size 285081600\n"
OVER_THE_LIMIT = _RUN + _ARENA + "Available memory of 0 is smaller than requested bytes of 135383040\n"
NO_CUDA_MEMORY = _CALL + "CUDA failure 2: out of memory" + _WHERE + " ; expr=cudaMalloc((void**)&p, size);"
NO_CUDNN_MEMORY = _CALL + "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED" + _WHERE
ILLEGAL_ACCESS = _CALL + "CUDA failure 700: an illegal memory access was encountered" + _WHERE
LAUNCH_FAILURE = _CALL + "CUDA failure 719: unspecified launch failure" + _WHERE
UNKNOWN = _CALL + "CUDA failure 999: unknown error" + _WHERE
CUDNN_FAILURE = _CALL + "CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED" + _WHERE
CUBLAS_FAILURE = _CALL + "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED" + _WHERE
NO_DEVICE = _CALL + "CUDA failure 100: no CUDA-capable device is detected" + _WHERE
EXIT_INPUT = (
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: x for the following "
    "indices\n index: 2 Got: 47 Expected: 48\n Please fix either the inputs/outputs or the model."
)

#: Pixels of a line's height, by which the networks' inputs are told from each other.
LINE_HEIGHT = 48

#: The variable that tells a fake worker the file whose being there says that its GPU failed already.
FAILED = "FAKE_GPU_FAILED"

#: Variable: once it has failed, the GPU does not come back.
GONE = "FAKE_GPU_GONE"


@dataclass
class FakeCuda:
    """What the runtime's CUDA does; changed by the test while the service runs."""

    #: Raised when a model is loaded.
    at_loading: str = ""
    #: Raised at runs by their number, from 1 on; warming up is not counted.
    at_run: dict[int, str] = field(default_factory=dict)
    #: Raised at a page of another size than the first one, which each probe reads again: at a document's.
    at_another_page: str = ""
    #: Called before a run fails.
    on_failure: Callable[[], None] = lambda: None
    #: Called before a shape is computed for the first time.
    on_warming_up: Callable[[], None] = lambda: None
    #: Raised at every run from now on.
    always: str = ""
    #: Inputs of a batch that still fit into memory.
    room: int = 1000
    #: Whether sessions quietly land on the CPU, as without CUDA's libraries.
    without_libraries: bool = False
    #: Whether it computes something else than the CPU.
    wrong: bool = False
    #: The shape of each run, warming up apart.
    runs: list[tuple[int, ...]] = field(default_factory=list)
    #: The same of warming up.
    warmed: list[tuple[int, ...]] = field(default_factory=list)

    def text_of_failure(self) -> str | None:
        """What the latest run fails with, if it does."""
        latest = self.runs[-1]
        is_page = latest[2] != LINE_HEIGHT
        of_another = self.at_another_page if is_page and latest != self.runs[0] else ""
        return self.always or of_another or self.at_run.get(len(self.runs))


class FakeSession:
    """A session on the GPU; a batch of zeros, as in warming up, is not computed."""

    def __init__(self, cuda: FakeCuda, real: Any) -> None:
        self._cuda = cuda
        self._real = real

    def run(self, names: None, feeds: dict[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
        (batch,) = feeds.values()
        if len(batch) > self._cuda.room:
            raise RuntimeException(OUT_OF_MEMORY)
        if not batch.any():
            self._cuda.on_warming_up()
            self._cuda.warmed.append(batch.shape)
            return []
        self._cuda.runs.append(batch.shape)
        text = self._cuda.text_of_failure()
        if text:
            self._cuda.on_failure()
            raise RuntimeException(text)
        outputs: list[npt.NDArray[Any]] = self._real.run(names, feeds)
        return [np.zeros_like(output) for output in outputs] if self._cuda.wrong else outputs

    def get_providers(self) -> list[str]:
        on_gpu = [] if self._cuda.without_libraries else ["CUDAExecutionProvider"]
        return [*on_gpu, "CPUExecutionProvider"]

    def get_inputs(self) -> Any:
        return self._real.get_inputs()

    def get_modelmeta(self) -> Any:
        return self._real.get_modelmeta()


def install(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """Put a GPU into this machine until the test ends."""
    cuda = FakeCuda()
    real_session = onnxruntime.InferenceSession

    def open_session(model: bytes, **options: Any) -> Any:
        first, *_ = options["providers"]
        if first[0] != "CUDAExecutionProvider":
            return real_session(model, **options)
        if cuda.at_loading:
            raise RuntimeException(cuda.at_loading)
        return FakeSession(cuda, real_session(model, **{**options, "providers": ["CPUExecutionProvider"]}))

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setitem(
        sys.modules, "onnxruntime.capi.build_and_package_info", SimpleNamespace(cuda_version="12.8")
    )
    return cuda
