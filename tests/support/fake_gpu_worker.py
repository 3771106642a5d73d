"""The worker on a machine whose GPU fails once: `python -m tests.support.fake_gpu_worker worker`.

The first process of a worker loses the GPU's context at its first document; every later one finds it sound,
or with `GONE` in its environment finds none. Nothing of the service is replaced, but its waits are shortened.
"""

import os
from pathlib import Path

import pytest

from service import cli
from service.runtime import scheduler, supervisor
from service.runtime.middleware import gpu_detection
from tests.support import fake_cuda, fake_nvml


def put_changes() -> None:
    """Put the GPU in its place."""
    patch = pytest.MonkeyPatch()
    nvml = fake_nvml.install(patch)
    cuda = fake_cuda.install(patch)
    failed = Path(os.environ[fake_cuda.FAILED])
    if not failed.exists():
        # At the first document, however often the GPU was probed before.
        cuda.at_another_page = fake_cuda.ILLEGAL_ACCESS
        cuda.on_failure = failed.touch
    elif os.environ.get(fake_cuda.GONE):
        nvml.failure = "Driver Not Loaded"
    scheduler.PROBE_INTERVAL = 1
    gpu_detection.GONE_AFTER = gpu_detection.MIN_UPTIME = 5.0
    in_earnest = supervisor._worker_command
    patch.setattr(
        supervisor,
        "_worker_command",
        lambda settings: [
            "tests.support.fake_gpu_worker" if part == "service.worker" else part
            for part in in_earnest(settings)
        ],
    )


put_changes()

if __name__ == "__main__":
    cli.main()
else:
    # Loaded by Dramatiq in place of the service's own module, which this runs.
    from service import worker

    assert worker.app
