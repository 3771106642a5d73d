"""Which queue a document goes to: this worker's, or the backend's CPU pipeline."""

from service.queue.document_queue import DocumentQueue
from service.queue.keys import CPU_PROCESSING_KEY, CPU_QUEUE_KEY
from service.settings import current_settings
from service.store.documents import is_document_id


def route_document(document_queue: DocumentQueue, document_id: str, *, to_gpu: bool | None = None) -> bool:
    """Enqueue a document as the upload flow does: for the GPU when enabled, else for the CPU pipeline.

    Workers that claim the CPU pipeline's documents read them anyway, so these go to the GPU list at once.
    Returns False when the document already waits or is in work there. May raise ``redis.RedisError``.

    Parameters:
        to_gpu: whether to choose the GPU queue; None: as the settings say
    """
    gpu = current_settings().gpu_enabled or document_queue.settings.claim_cpu_queue
    if gpu if to_gpu is None else to_gpu:
        return document_queue.enqueue(document_id)
    if not is_document_id(document_id):
        return False
    client = document_queue.client
    waits = client.lpos(CPU_QUEUE_KEY, document_id) is not None
    if waits or client.sismember(CPU_PROCESSING_KEY, document_id):
        return False
    client.rpush(CPU_QUEUE_KEY, document_id)
    return True
