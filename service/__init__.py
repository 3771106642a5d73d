"""FiLot's OCR worker: reads identity cards (KTP, NPWP) that the backend queues."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.api import (
        dequeue_from_gpu,
        enqueue_for_gpu,
        get_gpu_queue_length,
        get_gpu_worker_status,
        is_gpu_auto_fallback_enabled,
        is_gpu_enabled,
        mark_gpu_complete,
        process_document_gpu,
        route_document,
        start_gpu_worker,
        stop_gpu_worker,
    )
    from service.monitoring.worker_status import GPUWorkerStatus
    from service.store.result import GPUOCRResult

__all__ = [
    "GPUOCRResult",
    "GPUWorkerStatus",
    "dequeue_from_gpu",
    "enqueue_for_gpu",
    "get_gpu_queue_length",
    "get_gpu_worker_status",
    "is_gpu_auto_fallback_enabled",
    "is_gpu_enabled",
    "mark_gpu_complete",
    "process_document_gpu",
    "route_document",
    "start_gpu_worker",
    "stop_gpu_worker",
]


def __getattr__(name: str) -> Any:
    """Import an exported name on first use: `filot-ocr --help` needs none of them, nor what they import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = {
        "GPUOCRResult": "service.store.result",
        "GPUWorkerStatus": "service.monitoring.worker_status",
    }
    return getattr(import_module(modules.get(name, "service.api")), name)
