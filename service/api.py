"""The functions that the original worker offered, with the meaning they had there.

The two that read documents import what they need when called: who only enqueues loads no OCR.
"""

import threading
import uuid
from dataclasses import replace
from functools import lru_cache

import redis
import structlog
from dramatiq import Worker

from service.errors import DeviceError
from service.monitoring.heartbeat import worker_states
from service.monitoring.worker_status import GPUWorkerStatus, aggregate
from service.queue import routing
from service.queue.document_queue import DocumentQueue, connect_redis
from service.settings import current_settings
from service.store.result import GPUOCRResult

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def _document_queue() -> DocumentQueue:
    settings = current_settings()
    return DocumentQueue(connect_redis(settings), settings)


def is_gpu_enabled() -> bool:
    """Whether ``OCR_GPU_ENABLED`` asks for a GPU; whether there is one, `get_gpu_worker_status` says."""
    return current_settings().gpu_enabled


def is_gpu_auto_fallback_enabled() -> bool:
    """Whether documents are read on the CPU when the GPU is missing or fails."""
    return current_settings().auto_fallback


def enqueue_for_gpu(document_id: str) -> bool:
    """Append a document to the GPU queue; False when it waits or is in work, or when Redis is away."""
    try:
        return _document_queue().enqueue(document_id)
    except redis.RedisError as error:
        log.warning("not_enqueued", document_id=document_id, reason=type(error).__name__)
        return False


def route_document(document_id: str) -> bool:
    """Enqueue a document as the upload flow does: for the GPU when that is enabled, else for the CPU.

    False when it waits or is in work there, or when Redis is away.
    """
    try:
        return routing.route_document(_document_queue(), document_id)
    except redis.RedisError as error:
        log.warning("not_enqueued", document_id=document_id, reason=type(error).__name__)
        return False


def dequeue_from_gpu() -> str | None:
    """Take the oldest waiting document; None when nothing waits.

    The caller has ``OCR_GPU_LEASE`` to end with `mark_gpu_complete`; afterwards the document returns to the
    queue, as it would from a worker that died. Raises ``redis.RedisError``.
    """
    job = _document_queue().fetch(str(uuid.uuid4()))
    return job.document_id if job else None


def mark_gpu_complete(document_id: str) -> None:
    """Note that a document's work is done, whoever holds it. Raises ``redis.RedisError``."""
    _document_queue().forget(document_id)


def get_gpu_queue_length() -> int:
    """How many documents wait. Raises ``redis.RedisError``."""
    return _document_queue().queue_length()


def process_document_gpu(document_id: str) -> GPUOCRResult:
    """Read one document now, in this thread, without the queue; store and publish its result, and return it.

    A process that has not looked for a GPU yet looks first. Where the GPU fails, the CPU reads.

    Raises:
        UnavailableError: one of our servers is away.
        DeviceError: there is no GPU, or it failed, and ``OCR_GPU_AUTOFALLBACK`` is false.
        EngineError: the engine broke.
        redis.RedisError: the result is stored but not published; a running worker will do that.
    """
    from service.runtime.app import current_runtime
    from service.runtime.processing import job_of_caller

    runtime = current_runtime()
    if not runtime.devices.warm:
        runtime.devices.probe()
    job = job_of_caller(document_id)
    device = runtime.devices.device_of(job.device)
    with structlog.contextvars.bound_contextvars(**{**job.named(), "device": device}):
        try:
            result = runtime.processing.process(job)
        except DeviceError as error:
            runtime.devices.document_failed(error)
            if not runtime.settings.auto_fallback:
                raise
            result = runtime.processing.process(replace(job, device="cpu"))
        runtime.publisher.publish_job(job.job_id)
    return result


def get_gpu_worker_status() -> GPUWorkerStatus:
    """The state of the pipeline, from Redis. Raises ``redis.RedisError``."""
    document_queue = _document_queue()
    return aggregate(
        worker_states(document_queue.client),
        document_queue.queue_length(),
        document_queue.processing_count(),
        current_settings(),
    )


class _EmbeddedWorker:
    """The Dramatiq worker of `start_gpu_worker`; at most one a process."""

    lock = threading.Lock()
    worker: Worker | None = None


def start_gpu_worker() -> bool:
    """Start a worker in this process; False when one runs already. `filot-ocr worker` is the usual way."""
    from service.runtime.actors import declare_actors
    from service.runtime.app import build_runtime

    with _EmbeddedWorker.lock:
        if _EmbeddedWorker.worker is not None:
            return False
        runtime = build_runtime(current_settings())
        declare_actors(runtime)
        # One thread more than jobs: a review must never wait for, or take, a document's thread.
        worker = Worker(runtime.broker, worker_threads=runtime.settings.concurrency + 1)
        worker.start()
        _EmbeddedWorker.worker = worker
        return True


def stop_gpu_worker() -> None:
    """Finish what is in work, give back what can't be finished in time, and stop taking documents."""
    with _EmbeddedWorker.lock:
        worker, _EmbeddedWorker.worker = _EmbeddedWorker.worker, None
        if worker is not None:
            worker.stop(timeout=round(current_settings().shutdown_timeout * 1000))
            worker.broker.close()
