"""Which queue a document goes to: this worker's, or the backend's CPU pipeline."""

from service.queue.document_queue import CPU_PROCESSING_KEY, CPU_QUEUE_KEY, DocumentQueue
from service.settings import current_settings


def route_document(document_queue: DocumentQueue, document_id: str, *, to_gpu: bool | None = None) -> bool:
    """Enqueue a document as the upload flow does: for the GPU when enabled, else for the CPU pipeline.

    Returns False when the document already waits or is in work there. May raise ``redis.RedisError``.

    Parameters:
        to_gpu: whether to choose the GPU queue; None: as the settings say
    """
    if current_settings().gpu_enabled if to_gpu is None else to_gpu:
        return document_queue.enqueue(document_id)
    client = document_queue.client
    waits = client.lpos(CPU_QUEUE_KEY, document_id) is not None
    if waits or client.sismember(CPU_PROCESSING_KEY, document_id):
        return False
    client.rpush(CPU_QUEUE_KEY, document_id)
    return True
