"""The worker with the bench's engine: `python -m bench.chaos.worker worker` instead of `filot-ocr worker`.

Nothing else of the service is replaced; intervals of minutes are shortened to seconds.
"""

import os
from pathlib import Path

from bench.chaos.clock import shift_clock
from bench.chaos.variables import SKEW, TAG, TRACE

if os.environ.get(SKEW):
    shift_clock(float(os.environ[SKEW]))

# After the clock: these modules take `datetime` as they find it.
from bench.chaos.engine import MarkEngine
from bench.chaos.trace import Trace
from service import cli
from service.reading.ocr import devices
from service.runtime import scheduler, supervisor
from service.store import outbox, reviews


def put_changes() -> None:
    """Install the engine and shorten the intervals."""
    if os.environ.get(TRACE):
        engine = MarkEngine(Trace(Path(os.environ[TRACE])), os.environ[TAG])
        setattr(devices, "load_engine", lambda driver: engine)  # noqa: B010 - mypy forbids the plain form
    outbox.GRACE, outbox.CLAIM = 2, 4
    scheduler.SWEEP_INTERVAL = 1
    reviews.MAX_DELAY = 2.0
    supervisor.MAX_DELAY = 1.0
    in_earnest = supervisor._worker_command
    setattr(  # noqa: B010
        supervisor,
        "_worker_command",
        lambda settings: [
            "bench.chaos.worker" if part == "service.worker" else part for part in in_earnest(settings)
        ],
    )


put_changes()

if __name__ == "__main__":
    cli.main()
else:
    # Loaded by Dramatiq in place of the service's own module, which this runs.
    from service import worker

    assert worker.app
