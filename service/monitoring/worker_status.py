"""The state of the whole pipeline in a dozen figures, under the names that the backend's code knows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from service.monitoring.heartbeat import WorkerState
from service.monitoring.status import Traffic
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class GPUWorkerStatus:
    """The state of the GPU pipeline over all workers that share its Redis."""

    #: Whether any worker lives.
    is_running: bool
    #: Whether any worker computes on a GPU.
    is_gpu_available: bool
    #: Why no GPU is used, as the workers say; empty while one is or no worker lives.
    gpu_absence: str
    #: The setting, not the fact.
    is_gpu_enabled: bool
    #: Jobs that living workers hold.
    active_jobs_count: int
    queue_length: int
    #: Members of the processing set: jobs in work and jobs that wait for a retry.
    processing_count: int
    workers: int
    #: Results published while nobody was subscribed, by the workers that live now.
    results_unheard: int
    auto_fallback_enabled: bool
    max_retries: int
    stuck_job_timeout_ms: int
    reaper_interval_ms: int


#: Those that only Redis knows; the others are settings.
OF_REDIS = (
    *("is_running", "is_gpu_available", "gpu_absence", "active_jobs_count"),
    *("queue_length", "processing_count", "workers", "results_unheard"),
)


def aggregate(
    workers: Sequence[WorkerState], waiting: int, processing: int, settings: Settings
) -> GPUWorkerStatus:
    """Put together what the living workers say of themselves and the lengths of the queue and of the set."""
    on_gpu = any(worker.gpu_available for worker in workers)
    return GPUWorkerStatus(
        is_running=bool(workers),
        is_gpu_available=on_gpu,
        gpu_absence="" if on_gpu else "; ".join(sorted({worker.gpu_absence for worker in workers})),
        is_gpu_enabled=settings.gpu_enabled,
        active_jobs_count=sum(worker.active_jobs for worker in workers),
        queue_length=waiting,
        processing_count=processing,
        workers=len(workers),
        results_unheard=sum(worker.results_unheard for worker in workers),
        auto_fallback_enabled=settings.auto_fallback,
        max_retries=settings.max_retries,
        stuck_job_timeout_ms=round(settings.stalled_timeout * 1000),
        reaper_interval_ms=round(settings.reaper_interval * 1000),
    )


def worker_summary(traffic: Traffic | None, settings: Settings) -> dict[str, Any]:
    """The same by name, out of a look; what only Redis knows is None while it is away."""
    if traffic is None:
        return asdict(aggregate([], 0, 0, settings)) | dict.fromkeys(OF_REDIS)
    living = [each.state for each in traffic.workers if each.state is not None]
    return asdict(aggregate(living, traffic.backlog.waiting, traffic.backlog.processing, settings))
