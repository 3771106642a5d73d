"""Whether this worker gets on with FiLot's documents: CloudWatch's heartbeat and ``making_progress`` say so.

Harder to please than `/health`: a server that is away is no reason to restart a worker, but to wake somebody.
"""

from service.monitoring.health import HUNG_AFTER, Health


class Progress:
    """Judges one worker process.

    Parameters:
        health: whether it looks for work, what it has in hand, and what its servers said last
    """

    def __init__(self, health: Health) -> None:
        self.health = health

    def problems(self) -> list[str]:
        """What keeps it from getting on, one sentence each; a document that fails is progress, too."""
        away = self.health.sampler.away()
        return self.health.alive() + self.health.active_jobs.pause_reasons() + away + self._in_vain()

    def _in_vain(self) -> list[str]:
        """The file store is asked by nobody but the jobs: when it is away, each is only put off."""
        age = self.health.active_jobs.outage_age()
        backlog = self.health.sampler.backlog
        waits = backlog is not None and backlog.waiting + backlog.put_off > 0
        return [f"no document has got through for {age:.0f} s"] if waits and age > HUNG_AFTER else []
