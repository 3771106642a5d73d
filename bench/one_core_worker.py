"""The worker with one core for each page: `python -m bench.one_core_worker worker`.

Nothing else of the service is replaced. `bench.latency` compares the two.
"""

from service import cli
from service.reading.ocr import cores
from service.runtime import supervisor


def put_changes() -> None:
    """Lend no cores, here and in the process that Dramatiq starts."""
    unchanged = supervisor._worker_command
    setattr(cores, "_usable_cores", lambda: 1)  # noqa: B010 - mypy forbids the plain form
    setattr(  # noqa: B010
        supervisor,
        "_worker_command",
        lambda settings: [
            "bench.one_core_worker" if part == "service.worker" else part for part in unchanged(settings)
        ],
    )


put_changes()

if __name__ == "__main__":
    cli.main()
else:
    # Loaded by Dramatiq in place of the service's own module, which this runs.
    from service import worker

    assert worker.app
