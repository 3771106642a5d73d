"""Time from a worker's death until its jobs are fetched again, from the timestamps in Redis."""

import time

import redis

from bench.chaos.harness import Document, Harness
from service.queue.document_queue import TIMESTAMPS_KEY

#: Seconds between two looks.
INTERVAL = 0.03


class TakeHistory:
    """Observed times at which documents were fetched.

    Args:
        harness: whose Redis is looked at.
    """

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self._takes: dict[str, set[int]] = {}

    def watch(self, seconds: float) -> None:
        """Poll the timestamps for ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                taken = self.harness.backend.redis.hgetall(TIMESTAMPS_KEY)
            except redis.RedisError:
                taken = {}
            for document_id, at in taken.items():
                self._takes.setdefault(str(document_id), set()).add(int(at))
            time.sleep(INTERVAL)

    def slowest_recovery(self, documents: list[Document], killed_at: dict[int, float]) -> float:
        """Return the longest time in s from a worker's death until one of its jobs was fetched again.

        Args:
            documents: all documents.
            killed_at: when (`time.monotonic()`) the process with an id was killed.
        """
        # Redis, on this machine, stamps takes with the wall clock.
        epoch = time.time() - time.monotonic()
        ids = {document.marks.serial: document.id for document in documents}
        slowest = 0.0
        for begun in self.harness.trace.events("begin"):
            died = killed_at.get(begun.pid)
            if died is None:
                continue
            takes = sorted(at / 1000 - epoch for at in self._takes.get(ids[begun.serial], ()))
            # The last take before it began to read is the one that died with it, if another followed.
            held = [at for at in takes if at <= begun.at]
            later = [at for at in takes if at > died]
            if held and later and not any(begun.at < at <= died for at in takes):
                slowest = max(slowest, later[0] - died)
        return slowest
