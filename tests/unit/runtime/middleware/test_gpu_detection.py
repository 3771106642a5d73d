"""When fetching pauses for the lack of a GPU, and when the process or the worker ends for it."""

import pytest

from service.runtime.middleware.gpu_detection import (
    GONE_AFTER,
    MIN_UPTIME,
    PAUSE_SOURCE,
    GpuDetection,
    WorkerHistory,
)
from service.runtime.supervisor import EXIT_GPU_GONE, EXIT_GPU_LOST
from tests.support.fake_active_jobs import FakeActiveJobs


class FakeDevices:
    """A GPU that a test takes away."""

    def __init__(self, *, available: bool = True) -> None:
        self.gpu_available = available
        self.gpu_lost = False
        self.gpu_absence = "no device"
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1

    def close(self) -> None:
        self.gpu_available = False


class Process:
    """A worker process on a machine with a GPU; it started long ago, and its time can be moved on."""

    def __init__(
        self,
        *,
        own: bool = True,
        auto_fallback: bool = True,
        available: bool = True,
        uptime: float = 2 * MIN_UPTIME,
        lost_for: float | None = None,
    ) -> None:
        self.now = 1e6
        self.devices = FakeDevices(available=available)
        self.active_jobs = FakeActiveJobs()
        self.exit_codes: list[int] = []
        history = WorkerHistory(
            started_at=self.now - uptime, gpu_lost_at=None if lost_for is None else self.now - lost_for
        )
        self.detection = GpuDetection(
            self.devices,  # type: ignore[arg-type]
            self.active_jobs,
            self.exit_codes.append,
            history,
            auto_fallback=auto_fallback,
            clock=lambda: self.now,
        )
        if own:
            self.detection.after_process_boot(None)  # type: ignore[arg-type]
        self.detection.before_worker_boot(None, None)  # type: ignore[arg-type]

    def lose_gpu(self) -> None:
        self.devices.gpu_available = False

    def probe_after(self, seconds: float) -> list[int]:
        """Probe that much later; returns the exit codes with which the process was asked to end."""
        self.now += seconds
        self.detection.probe()
        return self.exit_codes


def test_without_a_gpu_fetching_pauses_only_where_the_cpu_may_not_be_used() -> None:
    with_cpu = Process(available=False)
    without = Process(available=False, auto_fallback=False)
    paused = without.active_jobs.pause_reasons()
    without.devices.gpu_available = True
    without.probe_after(60)

    assert with_cpu.active_jobs.pause_reasons() == []
    assert paused == ["no GPU (no device) and OCR_GPU_AUTOFALLBACK is false"]
    assert without.active_jobs.pause_reasons() == []
    assert PAUSE_SOURCE == "gpu"


def test_a_process_that_lost_the_context_ends_at_the_next_probe_to_be_started_again() -> None:
    process = Process()
    process.devices.gpu_lost = True

    assert process.probe_after(60) == [EXIT_GPU_LOST]
    assert process.devices.probes == 1


def test_a_worker_whose_gpu_does_not_come_back_ends_when_idle() -> None:
    process = Process()
    process.lose_gpu()

    soon = list(process.probe_after(GONE_AFTER - 1))
    process.active_jobs.held = ["token"]
    busy = list(process.probe_after(2))
    process.active_jobs.held = []
    idle = list(process.probe_after(60))

    assert (soon, busy, idle) == ([], [], [EXIT_GPU_GONE])


def test_a_gpu_that_an_earlier_process_lost_counts_from_then_on() -> None:
    process = Process(available=False, lost_for=GONE_AFTER - 30)

    assert process.exit_codes == []
    assert process.probe_after(60) == [EXIT_GPU_GONE]


def test_a_gpu_that_came_back_counts_anew() -> None:
    process = Process(lost_for=2 * GONE_AFTER)
    process.lose_gpu()

    assert process.probe_after(60) == []


def test_a_worker_ends_for_its_gpu_once_an_hour_at_most() -> None:
    process = Process(available=False, lost_for=2 * GONE_AFTER, uptime=MIN_UPTIME - 30)

    before = list(process.exit_codes)

    assert before == []
    assert process.probe_after(60) == [EXIT_GPU_GONE]


def test_a_worker_that_never_had_a_gpu_goes_on() -> None:
    process = Process(available=False)

    assert process.probe_after(100 * GONE_AFTER) == []


@pytest.mark.parametrize("lost", [True, False])
def test_a_process_that_only_embeds_a_worker_is_never_ended(lost: bool) -> None:
    process = Process(own=False)
    process.lose_gpu()
    process.devices.gpu_lost = lost

    assert process.probe_after(100 * GONE_AFTER) == []


def test_the_gpu_is_released_at_shutdown() -> None:
    process = Process()

    process.detection.after_worker_shutdown(None, None)  # type: ignore[arg-type]

    assert not process.devices.gpu_available
