"""The state of the whole pipeline in a dozen figures, under the names of the backend's code."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from service.monitoring.heartbeat import WorkerState
from service.monitoring.status import Traffic
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class GPUWorkerStatus:
    """The state of the GPU pipeline over all workers that share its Redis."""

    #: Whether any worker is running.
    is_running: bool
    #: Whether any worker computes on a GPU.
    is_gpu_available: bool
    #: Why no GPU is used, from the workers' heartbeats; empty while one is, or no worker is running.
    gpu_absence: str
    #: Whether any running worker is meant to use a GPU; while none runs, the setting of whoever asks.
    is_gpu_enabled: bool
    #: Jobs in progress on running workers.
    active_jobs_count: int
    #: Waiting documents, in both lists.
    queue_length: int
    #: Those of them in the backend's CPU list, where that is a second source.
    claimable_length: int = 0
    #: Members of the processing set: jobs in progress and jobs that wait for a retry.
    processing_count: int
    workers: int
    #: Results that the running workers published while no client was subscribed.
    results_unheard: int
    #: This and what follows: settings of whoever asks.
    auto_fallback_enabled: bool
    max_retries: int
    stuck_job_timeout_ms: int
    reaper_interval_ms: int


#: Fields that come from Redis; the others are settings of whoever asks, ``is_gpu_enabled`` while none runs.
OF_REDIS = (
    *("is_running", "is_gpu_available", "gpu_absence", "active_jobs_count"),
    *("queue_length", "claimable_length", "processing_count", "workers", "results_unheard"),
)


def aggregate(
    workers: Sequence[WorkerState], waiting: int, processing: int, settings: Settings, claimable: int = 0
) -> GPUWorkerStatus:
    """Add up the states of the running workers, and the lengths of the queue and the processing set."""
    on_gpu = any(worker.gpu_available for worker in workers)
    return GPUWorkerStatus(
        is_running=bool(workers),
        is_gpu_available=on_gpu,
        gpu_absence="" if on_gpu else "; ".join(sorted({worker.gpu_absence for worker in workers})),
        is_gpu_enabled=any(each.gpu_enabled for each in workers) if workers else settings.gpu_enabled,
        active_jobs_count=sum(worker.active_jobs for worker in workers),
        queue_length=waiting,
        claimable_length=claimable,
        processing_count=processing,
        workers=len(workers),
        results_unheard=sum(worker.results_unheard for worker in workers),
        auto_fallback_enabled=settings.auto_fallback,
        max_retries=settings.max_retries,
        stuck_job_timeout_ms=round(settings.stalled_timeout * 1000),
        reaper_interval_ms=round(settings.reaper_interval * 1000),
    )


def worker_summary(traffic: Traffic | None, settings: Settings) -> dict[str, Any]:
    """Return the same figures by name, from a snapshot; those from Redis are None while it is away."""
    if traffic is None:
        return asdict(aggregate([], 0, 0, settings)) | dict.fromkeys(OF_REDIS)
    running = [each.state for each in traffic.workers if each.state is not None]
    backlog = traffic.backlog
    return asdict(aggregate(running, backlog.waiting, backlog.processing, settings, backlog.claimable))
