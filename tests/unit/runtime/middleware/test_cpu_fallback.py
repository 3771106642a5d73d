"""What happens to a job on which the GPU failed."""

import pytest

from service.errors import DeviceError, EngineError
from service.queue.document_queue import RETURN_UNCOUNTED, Settlement
from service.queue.job_context import JobContext
from service.runtime.middleware.cpu_fallback import CpuFallback
from tests.support.messages import document_message


class FakeGpu:
    """The devices and their detection: notes what it is told."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.updates = 0

    def document_failed(self, error: Exception) -> None:
        self.failures.append(error)

    def update_pause(self) -> None:
        self.updates += 1


@pytest.mark.parametrize(
    ("auto_fallback", "settlement"),
    [(True, Settlement("requeue", counts=False, device="cpu")), (False, RETURN_UNCOUNTED)],
)
def test_the_job_goes_back_uncounted_for_the_cpu_where_that_may_be_used(
    auto_fallback: bool, settlement: Settlement
) -> None:
    gpu, message, error = FakeGpu(), document_message(), DeviceError("700")
    middleware = CpuFallback(gpu, gpu, auto_fallback=auto_fallback)  # type: ignore[arg-type]

    middleware.after_process_message(None, message, exception=error)  # type: ignore[arg-type]

    assert JobContext.of(message).settlement == settlement
    assert gpu.failures == [error]
    assert gpu.updates == 1


@pytest.mark.parametrize("error", [None, EngineError("broken")])
def test_every_other_end_is_left_to_others(error: Exception | None) -> None:
    gpu, message = FakeGpu(), document_message()

    CpuFallback(gpu, gpu, auto_fallback=True).after_process_message(None, message, exception=error)  # type: ignore[arg-type]

    assert JobContext.of(message).settlement is None
    assert gpu.failures == []
