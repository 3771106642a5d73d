"""The original worker's functions, with their original meaning.

The functions that read documents import the app when they are called: whoever only enqueues loads no OCR.
"""

import threading
import uuid
from contextlib import ExitStack
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
from service.store.server_problems import describe_outage

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def _document_queue() -> DocumentQueue:
    """Return the queue of the functions that need no app: one Redis client a process, opened on first use."""
    settings = current_settings()
    return DocumentQueue(connect_redis(settings), settings)


def is_gpu_enabled() -> bool:
    """Whether ``OCR_GPU_ENABLED`` asks for a GPU; `get_gpu_worker_status` says whether one is in use."""
    return current_settings().gpu_enabled


def is_gpu_auto_fallback_enabled() -> bool:
    """Whether documents are read on the CPU when the GPU is missing or fails."""
    return current_settings().auto_fallback


def enqueue_for_gpu(document_id: str) -> bool:
    """Append a document to the GPU queue; False when it is queued or being processed, or Redis is away."""
    try:
        return _document_queue().enqueue(document_id)
    except redis.RedisError as error:
        log.warning("not_enqueued", document_id=document_id, reason=describe_outage(error))
        return False


def route_document(document_id: str) -> bool:
    """Enqueue a document as the upload flow does: for the GPU if that is enabled, else for the CPU.

    Returns False when it is queued or being processed there, or when Redis is away.
    """
    try:
        return routing.route_document(_document_queue(), document_id)
    except redis.RedisError as error:
        log.warning("not_enqueued", document_id=document_id, reason=describe_outage(error))
        return False


def dequeue_from_gpu() -> str | None:
    """Fetch the oldest waiting document; None when the queue is empty.

    The caller must call `mark_gpu_complete` within ``OCR_GPU_LEASE``; otherwise the document returns to the
    queue, as from a worker that died. Raises ``redis.RedisError``.
    """
    job = _document_queue().fetch(str(uuid.uuid4()))
    return job.document_id if job else None


def mark_gpu_complete(document_id: str) -> None:
    """Mark a document as done, whoever holds it. Raises ``redis.RedisError``."""
    _document_queue().forget(document_id)


def get_gpu_queue_length() -> int:
    """Return the number of waiting documents. Raises ``redis.RedisError``."""
    return _document_queue().queue_length()


def process_document_gpu(document_id: str) -> GPUOCRResult:
    """Process one document in the calling thread, without the queue; store, publish and return its result.

    The first call of a process loads the OCR models and probes the GPU. Where the GPU fails, the CPU is used.

    Raises:
        UnavailableError: one of our servers is away.
        DeviceError: there is no GPU, or it failed, and ``OCR_GPU_AUTOFALLBACK`` is false.
        EngineError: the engine failed.
        redis.RedisError: the result is stored but not published; a running worker publishes it later.
    """
    from service.runtime.app import current_app
    from service.runtime.processing import job_of_caller

    app = current_app()
    if not app.devices.warm:
        app.devices.probe()
    job = job_of_caller(document_id)
    device = app.devices.device_of(job.device)
    with structlog.contextvars.bound_contextvars(**{**job.named(), "device": device}):
        try:
            result = app.processing.process(job)
        except DeviceError as error:
            app.devices.document_failed(error)
            if not app.settings.auto_fallback:
                raise
            result = app.processing.process(replace(job, device="cpu"))
        app.publisher.publish_job(job.job_id)
    return result


def get_gpu_worker_status() -> GPUWorkerStatus:
    """Return the state of the queue and its workers, from Redis. Raises ``redis.RedisError``."""
    document_queue = _document_queue()
    claimable = document_queue.claimable_length()
    return aggregate(
        worker_states(document_queue.client),
        document_queue.queue_length() + claimable,
        document_queue.processing_count(),
        current_settings(),
        claimable,
    )


class _EmbeddedWorker:
    """The Dramatiq worker of `start_gpu_worker`, and its app; at most one a process."""

    lock = threading.Lock()
    #: Stops the worker and closes the app; None while no worker runs.
    resources: ExitStack | None = None


def start_gpu_worker() -> bool:
    """Start a worker in this process; False if one runs already. The usual way is `filot-ocr worker`."""
    from service.runtime.actors import declare_actors
    from service.runtime.app import build_app

    with _EmbeddedWorker.lock:
        if _EmbeddedWorker.resources is not None:
            return False
        with ExitStack() as resources:
            app = resources.enter_context(build_app(current_settings()))
            declare_actors(app)
            # One thread more than jobs, so that a review neither waits for nor takes a document's thread.
            worker = Worker(app.broker, worker_threads=app.settings.concurrency + 1)
            worker.start()
            resources.callback(worker.stop, timeout=round(app.settings.shutdown_timeout * 1000))
            _EmbeddedWorker.resources = resources.pop_all()
        return True


def stop_gpu_worker() -> None:
    """Stop fetching, finish the active jobs, and return to the queue what cannot finish in time."""
    with _EmbeddedWorker.lock:
        resources, _EmbeddedWorker.resources = _EmbeddedWorker.resources, None
        if resources is not None:
            resources.close()
