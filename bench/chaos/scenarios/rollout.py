"""Scenario of a rollout: the original worker takes from the same list, and drops what is in work."""

import threading
import time
import uuid

from bench.chaos.findings import Findings, check_attempts, check_end
from bench.chaos.harness import Document, Harness
from bench.chaos.pictures import Behaviour, npwp_number
from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import LOCK_PREFIX, TIMESTAMPS_KEY

#: s that the original worker reads a document, longer than `OCR_GPU_STUCK_TIMEOUT`, and that its lock lives.
READS, LOCK = 3.0, 8


class OriginalWorker(threading.Thread):
    """The original worker's steps in Redis and PostgreSQL, until it is stopped in the middle of a document.

    Args:
        backend: whose servers it uses.
        documents: by id, what it would read in each.
    """

    def __init__(self, backend: FilotBackend, documents: dict[str, Document]) -> None:
        super().__init__(daemon=True)
        self.backend = backend
        self.documents = documents
        self.stopping = threading.Event()
        #: What it finished, and what it held when it ended.
        self.finished: list[str] = []
        self.held: str | None = None

    def run(self) -> None:
        """Take and finish documents; at the end, drop whatever is in work, also of other workers."""
        while True:
            document_id = self._take()
            if document_id is None:
                time.sleep(0.02)
            elif self.stopping.wait(READS):
                self.held = document_id
                break
            else:
                self._finish(document_id)
        self.backend.redis.delete(PROCESSING)

    def _take(self) -> str | None:
        redis = self.backend.redis
        document_id = redis.lpop(QUEUE)
        if not isinstance(document_id, str):
            return None
        correlation = redis.hget(CORRELATION, document_id) or str(uuid.uuid4())
        if not redis.set(LOCK_PREFIX + document_id, str(correlation), nx=True, ex=LOCK):
            return None
        redis.sadd(PROCESSING, document_id)
        redis.hset(TIMESTAMPS_KEY, document_id, round(time.time() * 1000))
        redis.hincrby(ATTEMPTS, document_id, 1)
        return document_id

    def _finish(self, document_id: str) -> None:
        self.backend.execute(
            """UPDATE documents SET status = 'completed',
                   result_json = jsonb_build_object('npwpNumber', %s::text) WHERE id = %s""",
            npwp_number(self.documents[document_id].marks.serial),
            document_id,
        )
        redis = self.backend.redis
        redis.srem(PROCESSING, document_id)
        for key in (TIMESTAMPS_KEY, ATTEMPTS, CORRELATION):
            redis.hdel(key, document_id)
        redis.delete(LOCK_PREFIX + document_id)
        self.finished.append(document_id)


def original_worker(harness: Harness, findings: Findings) -> None:
    """Each document is read by one of the two, and what the original one drops at its end is read by ours."""
    documents = harness.add(Behaviour.GOOD, 80, seconds=0.3)
    harness.worker()
    with FilotBackend(harness.stack.environment()) as backend:
        original = OriginalWorker(backend, {document.id: document for document in documents})
        original.start()
        harness.enqueue(documents)
        harness.wait_for(lambda: len(original.finished) >= 3, 30)
        original.stopping.set()
        original.join()
    ours = [document for document in documents if document.id not in original.finished]
    findings.figure(f"{len(original.finished)} read by the original worker, {len(ours)} by ours")
    findings.promise(bool(original.finished), "the original worker got nothing")
    check_end(harness, findings, ours, timeout=60)
    twice = [d.id for d in documents if d.id in original.finished and harness.trace.reads(d.marks.serial)]
    findings.none_of(twice, "read by ours as well")
    check_attempts(harness, findings, ours)
