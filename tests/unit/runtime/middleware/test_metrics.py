"""What is counted of a job."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from service.errors import DeviceLostError, EngineError, LeaseLostError, UnavailableError
from service.queue.document_queue import Settlement
from service.queue.job_context import JobContext
from service.runtime.middleware.metrics import JobMetrics
from service.store.result import EarlierResult
from service.telemetry.metrics import REGISTRY
from tests.support.fake_active_jobs import FakeActiveJobs
from tests.support.messages import SUCCESS, document_message, review_message

RETRY = Settlement("retry", 1.0)


class FakeCloudWatch:
    """Notes what is counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[bool, int, bool]] = []
        self.reports = 0

    def count(self, *, failed: bool, milliseconds: int, on_cpu: bool) -> None:
        self.counted.append((failed, milliseconds, on_cpu))

    def report(self) -> None:
        self.reports += 1


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


@pytest.fixture
def metrics(cloudwatch: FakeCloudWatch) -> JobMetrics:
    return JobMetrics(FakeActiveJobs(), cloudwatch)  # type: ignore[arg-type]


@pytest.fixture
def change() -> Callable[..., float]:
    """A function that returns by how much a counter grew since the test began."""
    before = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }

    def change(name: str, **labels: str) -> float:
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        return now - before.get((name, tuple(sorted(labels.items()))), 0.0)

    return change


def test_a_result_is_counted_with_its_outcome_device_and_duration(
    metrics: JobMetrics, cloudwatch: FakeCloudWatch, change: Callable[..., float]
) -> None:
    message = document_message()
    JobContext.of(message).result = SUCCESS
    JobContext.of(message).settlement = Settlement("done")

    metrics.before_process_message(None, message)  # type: ignore[arg-type]
    metrics.after_process_message(None, message)  # type: ignore[arg-type]

    assert change("filot_ocr_results_total", outcome="auto_approved", device="cpu") == 1
    assert change("filot_ocr_processing_seconds_sum") == 2
    assert change("filot_ocr_stage_seconds_sum", stage="take_wait") == 2
    assert cloudwatch.counted == [(False, 2000, True)]


@pytest.mark.parametrize("success", [True, False])
def test_what_somebody_stored_before_is_counted_nowhere(
    metrics: JobMetrics, cloudwatch: FakeCloudWatch, change: Callable[..., float], success: bool
) -> None:
    message = document_message()
    told = {**asdict(SUCCESS), "success": success}
    JobContext.of(message).result = EarlierResult(**told)
    JobContext.of(message).settlement = Settlement("done")

    metrics.after_process_message(None, message)  # type: ignore[arg-type]

    assert cloudwatch.counted == []
    assert change("filot_ocr_results_total", outcome="auto_approved", device="cpu") == 0
    assert change("filot_ocr_processing_seconds_sum") == 0


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (UnavailableError("away"), "server_away"),
        (EngineError("broken"), "engine"),
        (ValueError("odd"), "unforeseen"),
    ],
)
def test_a_retry_is_counted_by_its_cause(
    metrics: JobMetrics, change: Callable[..., float], error: Exception, cause: str
) -> None:
    message = document_message()
    JobContext.of(message).settlement = RETRY

    metrics.after_process_message(None, message, exception=error)  # type: ignore[arg-type]

    assert change("filot_ocr_retries_total", cause=cause) == 1


def test_a_failing_gpu_is_counted_by_the_kind_of_failure(
    metrics: JobMetrics, change: Callable[..., float]
) -> None:
    metrics.after_process_message(None, document_message(), exception=DeviceLostError("700"))  # type: ignore[arg-type]

    assert change("filot_ocr_cpu_fallbacks_total", reason="DeviceLostError") == 1


def test_neither_a_review_nor_a_lost_lease_counts_as_anything(
    metrics: JobMetrics, cloudwatch: FakeCloudWatch, change: Callable[..., float]
) -> None:
    overtaken = document_message()
    JobContext.of(overtaken).settlement = RETRY

    metrics.before_process_message(None, review_message())  # type: ignore[arg-type]
    metrics.after_process_message(None, review_message())  # type: ignore[arg-type]
    metrics.after_process_message(None, overtaken, exception=LeaseLostError("later"))  # type: ignore[arg-type]

    causes = ("server_away", "engine", "unforeseen")
    assert sum(change("filot_ocr_retries_total", cause=cause) for cause in causes) == 0
    assert cloudwatch.counted == []


def test_the_last_report_is_written_at_shutdown(metrics: JobMetrics, cloudwatch: FakeCloudWatch) -> None:
    metrics.after_worker_shutdown(None, None)  # type: ignore[arg-type]

    assert cloudwatch.reports == 1
