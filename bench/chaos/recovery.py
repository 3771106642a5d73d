"""How long a job stays with a dead worker, from what Redis says of each take."""

import time

import redis

from bench.chaos.ground import Ground, Paper
from service.queue.document_queue import TIMESTAMPS_KEY

#: Seconds between two looks.
INTERVAL = 0.03


class TakeHistory:
    """Every take of every document, as far as looks catch it.

    Args:
        ground: whose Redis is looked at.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._takes: dict[str, set[int]] = {}

    def watch(self, seconds: float) -> None:
        """Look again and again for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                taken = self.ground.backend.redis.hgetall(TIMESTAMPS_KEY)
            except redis.RedisError:
                taken = {}
            for document_id, at in taken.items():
                self._takes.setdefault(str(document_id), set()).add(int(at))
            time.sleep(INTERVAL)

    def slowest_recovery(self, papers: list[Paper], crash_count: dict[int, float]) -> float:
        """Seconds from a worker's death until the next take of a job that it was at, at worst.

        Args:
            papers: all documents.
            deaths: when (`time.monotonic()`) the process with an id was killed.
        """
        # Redis, on this machine, stamps takes with the wall clock.
        epoch = time.time() - time.monotonic()
        ids = {paper.marks.serial: paper.id for paper in papers}
        slowest = 0.0
        for begun in self.ground.trace.events("begin"):
            died = crash_count.get(begun.pid)
            if died is None:
                continue
            takes = sorted(at / 1000 - epoch for at in self._takes.get(ids[begun.serial], ()))
            # The last take before it began to read is the one that died with it, if another followed.
            held = [at for at in takes if at <= begun.at]
            later = [at for at in takes if at > died]
            if held and later and not any(begun.at < at <= died for at in takes):
                slowest = max(slowest, later[0] - died)
        return slowest
