"""A poller whose servers answered as a test wants it."""

from collections.abc import Sequence

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.cached_probe import ProbeResult
from service.monitoring.poller import Poller
from service.monitoring.status import DatabaseState, Traffic

NOTHING_WAITING = Backlog(waiting=0, processing=0, put_off=0, oldest_waiting=0.0)
NOTHING_UNDELIVERED = OutboxBacklog(dead=0, given_up=0, undelivered={"result": (0, 0.0), "review": (0, 0.0)})


def set_answers(
    poller: Poller,
    backlog: Backlog = NOTHING_WAITING,
    outbox_backlog: OutboxBacklog = NOTHING_UNDELIVERED,
    obstacles: Sequence[str] = (),
) -> None:
    """Let the latest poll have seen this."""
    assert poller.database_state is not None
    poller.traffic._result = ProbeResult(Traffic(backlog, [], []))
    poller.database_state._result = ProbeResult(DatabaseState(outbox_backlog, obstacles))
