"""How the GPU is used: how inputs are put together, and ONNX Runtime's options for CUDA."""

from dataclasses import dataclass
from typing import Any

from service.settings import Arena, CudnnSearch


@dataclass(frozen=True, slots=True)
class GpuTuning:
    """What an operator may set; none of it changes what is read."""

    #: Inputs, lines or pages, that are computed together at most.
    max_inputs: int = 16
    #: s that an input waits at most for others while the GPU is free.
    max_wait: float = 0.002
    #: ``cudnn_conv_algo_search``: how an algorithm is chosen for each convolution of each new shape. The
    #: heuristic one answers at once; an exhaustive one tries them all, for seconds.
    search: CudnnSearch = "HEURISTIC"
    #: ``arena_extend_strategy``: grow by what is asked for, or by doubling. Others may share the GPU.
    arena: Arena = "kSameAsRequested"
    #: ``gpu_mem_limit``: bytes that the arena of each of the three networks may hold; None: all that is free.
    memory_limit: int | None = None

    def as_provider(self) -> tuple[str, dict[str, Any]]:
        """Return the options as ONNX Runtime takes them."""
        options = {
            "device_id": 0,
            "arena_extend_strategy": self.arena,
            "cudnn_conv_algo_search": self.search,
            **({} if self.memory_limit is None else {"gpu_mem_limit": self.memory_limit}),
        }
        return "CUDAExecutionProvider", options


#: What holds where nothing else is set.
DEFAULT_TUNING = GpuTuning()
