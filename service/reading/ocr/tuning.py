"""GPU options: batching, and ONNX Runtime's options for CUDA."""

from dataclasses import dataclass
from typing import Any

from service.settings import Arena, CudnnSearch


@dataclass(frozen=True, slots=True)
class GpuTuning:
    """Options that an operator may set; none of them changes what is read."""

    #: Largest number of inputs (lines or pages) in a batch.
    max_inputs: int = 16
    #: Seconds that an input waits at most for others while the GPU is idle.
    max_wait: float = 0.002
    #: ``cudnn_conv_algo_search``: how an algorithm is chosen for each convolution of each new shape. The
    #: heuristic answers at once; an exhaustive search takes seconds.
    search: CudnnSearch = "HEURISTIC"
    #: ``arena_extend_strategy``: grow by the requested size, or by doubling. Other processes may share the
    #: GPU.
    arena: Arena = "kSameAsRequested"
    #: ``gpu_mem_limit``: limit in bytes for the arena of each of the three networks; None for no limit.
    memory_limit: int | None = None

    def execution_provider(self) -> tuple[str, dict[str, Any]]:
        """Return ONNX Runtime's execution provider with its options."""
        options = {
            "device_id": 0,
            "arena_extend_strategy": self.arena,
            "cudnn_conv_algo_search": self.search,
            **({} if self.memory_limit is None else {"gpu_mem_limit": self.memory_limit}),
        }
        return "CUDAExecutionProvider", options


#: Defaults.
DEFAULT_TUNING = GpuTuning()
