"""Instance types that a worker can run on, and the task sizes that fit them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstanceType:
    """Size of an EC2 instance with one NVIDIA GPU."""

    vcpus: int
    memory_gib: int
    gpu: str


_SIZES = {
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
    "4xlarge": (16, 64),
    "8xlarge": (32, 128),
    "16xlarge": (64, 256),
}
_GPUS = {"g4dn": "T4", "g5": "A10G", "g6": "L4"}

#: x86-64 types with exactly one GPU: one task per instance, so the instance count is the worker count.
INSTANCE_TYPES: Mapping[str, InstanceType] = {
    f"{family}.{size}": InstanceType(vcpus, memory, gpu)
    for family, gpu in _GPUS.items()
    for size, (vcpus, memory) in _SIZES.items()
}

#: Share of an instance's memory that the task may reserve; the rest is the system's and the ECS agent's.
TASK_MEMORY_SHARE = 7 / 8

#: Memory in MiB that Fargate offers per CPU units (1024 = one vCPU): least, most, step.
FARGATE_MEMORY: Mapping[int, tuple[int, int, int]] = {
    1024: (2048, 8192, 1024),
    2048: (4096, 16_384, 1024),
    4096: (8192, 30_720, 1024),
    8192: (16_384, 61_440, 4096),
    16_384: (32_768, 122_880, 8192),
}


@dataclass(frozen=True, slots=True)
class TaskSize:
    """CPU units (1024 = one vCPU) and MiB of memory of a task."""

    cpu: int
    memory: int


#: Default of the CPU variant: two documents at a time need two vCPUs.
FARGATE_SIZE = TaskSize(2048, 4096)


def size_for(types: Sequence[str]) -> TaskSize:
    """The largest task that fits one GPU's share of each of the instance types."""
    chosen = [INSTANCE_TYPES[name] for name in types]
    return TaskSize(
        cpu=min(found.vcpus for found in chosen) * 1024,
        memory=int(min(found.memory_gib for found in chosen) * 1024 * TASK_MEMORY_SHARE),
    )


def fits_fargate(size: TaskSize) -> bool:
    """Whether Fargate offers this combination of CPU and memory."""
    least, most, step = FARGATE_MEMORY.get(size.cpu, (1, 0, 1))
    return least <= size.memory <= most and (size.memory - least) % step == 0
