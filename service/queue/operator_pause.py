"""Pause of all workers by an operator: one Redis key, so that it outlives every worker."""

import json
import time
from dataclasses import asdict, dataclass

import redis
import structlog

from service.queue.active_jobs import ActiveJobs
from service.queue.keys import WATCH_KEY

log = structlog.get_logger(__name__)

#: `fetch.lua` reads it, too: nothing is fetched while it exists.
PAUSE_KEY = f"{WATCH_KEY}:paused"

#: s between two looks of a paused worker at the key. Its heartbeat or a refused fetch tells it of the pause.
LOOK_INTERVAL = 1.0

#: Source of the pause among the reasons of `ActiveJobs`.
SOURCE = "operator"

#: How that reason begins in the heartbeats of every version. They tell of a pause, and of its end, a few
#: seconds late; who wants to know asks the key.
REASON_PREFIX = "paused by "


@dataclass(frozen=True, slots=True)
class OperatorPause:
    """Who paused the workers, and why."""

    operator: str
    reason: str
    #: Epoch s.
    since: float
    #: Epoch s at which it ends by itself; None: it lasts until `resume`.
    until: float | None

    def sentence(self) -> str:
        """One sentence for the status page, the alarms and the log."""
        end = "" if self.until is None else f", until {_clock(self.until)}"
        return f"{REASON_PREFIX}{self.operator} at {_clock(self.since)}{end}: {self.reason}"


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def pause(client: redis.Redis, operator: str, reason: str, seconds: float | None) -> OperatorPause:
    """Let no worker fetch documents, for a while or until `resume`; replaces an earlier pause."""
    now = time.time()
    paused = OperatorPause(operator, reason, now, None if seconds is None else now + seconds)
    client.set(PAUSE_KEY, json.dumps(asdict(paused)), px=None if seconds is None else round(seconds * 1000))
    return paused


def resume(client: redis.Redis) -> bool:
    """End the pause; False when there was none."""
    return bool(client.delete(PAUSE_KEY))


def current_pause(client: redis.Redis) -> OperatorPause | None:
    """Return the pause, or None."""
    value = client.get(PAUSE_KEY)
    return parse_pause(None if value is None else str(value))


def parse_pause(value: str | None) -> OperatorPause | None:
    """Return the pause that the key's value describes; None: there is none."""
    return None if value is None else OperatorPause(**json.loads(value))


class PauseWatch:
    """Applies the operator's pause to this worker: what it reports, and that it need not poll.

    Parameters:
        client: answers in text
        active_jobs: paused and resumed
    """

    def __init__(self, client: redis.Redis, active_jobs: ActiveJobs) -> None:
        self.client = client
        self.active_jobs = active_jobs
        self._paused = False

    def look(self) -> None:
        """Read the key while this worker is paused. May raise ``redis.RedisError``."""
        if self.active_jobs.is_paused_by(SOURCE):
            self._apply(current_pause(self.client))

    def note(self, value: str | None) -> None:
        """Apply the key's value, which another command has read."""
        self._apply(parse_pause(value))

    def _apply(self, pause: OperatorPause | None) -> None:
        if pause is not None:
            self.active_jobs.pause(SOURCE, pause.sentence())
        else:
            self.active_jobs.resume(SOURCE)
        if (pause is not None) != self._paused:
            self._paused = pause is not None
            log.warning(
                "paused_by_operator" if pause else "resumed_by_operator",
                reason=pause.sentence() if pause else "the pause ended",
            )
